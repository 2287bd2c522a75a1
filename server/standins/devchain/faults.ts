/**
 * The faults that a devchain can be told to have: POST /dev/faults {rules, seed?} replaces them all, GET shows them with
 * how often each has struck, {rules: []} ends them. Owns: the rules' shape, and the dice. Does not own: what a fault does
 * (fault-layer.ts, lies.ts). Off until somebody asks; not kept over a restart.
 *
 * Every rule: {kind, match, method?: "GET" | "POST", share?: 0..1 (1), count?: how often at the most}. `match` is
 * "broadcast", "status", "read" (all that asks, statuses not among it), or the beginning of a path: "/v1/bsv" is
 * WhatsOnChain alone. Calls to /dev are struck only by a rule whose path begins so, /dev/faults never. Rules are tried in
 * their order; the first of drop, close, 500, 502, 429 that strikes is the answer.
 *
 * | kind | what happens |
 * | --- | --- |
 * | drop | the connection is taken and never answered |
 * | close | the connection is closed without an answer |
 * | delay {ms} | the answer comes so much later |
 * | 500, 502, 429 | a JSON error, a proxy's HTML page, "Too Many Requests"; nothing was done |
 * | quoted {quotes} | WhatsOnChain's txid comes with or without quotes |
 * | orphan {accepted} | SEEN_IN_ORPHAN_MEMPOOL or "Missing inputs", though it was accepted, or (false) was forgotten |
 * | swallow | the answer is good, and the transaction is forgotten |
 * | answerLost | the transaction is accepted, then the connection closes |
 * | evict {afterMs, trace} | the accepted transaction leaves the mempool later; trace as in /dev/evict |
 * | late {ms} | ARC says ACCEPTED_BY_NETWORK for so long (the chain's clock), X-WaitFor and X-MaxTimeout are kept |
 * | wrongProof | merkle paths lead to another root |
 * | policyTimes {times} | ARC's policy names a fee so many times the real one |
 * | callbackLost | a callback is not sent |
 * | callbackRepeated {times} | it is sent so many times |
 * | callbackWrong {field} | it comes with another token, another txid, or says MINED in a block there is not |
 */
import { z } from "zod";
import { broadcastOf } from "./bodies.ts";
import type { Call } from "./http.ts";
import { trace } from "./store.ts";

const ms = z.number().int().min(0).max(3_600_000);
const when = {
  share: z.number().min(0).max(1).default(1),
  count: z.number().int().positive().optional(),
  method: z.enum(["GET", "POST"]).optional(),
};
const path = z.string().startsWith("/");
const anyCall = { ...when, match: z.union([z.enum(["broadcast", "status", "read"]), path]) };
const onBroadcast = { ...when, match: z.union([z.literal("broadcast"), path]).default("broadcast") };
const onRead = { ...when, match: z.union([z.enum(["status", "read"]), path]).default("/") };
const onCallback = { share: when.share, count: when.count, match: z.literal("callback").default("callback") };

const rule = z.discriminatedUnion("kind", [
  z.strictObject({ ...anyCall, kind: z.enum(["drop", "close", "500", "502", "429"]) }),
  z.strictObject({ ...anyCall, kind: z.literal("delay"), ms }),
  z.strictObject({ ...onBroadcast, kind: z.literal("swallow") }),
  z.strictObject({ ...onBroadcast, kind: z.literal("answerLost") }),
  z.strictObject({ ...onBroadcast, kind: z.literal("quoted"), quotes: z.boolean() }),
  z.strictObject({ ...onBroadcast, kind: z.literal("orphan"), accepted: z.boolean().default(true) }),
  z.strictObject({ ...onBroadcast, kind: z.literal("evict"), afterMs: ms, trace: trace.default("unknown") }),
  z.strictObject({ ...onBroadcast, kind: z.literal("late"), ms }),
  z.strictObject({ ...onRead, kind: z.literal("wrongProof") }),
  z.strictObject({ ...onRead, kind: z.literal("policyTimes"), times: z.number().positive() }),
  z.strictObject({ ...onCallback, kind: z.literal("callbackLost") }),
  z.strictObject({
    ...onCallback,
    kind: z.literal("callbackRepeated"),
    times: z.number().int().min(2).max(20),
  }),
  z.strictObject({
    ...onCallback,
    kind: z.literal("callbackWrong"),
    field: z.enum(["token", "txid", "status"]),
  }),
]);

export const faultsCall = z.strictObject({
  rules: z.array(rule).max(100),
  /** The dice fall the same way again with the same seed and the same calls. */
  seed: z.number().int().min(0).max(0xffffffff).default(1),
});

export type FaultRule = z.infer<typeof rule>;
/** What a caller writes: defaults may be left out. */
export type FaultsCall = z.input<typeof faultsCall>;
export type FaultKind = FaultRule["kind"];

/** Numbers from 0 up to 1 that only depend on the seed (Mulberry32, public domain). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const STATUS = /^(?:\/v1)?\/tx\/[0-9a-f]{64}$|^\/v1\/bsv\/(?:main|test)\/txs\/status$/;

function matches({ match, method }: { match: string; method?: string | undefined }, call: Call): boolean {
  if (call.path === "/dev/faults") return false;
  if (call.path.startsWith("/dev/") && !match.startsWith("/dev")) return false;
  if (method !== undefined && method !== call.method) return false;
  if (match.startsWith("/")) return call.path.startsWith(match);
  const kind = broadcastOf(call) ? "broadcast" : STATUS.test(call.path) ? "status" : "read";
  return match === kind;
}

export class Faults {
  #seed: number;
  #random: () => number;
  #rules: { rule: FaultRule; hits: number }[] = [];

  constructor(initial: FaultsCall = { rules: [] }) {
    const { rules, seed } = faultsCall.parse(initial);
    this.#seed = seed;
    this.#random = seeded(seed);
    this.#rules = rules.map((one) => ({ rule: one, hits: 0 }));
  }

  /** Replaces all rules and begins the dice anew. Throws ZodError. */
  set(wanted: FaultsCall): void {
    const { rules, seed } = faultsCall.parse(wanted);
    this.#seed = seed;
    this.#random = seeded(seed);
    this.#rules = rules.map((one) => ({ rule: one, hits: 0 }));
  }

  get active(): boolean {
    return this.#rules.length > 0;
  }

  view() {
    return { seed: this.#seed, rules: this.#rules.map(({ rule: one, hits }) => ({ ...one, hits })) };
  }

  /** The rules of these kinds that strike now, in their order. Each asked is a throw of its dice, and counted. */
  *striking<K extends FaultKind>(
    kinds: readonly K[],
    call?: Call,
  ): Generator<Extract<FaultRule, { kind: K }>> {
    const isKind = (one: FaultRule): one is Extract<FaultRule, { kind: K }> =>
      kinds.some((kind) => kind === one.kind);
    for (const entry of this.#rules) {
      const { rule: one, hits } = entry;
      if (!isKind(one) || hits >= (one.count ?? Number.POSITIVE_INFINITY)) continue;
      if (call && !matches(one, call)) continue;
      if (this.#random() >= one.share) continue;
      entry.hits += 1;
      yield one;
    }
  }
}
