/**
 * Putting back into Redis what the chain holds (M6). Owns: the order (names, rounds oldest first, jackpots,
 * ledger, models with their files), and telling what could not be restored. Does not own: reading the chain (scan.ts, rounds.ts). Done twice it
 * changes nothing; broken off, it goes on when it is run again.
 */
import { addressOf, type VerifyCompact } from "@meme-rounds/shared-schema/crypto";
import { entryIdOf } from "@meme-rounds/shared-schema/escrow";
import { sha256Hex } from "@meme-rounds/shared-schema/hash";
import type { LinkBody } from "@meme-rounds/shared-schema/ledger-link";
import type { ChainRecord } from "@meme-rounds/shared-schema/map-record-kinds";
import type { Network } from "@meme-rounds/shared-schema/records";
import type { CarryCoin } from "@meme-rounds/shared-schema/settlement";
import { createAnalyticsService } from "../../analytics/index.ts";
import { createPlayKeys } from "../../auth/play-keys.ts";
import { restoreProfile } from "../../auth/users.ts";
import type { ChainPort } from "../../chain/index.ts";
import { Gallery } from "../../content/gallery.ts";
import { MediaStore, type MediaType } from "../../content/media/store.ts";
import { BlockList } from "../../content/moderation/blocks.ts";
import { phashOf } from "../../content/upload/picture.ts";
import type { Redis } from "../../infra/redis.ts";
import { CarryBook } from "../../payment/carry.ts";
import { modelJobs, profileJob, takedownJob } from "../../payment/index.ts";
import { restoreLedger } from "../../payment/ledger/outbox.ts";
import { restoreRecord } from "../../payment/ledger/records.ts";
import { SettlementStore } from "../../payment/settlement/store.ts";
import { RoundDirectory } from "../../round/directory.ts";
import { restoreJournal } from "../../round/journal-store.ts";
import { closedRound, type RebuiltRound, RoundDamaged, voidedRound } from "./rounds.ts";
import type { FoundLink, FoundRecord, Scan } from "./scan.ts";

export interface RestoreDeps {
  network: Network;
  redis: Redis;
  chain: Pick<ChainPort, "rawTx" | "spentBy">;
  verify: VerifyCompact;
  now(): number;
  progress(what: string): void;
}

export interface Restored {
  rounds: number;
  voided: number;
  models: number;
  profiles: number;
  files: number;
  /** What is wrong on the chain, or not there: one sentence each. */
  damaged: string[];
}

/** A round length for voided rounds of an arena where no round closed, ms. */
const USUAL_ROUND_MS = 600_000;

type Of<T extends ChainRecord["type"]> = Extract<ChainRecord, { type: T }>;
const ofType = <T extends ChainRecord["type"]>(records: readonly FoundRecord[], type: T) =>
  records.flatMap(({ txid, record }) => (record.type === type ? [{ txid, record: record as Of<T> }] : []));

export async function restoreAll(scan: Scan, deps: RestoreDeps): Promise<Restored> {
  const done: Restored = { rounds: 0, voided: 0, models: 0, profiles: 0, files: 0, damaged: [] };
  await restoreProfiles(scan, deps, done);
  for (const [arena, links] of scan.ledgers) await restoreArena(arena, links, scan, deps, done);
  await restoreMedia(scan, deps, done);
  return done;
}

async function restoreMedia({ records }: Scan, { redis, now }: RestoreDeps, done: Restored): Promise<void> {
  const media = new MediaStore(redis);
  const gallery = new Gallery(redis);
  const put = async (data: Uint8Array, mime: string): Promise<string> => {
    const sha256 = await media.put(data, mime as MediaType);
    await media.keep(sha256);
    done.files++;
    return sha256;
  };
  const blocks = new BlockList(redis, { now });
  const block = async (sha256: string, picture: Uint8Array): Promise<void> => {
    const phash = await phashOf(picture).catch(() => undefined);
    if (phash === undefined)
      done.damaged.push(`${sha256}: taken down, but no picture: its likes are not blocked`);
    else await blocks.add({ sha256, phash });
  };
  const directory = new RoundDirectory(redis);
  // C6: first, since what is taken down is neither stored nor listed from then on.
  const taken = new Set<string>();
  for (const { txid, record } of ofType(records, "takedown")) {
    const { memeId } = record.fields;
    taken.add(memeId);
    await media.take(memeId, JSON.stringify({ kind: "takedown", memeId, at: record.at }));
    await restoreRecord(redis, takedownJob(memeId, record.at).id, txid);
  }
  for (const { txid, record } of ofType(records, "meme")) {
    const { memeId, roundId } = record.fields;
    if (taken.has(memeId)) {
      await block(memeId, record.file.data);
      continue;
    }
    const sha256 = await put(record.file.data, record.file.mime);
    await restoreRecord(redis, `meme:${roundId}:${memeId}`, txid, sha256);
  }
  for (const { txid, record } of ofType(records, "media")) {
    const { memeId, roundId, role } = record.fields;
    if (taken.has(memeId)) {
      await media.take(
        sha256Hex(record.file.data),
        JSON.stringify({ kind: "takedown", memeId, at: record.at }),
      );
      continue;
    }
    const sha256 = await put(record.file.data, record.file.mime);
    await restoreRecord(redis, `media:${role}:${roundId}:${memeId}`, txid, sha256);
  }
  for (const { txid, record } of ofType(records, "model")) {
    const { fields, at } = record;
    const { memeId, roundId, glb, poster, turntable, provider } = fields;
    if (taken.has(memeId)) continue;
    const round = await directory.finished(roundId);
    await gallery.publish({
      roundId,
      memeId,
      title: round?.memesRanked.find((meme) => meme.memeId === memeId)?.title ?? "",
      image: `/media/${memeId}`,
      glb: `/media/${glb}`,
      poster: `/media/${poster}`,
      turntable: `/media/${turntable}`,
      provider,
      at,
    });
    const [job] = modelJobs(fields, at);
    if (job !== undefined) await restoreRecord(redis, job.id, txid);
    for (const sha256 of [glb, poster, turntable])
      if ((await media.get(sha256)) === undefined)
        done.damaged.push(`${roundId}: the file ${sha256} of a model is not on the chain`);
    done.models++;
  }
}

