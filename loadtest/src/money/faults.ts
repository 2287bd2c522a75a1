/**
 * Which faults the node has for a while, drawn from the seed. Owns: the mixes, so that every kind the devchain knows comes
 * up. Does not own: what a fault does (the devchain's). Pure.
 */
import type { FaultsCall } from "../../../server/standins/devchain/faults.ts";
import type { Random } from "./random.ts";

export type FaultRule = FaultsCall["rules"][number];

const CALLS = ["broadcast", "status", "read", "/v1/bsv", "/v1/tx"] as const;

/** One of every kind; the numbers inside are drawn anew each time. */
const KINDS: readonly ((random: Random) => FaultRule)[] = [
  (random) => ({ kind: "drop", match: random.pick(CALLS), share: 0.2 }),
  (random) => ({ kind: "close", match: random.pick(CALLS), share: 0.4 }),
  (random) => ({ kind: "delay", match: random.pick(CALLS), share: 0.5, ms: random.int(100, 4_000) }),
  (random) => ({ kind: "500", match: random.pick(CALLS), share: 0.5 }),
  (random) => ({ kind: "502", match: random.pick(CALLS), share: 0.5 }),
  (random) => ({ kind: "429", match: random.pick(CALLS), share: 0.6 }),
  (random) => ({ kind: "quoted", quotes: random.chance(0.5), share: 0.7 }),
  (random) => ({ kind: "orphan", accepted: random.chance(0.5), share: 0.3 }),
  () => ({ kind: "swallow", share: 0.25 }),
  () => ({ kind: "answerLost", share: 0.4 }),
  (random) => ({
    kind: "evict",
    afterMs: random.int(0, 4_000),
    trace: random.pick(["rejected", "unknown", "stale"] as const),
    share: 0.2,
  }),
  (random) => ({ kind: "late", ms: random.int(500, 8_000), share: 0.5 }),
  () => ({ kind: "wrongProof", share: 0.7 }),
  () => ({ kind: "policyTimes", times: 1_000, share: 0.8 }),
  () => ({ kind: "callbackLost", share: 0.5 }),
  (random) => ({ kind: "callbackRepeated", times: random.int(2, 5), share: 0.5 }),
  (random) => ({
    kind: "callbackWrong",
    field: random.pick(["token", "txid", "status"] as const),
    share: 0.5,
  }),
];

/** One to three faults at once. The turn makes sure that no kind is left out for long. */
export function drawFaults(random: Random, turn: number): FaultsCall {
  const chosen = [KINDS[turn % KINDS.length], ...(random.chance(0.5) ? [random.pick(KINDS)] : [])];
  if (random.chance(0.2)) chosen.push(random.pick(KINDS));
  return {
    rules: chosen.flatMap((make) => (make ? [make(random)] : [])),
    seed: random.int(0, 0xffffffff),
  };
}
