/**
 * Signed records on their way to the chain (M6, C6). Owns: `mr:records:*`: what is to be published, what was; which memes of
 * a round go on chain; making the transactions. Does not own: the records' bytes (shared-schema), who may publish what:
 * only moderated things may be handed in, because nothing on the chain can be taken back.
 */

import { hashJson } from "@meme-rounds/shared-schema/hash";
import {
  type ChainRecord,
  chainRecordScript,
  type RecordType,
} from "@meme-rounds/shared-schema/map-record-kinds";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import { hash32, type Network } from "@meme-rounds/shared-schema/records";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { z } from "zod";
import type { ChainPort } from "../../chain/index.ts";
import type { Logger } from "../../infra/logger.ts";
import type { Redis } from "../../infra/redis.ts";
import { FloatEmpty, type HotWallet } from "../hot-wallet.ts";
import { type LedgerKeys, pay } from "./links.ts";
import type { Outbox } from "./outbox.ts";

const WAITING = "mr:records:waiting";
const PUBLISHED = "mr:records:txids";
/** Of stored media: sha256 -> the transaction that carries it, output 0. */
const MEDIA = "mr:records:media";

/** How much of a round goes on chain: the pictures of its winners, or of all its memes. */
export type ChainStore = "full" | "winners";

/** Something to publish. The same `id` is published once. `media` is the sha256 of stored bytes that go along. */
const jobSchema = z.object({
  id: z.string().min(1).max(200),
  type: z.string(),
  at: z.number().int(),
  fields: z.record(z.string(), z.string()),
  media: hash32.optional(),
  /** Pays for it in the costs. */
  roundId: z.string().optional(),
});
type Fields<T extends RecordType> = Extract<ChainRecord, { type: T }>["fields"];
export type RecordJob = {
  [T in RecordType]: {
    id: string;
    type: T;
    at: number;
    fields: Fields<T>;
    roundId?: string;
  } & (T extends "meme" | "media" ? { media: string } : unknown);
}[RecordType];

/** What any process may ask to be published; the payment worker does it. */
export interface RecordQueue {
  /** Throws a ZodError on a job that has not the form. */
  publish(job: RecordJob): Promise<void>;
  /** Where stored bytes are on the chain: output 0 of that transaction, once it is on its way. */
  mediaTxid(sha256: string): Promise<string | undefined>;
}

export const createRecordQueue = (redis: Redis): RecordQueue => ({
  async publish(job) {
    if ((await redis.hexists(PUBLISHED, job.id)) === 1) return;
    await redis.hsetnx(WAITING, job.id, JSON.stringify(jobSchema.parse(job)));
  },
  async mediaTxid(sha256) {
    return (await redis.hget(MEDIA, sha256)) ?? undefined;
  },
});

/** A name or picture of a player's (empty: taken away). */
export const profileJob = (fields: Fields<"profile">, at: number): RecordJob => ({
  id: `profile:${fields.playKey}:${at}`,
  type: "profile",
  at,
  fields,
});

/** A published model: what it is, and its three files. */
export function modelJobs(fields: Fields<"model">, at: number): RecordJob[] {
  const { memeId, roundId } = fields;
  const id = `${roundId}:${memeId}`;
  const files = (["glb", "poster", "turntable"] as const).map(
    (role): RecordJob => ({
      id: `media:${role}:${id}`,
      type: "media",
      at,
      fields: { memeId, roundId, role },
      media: fields[role],
      roundId,
    }),
  );
  return [{ id: `model:${id}`, type: "model", at, fields, roundId }, ...files];
}

/** C6: a meme was taken down. Without this the chain alone would bring it back (M6). */
export const takedownJob = (memeId: string, at: number): RecordJob => ({
  id: `takedown:${memeId}`,
  type: "takedown",
  at,
  fields: { memeId },
});

/** The keys in use, once for each set of them. */
export const keysJob = (fields: Fields<"keys">, at: number): RecordJob => ({
  id: `keys:${hashJson(fields)}`,
  type: "keys",
  at,
  fields,
});

/** M6: the memes of a closed round that go on chain. None that is blurred or taken down. */
export function memeJobs(state: RoundState, store: ChainStore): RecordJob[] {
  const outcome = computeOutcome(state);
  if (outcome.kind !== "result") return [];
  const winners = new Set(outcome.winners);
  const { roundId, closesAt } = state.open;
  return [...state.memes.values()].flatMap((meme): RecordJob[] => {
    const { memeId, title, mime, playKey } = meme;
    if (meme.takenDown || meme.hidden || (store === "winners" && !winners.has(memeId))) return [];
    const fields = { memeId, roundId, title: title ?? "", mime, creator: playKey };
    return [{ id: `meme:${roundId}:${memeId}`, type: "meme", at: closesAt, fields, media: memeId, roundId }];
  });
}

