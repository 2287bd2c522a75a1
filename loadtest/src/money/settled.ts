/**
 * Waiting until every round that was played is paid out for good. Owns: reading journals, knowing when to stop waiting,
 * saying what is stuck. Does not own: the proof itself (prove.ts).
 */
import { setTimeout as delay } from "node:timers/promises";
import type { VerifyCompact } from "@meme-rounds/shared-schema/crypto";
import type { Entry } from "@meme-rounds/shared-schema/records";
import { replay } from "@meme-rounds/shared-schema/reducer";
import type { DevchainView } from "./chain-view.ts";
import { proveRound } from "./prove-round.ts";

export interface SettledDeps {
  chain: DevchainView;
  verify: VerifyCompact;
  readJournal(roundId: string): Promise<Entry[]>;
  /** What the payment side has noted about a round, for the words on a stuck one. */
  noted(roundId: string): Promise<string>;
  coinsOf(txid: string): readonly { txid: string; vout: number }[];
  show(text: string): void;
  signal: AbortSignal;
}

export interface Settled {
  journals: Map<string, Entry[]>;
  /** Rounds that are not done, each with why. */
  stuck: { roundId: string; why: string }[];
}

const EVERY_MS = 1_500;
const FINAL_BLOCKS = 6;

/** Mines on and looks until all rounds are done, or until `endsAt` (ms). */
export async function untilSettled(
  roundIds: readonly string[],
  endsAt: number,
  deps: SettledDeps,
): Promise<Settled> {
  const journals = new Map<string, Entry[]>();
  let waiting = roundIds.map((roundId) => ({ roundId, why: "not looked at yet" }));
  while (waiting.length > 0 && Date.now() < endsAt && !deps.signal.aborted) {
    const tip = await deps.chain.mine();
    const next: typeof waiting = [];
    for (const { roundId } of waiting) {
      const why = await whyWaiting(roundId, tip, journals, deps);
      if (why !== undefined) next.push({ roundId, why });
    }
    waiting = next;
    deps.show(`paying out: ${waiting.length} of ${roundIds.length} rounds to go; ${waiting[0]?.why ?? ""}`);
    if (waiting.length > 0) await delay(EVERY_MS, undefined, { signal: deps.signal }).catch(() => undefined);
  }
  const stuck = await Promise.all(
    waiting.map(async ({ roundId, why }) => ({ roundId, why: `${why}; ${await deps.noted(roundId)}` })),
  );
  return { journals, stuck };
}

async function whyWaiting(
  roundId: string,
  tip: number,
  journals: Map<string, Entry[]>,
  deps: SettledDeps,
): Promise<string | undefined> {
  const { chain, coinsOf } = deps;
  const entries = journals.get(roundId) ?? (await deps.readJournal(roundId));
  if (entries.length === 0) return "there is no journal";
  const state = replay(entries);
  if (state.phase.kind !== "final") return `the journal has no end: ${state.phase.kind}`;
  journals.set(roundId, entries);
  const proof = await proveRound(state, { chain, tip, coinsOf });
  const open = [...proof.deposits.values()].filter(({ fate }) => fate === "open").length;
  if (open > 0) return `${open} of ${proof.deposits.size} deposits are not settled`;
  if (proof.txids.length > 0 && proof.depth < FINAL_BLOCKS) return `${proof.depth} blocks deep`;
  return undefined;
}
