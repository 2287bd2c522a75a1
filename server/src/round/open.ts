/**
 * How a round begins, or goes on after its process died (R1, R5). Owns: record 1 and the replay.
 * Does not own: what happens afterwards (life.ts).
 */
import { EMPTY_HEAD, type Network, seal } from "@meme-rounds/shared-schema/records";
import { defaultRules, timesOfSlot } from "@meme-rounds/shared-schema/rules";
import type { Lease } from "../infra/leases.ts";
import type { Redis } from "../infra/redis.ts";
import type { RoundFollower } from "./follower.ts";
import { appendJournal, pagesStored, type StoredEntry } from "./journal-store.ts";
import type { PaymentPort } from "./ports.ts";
import { Replay, type Replayed } from "./replay.ts";

export interface OpenOptions {
  network: Network;
  arena: string;
  roundId: string;
  roundSeconds: number;
  /** ms, the slot's start. */
  opensAt: number;
}

export interface OpenedRound extends Replayed {
  /** Records that were read, and how many of them were known here before. */
  records: number;
  known: number;
}

export interface OpenDeps {
  redis: Redis;
  payment: Pick<PaymentPort, "feeRate" | "claimCarry" | "keys">;
  /** Where this process has read the journal while another hosted the round. Absent: it is read from its beginning. */
  follower?: Pick<RoundFollower, "take">;
  now(): number;
}

/** Writes record 1 where there is no journal yet, or replays what is there. */
export async function openRound(options: OpenOptions, lease: Lease, deps: OpenDeps): Promise<OpenedRound> {
  const { redis } = deps;
  const { roundId } = options;
  const replay = (await deps.follower?.take(roundId)) ?? new Replay();
  const known = replay.head?.seq ?? 0;
  // Page by page: between two of them timers run, so that the lease is renewed however long the journal is.
  for await (const page of pagesStored(redis, roundId, known)) for (const item of page) replay.add(item);
  if (replay.head === undefined) replay.add(await writeOpening(options, lease, deps));
  const opened = replay.done();
  if (opened === undefined) throw new Error(`the journal of ${roundId} has no beginning`);
  return { ...opened, records: opened.state.head.seq, known };
}

async function writeOpening(options: OpenOptions, lease: Lease, deps: OpenDeps): Promise<StoredEntry> {
  const rules = defaultRules(options.roundSeconds, await deps.payment.feeRate());
  const carryFrom = await deps.payment.claimCarry(options.arena, options.roundId);
  const { operatorKey, auditorKey, receiptKey } = deps.payment.keys();
  const entry = seal(EMPTY_HEAD, deps.now(), {
    kind: "open",
    body: {
      network: options.network,
      arena: options.arena,
      roundId: options.roundId,
      rules,
      operatorKey,
      auditorKey,
      receiptKey,
      carryFrom,
      ...timesOfSlot(rules, options.opensAt),
    },
  });
  await appendJournal(deps.redis, lease, options.roundId, [{ entry }]);
  return { entry };
}
