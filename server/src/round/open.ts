/**
 * How a round begins, or goes on after its process died (R1, R5). Owns: record 1 and the replay.
 * Does not own: what happens afterwards (life.ts).
 */
import { EMPTY_HEAD, type Network, seal } from "@meme-rounds/shared-schema/records";
import { apply, openState } from "@meme-rounds/shared-schema/reducer";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { defaultRules, timesOfSlot } from "@meme-rounds/shared-schema/rules";
import type { Lease } from "../infra/leases.ts";
import type { Redis } from "../infra/redis.ts";
import { appendJournal, pagesStored, type StoredEntry } from "./journal-store.ts";
import type { PaymentPort } from "./ports.ts";

export interface OpenOptions {
  network: Network;
  arena: string;
  roundId: string;
  roundSeconds: number;
  /** ms, the slot's start. */
  opensAt: number;
}

export interface OpenedRound {
  state: RoundState;
  stored: StoredEntry[];
}

/**
 * Writes record 1 where there is no journal yet, or replays what is there. `beforeBlind` sees the state as it was
 * when the scoreboard went dark, so that a takeover in the dark shows the same numbers as before (R6).
 */
export async function openRound(
  options: OpenOptions,
  lease: Lease,
  deps: { redis: Redis; payment: PaymentPort; now(): number; beforeBlind(state: RoundState): void },
): Promise<OpenedRound> {
  const stored: StoredEntry[] = [];
  let state: RoundState | undefined;
  // Page by page: between two of them timers run, so that the lease is renewed however long the journal is.
  for await (const page of pagesStored(deps.redis, options.roundId)) {
    for (const item of page) {
      const { entry } = item;
      stored.push(item);
      if (state === undefined) state = openState(entry);
      else {
        if (entry.record.kind === "phase" && entry.record.body.to === "blind") deps.beforeBlind(state);
        apply(state, entry);
      }
    }
  }
  if (state !== undefined) return { state, stored };
  const first = await writeOpening(options, lease, deps);
  return { state: openState(first.entry), stored: [first] };
}

async function writeOpening(
  options: OpenOptions,
  lease: Lease,
  deps: { redis: Redis; payment: PaymentPort; now(): number },
): Promise<StoredEntry> {
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