export interface RecordsOptions {
  network: Network;
  /** Larger files stay off chain, bytes. */
  maxFileBytes: number;
}

export interface RecordsDeps {
  redis: Redis;
  chain: Pick<ChainPort, "feeRate">;
  wallet: Pick<HotWallet, "reserve" | "release">;
  keys: LedgerKeys;
  outbox: Outbox;
  /** Stored bytes by sha256; undefined when they are gone or taken down. */
  readMedia(sha256: string): Promise<{ bytes: Uint8Array; type: string } | undefined>;
  /** C6: nothing about such a meme is published; absent: there are none. */
  isTakenDown?(memeId: string): Promise<boolean>;
  logger: Logger;
}

export class Records {
  private readonly options: RecordsOptions;
  private readonly deps: RecordsDeps;

  constructor(options: RecordsOptions, deps: RecordsDeps) {
    this.options = options;
    this.deps = deps;
  }

  /** Publishes up to `most` of what waits; stops quietly when the float has no coin left. Returns how many. */
  async drain(most: number): Promise<number> {
    const { redis, logger } = this.deps;
    let done = 0;
    for (const [id, text] of Object.entries(await redis.hgetall(WAITING))) {
      if (done === most) break;
      const job = jobSchema.safeParse(JSON.parse(text));
      try {
        if (job.success) await this.publish(job.data);
        else await this.drop(id, "it is no job");
        done += 1;
      } catch (err) {
        if (err instanceof FloatEmpty) {
          logger.warn({ missing: err.missing }, "no coins to publish with");
          return done;
        }
        // Fields that are not as they must be never will be.
        if (err instanceof z.ZodError || err instanceof RangeError) await this.drop(id, err.message);
        else logger.error({ err, id }, "a record was not published yet");
      }
    }
    return done;
  }

  private async publish(job: z.infer<typeof jobSchema>): Promise<void> {
    const { redis, outbox, readMedia, keys } = this.deps;
    const { network, maxFileBytes } = this.options;
    const id = `record:${job.id}`;
    let txid = await outbox.txidOf(id);
    if (txid === undefined) {
      const { memeId } = job.fields;
      if (job.type !== "takedown" && memeId !== undefined && (await this.deps.isTakenDown?.(memeId)))
        return await this.drop(job.id, "its meme was taken down");
      const media = job.media === undefined ? undefined : await readMedia(job.media);
      if (job.media !== undefined && media === undefined)
        return await this.drop(job.id, "its bytes are gone");
      if (media !== undefined && media.bytes.length > maxFileBytes)
        return await this.drop(job.id, `${media.bytes.length} bytes are too many`);
      const file = media === undefined ? {} : { file: { data: media.bytes, mime: media.type } };
      const record = { type: job.type, at: job.at, fields: job.fields, ...file } as ChainRecord;
      const { secret } = keys.forKey(keys.current());
      const script = chainRecordScript(record, { secret, network });
      txid = await this.store(id, script, job.roundId);
    }
    await redis.hset(PUBLISHED, job.id, txid);
    if (job.media !== undefined) await redis.hset(MEDIA, job.media, txid);
    await redis.hdel(WAITING, job.id);
    await outbox.send(id);
  }

  private async store(id: string, script: string, roundId: string | undefined): Promise<string> {
    const { outbox } = this.deps;
    const built = await pay(id, { outputs: [{ sats: 0, script }] }, this.deps);
    const cost = roundId === undefined ? {} : { cost: { roundId, kind: "media" as const } };
    await outbox.put({ txs: [{ id, built }], ...cost });
    return (await outbox.txidOf(id)) ?? built.txid;
  }

  private async drop(id: string, reason: string): Promise<void> {
    this.deps.logger.warn({ id, reason }, "a record stays off chain");
    await this.deps.redis.hdel(WAITING, id);
  }
}

/** M6: a record that is on the chain already is not published again. `media` is the sha256 of bytes it carries. */
export async function restoreRecord(redis: Redis, id: string, txid: string, media?: string): Promise<void> {
  await redis.hset(PUBLISHED, id, txid);
  if (media !== undefined) await redis.hset(MEDIA, media, txid);
}
