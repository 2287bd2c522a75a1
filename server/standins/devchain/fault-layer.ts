/**
 * Faults in front of the devchain's routes. Owns: what each kind does to a call, a transaction or a callback. Does not own:
 * which strike (faults.ts), how a lie is worded (lies.ts).
 */
import { broadcastOf, transactionsIn } from "./bodies.ts";
import type { DevChain } from "./chain.ts";
import type { FaultRule, Faults } from "./faults.ts";
import { type Answer, BadCall, type Call, header, json, text } from "./http.ts";
import { asOrphan, changeTxs, hasProof, otherPolicy, wrongProof } from "./lies.ts";
import type { Callback } from "./store.ts";
import { readTx } from "./wire.ts";

/** `hang`: the connection stays open and silent. `close`: it ends. */
export type Outcome = Answer | "hang" | "close";

export interface FaultDeps {
  faults: Faults;
  chain: DevChain;
  /** Waits so many ms, or rejects when the devchain stops. */
  sleep: (ms: number) => Promise<void>;
  /** Does `work` in so many ms unless the devchain has stopped by then. */
  later: (ms: number, work: () => void) => void;
}

const HTML =
  "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>";

function failure(kind: "drop" | "close" | "500" | "502" | "429"): Outcome {
  switch (kind) {
    case "drop":
      return "hang";
    case "close":
      return "close";
    case "500":
      return json(500, { status: 500, title: "Internal Server Error", detail: "a fault was asked for" });
    case "502":
      return { status: 502, type: "text/html", body: HTML };
    case "429":
      return text(429, "Too Many Requests");
  }
}

function txidsIn(call: Call): string[] {
  const broadcast = broadcastOf(call);
  if (!broadcast) return [];
  try {
    return transactionsIn(call, broadcast).map((bytes) => readTx(bytes).txid);
  } catch (error) {
    // What cannot be read is the route's to refuse.
    if (error instanceof BadCall || error instanceof RangeError) return [];
    throw error;
  }
}

const MAX_WAIT_MS = 30_000;
const DEFAULT_WAIT_MS = 5_000;

/** How long the caller wants to wait for SEEN_ON_NETWORK, ms. */
function patience(call: Call): number {
  if (header(call, "x-waitfor") !== "SEEN_ON_NETWORK") return 0;
  const asked = Number(header(call, "x-maxtimeout") ?? DEFAULT_WAIT_MS / 1000) * 1000;
  return asked > 0 ? Math.min(asked, MAX_WAIT_MS) : DEFAULT_WAIT_MS;
}

const SEEN_WORDS = ["SEEN_ON_NETWORK", "SEEN_MULTIPLE_NODES"];

export class FaultLayer {
  readonly #deps: FaultDeps;
  /** Until when a transaction counts as not yet seen, ms of the chain's clock. */
  readonly #late = new Map<string, number>();

  constructor(deps: FaultDeps) {
    this.#deps = deps;
  }

  /** Answers `call` by `run`, with the faults that strike it. */
  async around(call: Call, run: () => Promise<Answer>): Promise<Outcome> {
    const { faults, chain, sleep } = this.#deps;
    if (!faults.active && this.#late.size === 0) return run();
    for (const rule of faults.striking(["drop", "close", "delay", "500", "502", "429"], call)) {
      if (rule.kind !== "delay") return failure(rule.kind);
      await sleep(rule.ms);
    }
    const before = txidsIn(call).filter((txid) => !chain.state.mempool.has(txid));
    const answer = await run();
    const taken = before.filter((txid) => chain.state.mempool.has(txid));
    const outcome = taken.length > 0 ? await this.#afterBroadcast(call, answer, taken) : answer;
    return outcome === "hang" || outcome === "close" ? outcome : this.#untrue(call, outcome);
  }

  /** `taken`: what this call brought into the mempool. */
  async #afterBroadcast(call: Call, answer: Answer, taken: string[]): Promise<Outcome> {
    const { faults, chain, later, sleep } = this.#deps;
    let said = answer;
    let lost = false;
    const kinds = ["quoted", "orphan", "swallow", "answerLost", "evict", "late"] as const;
    for (const rule of faults.striking(kinds, call)) {
      switch (rule.kind) {
        case "evict":
          later(rule.afterMs, () => chain.evict(taken, rule.trace));
          break;
        case "late": {
          for (const txid of taken) this.#late.set(txid, chain.now() + rule.ms);
          const wait = Math.min(rule.ms, patience(call));
          if (wait > 0) await sleep(wait);
          break;
        }
        case "answerLost":
          lost = true;
          break;
        default:
          said = this.#word(call, said, taken, rule);
      }
    }
    return lost ? "close" : said;
  }

  #word(
    call: Call,
    answer: Answer,
    taken: string[],
    rule: Extract<FaultRule, { kind: "quoted" | "orphan" | "swallow" }>,
  ): Answer {
    const face = broadcastOf(call)?.face ?? "arc";
    if (rule.kind === "quoted") {
      if (face !== "woc" || answer.status !== 200) return answer;
      const bare = Buffer.from(answer.body).toString("utf8").replaceAll('"', "");
      return { ...answer, body: rule.quotes ? `"${bare}"` : bare };
    }
    const forget = rule.kind === "swallow" || !rule.accepted;
    if (forget) this.#deps.chain.evict(taken, "unknown");
    return rule.kind === "orphan" ? asOrphan(answer, face) : answer;
  }

  #untrue(call: Call, answer: Answer): Answer {
    const { faults, chain } = this.#deps;
    let said = answer;
    if (hasProof(call.path, said)) {
      for (const _ of faults.striking(["wrongProof"], call)) said = wrongProof(chain, call.path, said);
    }
    if (call.path.endsWith("/policy")) {
      for (const rule of faults.striking(["policyTimes"], call)) said = otherPolicy(said, rule.times) ?? said;
    }
    if (this.#late.size === 0 || call.path.startsWith("/v1/bsv/")) return said;
    return changeTxs(said, (tx) => {
      const until = this.#late.get(tx.txid);
      if (until !== undefined && until <= chain.now()) this.#late.delete(tx.txid);
      const isLate = this.#late.has(tx.txid) && SEEN_WORDS.includes(tx.txStatus);
      return isLate ? { ...tx, txStatus: "ACCEPTED_BY_NETWORK" } : tx;
    });
  }

  /** What is sent in place of one callback: nothing, it, or several. */
  callbacks<B extends { txid: string }>(callback: Callback, body: B): { callback: Callback; body: object }[] {
    const { faults } = this.#deps;
    for (const _ of faults.striking(["callbackLost"])) return [];
    let sent: { callback: Callback; body: object } = { callback, body };
    for (const { field } of faults.striking(["callbackWrong"])) {
      const otherDigit = body.txid.startsWith("0") ? "1" : "0";
      if (field === "token") sent = { ...sent, callback: { ...callback, token: "not-the-token" } };
      else if (field === "txid") sent = { ...sent, body: { ...body, txid: otherDigit + body.txid.slice(1) } };
      else {
        const lie = { txStatus: "MINED", blockHash: "00".repeat(32), blockHeight: 1, merklePath: "" };
        sent = { ...sent, body: { ...body, ...lie } };
      }
    }
    let times = 1;
    for (const rule of faults.striking(["callbackRepeated"])) times = Math.max(times, rule.times);
    return Array.from({ length: times }, () => sent);
  }
}