async function restoreProfiles(
  { records }: Scan,
  { redis, network }: RestoreDeps,
  done: Restored,
): Promise<void> {
  const found = ofType(records, "profile").sort((a, b) => a.record.at - b.record.at);
  for (const { txid, record } of found) {
    const { identity, playKey, name, avatar } = record.fields;
    const key = identity.slice(identity.indexOf(":") + 1);
    const address = identity.startsWith("ecdsa-secp256k1:") ? addressOf(key, network) : "";
    await restoreProfile(redis, {
      identity,
      playKey,
      name,
      address,
      at: record.at,
      ...(avatar ? { avatar } : {}),
    });
    await restoreRecord(redis, profileJob(record.fields, record.at).id, txid);
    done.profiles++;
  }
}

async function restoreArena(
  arena: string,
  links: readonly FoundLink[],
  scan: Scan,
  deps: RestoreDeps,
  done: Restored,
): Promise<void> {
  const { redis, network, progress } = deps;
  const directory = new RoundDirectory(redis);
  const settlements = new SettlementStore(redis);
  const analytics = createAnalyticsService({
    redis,
    namesOf: async () => new Map(),
    ownersOf: (playKeys) => createPlayKeys({ redis, now: deps.now }).ownersOf(playKeys),
    now: deps.now,
  });
  // A result that was given up after 12 h has a second link: the newest counts.
  const newest = new Map<string, LinkBody>();
  for (const { body } of links) if ("roundId" in body) newest.set(body.roundId, body);
  const coins = new Map<string, CarryCoin>();
  let roundMs = USUAL_ROUND_MS;
  for (const [roundId, body] of newest) {
    progress(`${roundId} (${done.rounds + done.voided + 1} of ${newest.size})`);
    let round: RebuiltRound;
    try {
      round =
        body.outcome === "closed"
          ? await closedRound(body, scan.files.get(body.journalTxid), deps)
          : await voidedRound(body, scan.settlements.get(entryIdOf(network, roundId)) ?? [], {
              chain: deps.chain,
              roundMs,
            });
    } catch (error) {
      if (!(error instanceof RoundDamaged)) throw error;
      done.damaged.push(error.message);
      continue;
    }
    const { archived, entries, state, txids, payouts, carry } = round;
    if (entries !== undefined) {
      roundMs = archived.closesAt - archived.opensAt;
      await restoreJournal(redis, roundId, entries);
    }
    await settlements.restore(roundId, { txids, payouts, ...(carry ? { carry } : {}) });
    await analytics.roundFinished(archived, state);
    await directory.finish(archived);
    for (const consumed of round.consumed) coins.delete(consumed);
    if (carry !== undefined) coins.set(roundId, carry);
    if (body.outcome === "closed") done.rounds++;
    else done.voided++;
  }
  await new CarryBook(redis).restore(arena, [...coins.values()]);
  await restoreLedger(redis, arena, links.map(entryOf));
}

/** A link as the ledger's list remembers it. */
function entryOf({ txid, state, operatorKey, body }: FoundLink) {
  const base = { seq: state.seq, txid, bodyHash: state.bodyHash, operatorKey };
  if ("genesis" in body) return { kind: "genesis" as const, ...base };
  if ("handover" in body) return { kind: "handover" as const, ...base };
  const { roundId, journalHash } = body;
  const file = body.outcome === "closed" ? { journalTxid: body.journalTxid } : {};
  return { kind: "link" as const, ...base, roundId, journalHash, ...file };
}
