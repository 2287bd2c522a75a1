/**
 * What the devchain's node refuses. Owns: structure, amounts, size, finality, fee and script checks, and the refusal with
 * both dialects' words. Does not own: which coins exist (chain.ts).
 */
import type { Verifier } from "../../src/infra/ecdsa.ts";
import { runScripts, type SpentOutput } from "./scripts.ts";
import { isDataScript, MAX_MONEY, type WireTx } from "./wire.ts";

/** What the node asks of a transaction beyond validity. All but the sizes may be set while it runs. */
export interface Policy {
  feeSatPerKb: number;
  /** Smallest output that is no data, satoshis. */
  dustSats: number;
  /** Most transactions of the mempool that one may stand on. */
  maxAncestors: number;
  /** What waits longer than this for a block leaves the mempool, ms. */
  mempoolExpiryMs: number;
  maxTxBytes: number;
  /** Largest script that is executed, bytes. Data outputs may be larger. */
  maxScriptBytes: number;
}

const TITLES = {
  400: "Bad request",
  460: "Not extended format",
  461: "Malformed transaction",
  462: "Invalid inputs",
  463: "Malformed transaction",
  464: "Invalid outputs",
  465: "Fee too low",
  468: "Invalid BEEF",
  474: "Transaction size",
  475: "Mined ancestors not found",
} as const;

/** A refused transaction: ARC's status and detail, and the node's own words as WhatsOnChain passes them on. */
export class Refusal extends Error {
  readonly status: keyof typeof TITLES;
  readonly title: string;
  readonly nodeMessage: string;

  constructor(status: keyof typeof TITLES, detail: string, nodeMessage: string) {
    super(detail);
    this.name = "Refusal";
    this.status = status;
    this.title = TITLES[status];
    this.nodeMessage = nodeMessage;
  }
}

const MIN_TX_BYTES = 61;
const FINAL_SEQUENCE = 0xffffffff;
const LOCKTIME_IS_TIME = 500_000_000;
const NULL_TXID = "00".repeat(32);

/** Checks that need nothing but the transaction. Throws Refusal. */
export function checkStructure(tx: WireTx, policy: Policy): void {
  if (tx.inputs.length === 0) throw new Refusal(462, "no inputs", "16: bad-txns-vin-empty");
  if (tx.outputs.length === 0) throw new Refusal(464, "no outputs", "16: bad-txns-vout-empty");
  if (tx.raw.length < MIN_TX_BYTES) throw new Refusal(463, "too small", "64: bad-txns-undersize");
  if (tx.raw.length > policy.maxTxBytes) throw new Refusal(474, "transaction too large", "64: tx-size");
  let total = 0;
  for (const { sats, script } of tx.outputs) {
    total += sats;
    if (total > MAX_MONEY) throw new Refusal(464, "amount out of range", "16: bad-txns-vout-toolarge");
    if (sats < policy.dustSats && !isDataScript(script))
      throw new Refusal(464, "an output below the dust limit", "64: dust");
  }
  const seen = new Set<string>();
  for (const { txid, vout, script } of tx.inputs) {
    if (txid === NULL_TXID) throw new Refusal(462, "coinbase input", "16: coinbase");
    const outpoint = `${txid}:${vout}`;
    if (seen.has(outpoint)) throw new Refusal(462, "duplicate input", "16: bad-txns-inputs-duplicate");
    seen.add(outpoint);
    if (script.length > policy.maxScriptBytes) {
      throw new Refusal(461, "unlocking script too large", "64: bad-txns-script-size");
    }
  }
}

/** Finality for the next block (as nodes judge it: strictly below the next height, or the median time past in s). */
export function checkFinal(tx: WireTx, nextHeight: number, medianTimePast: number): void {
  if (tx.lockTime === 0 || tx.inputs.every(({ sequence }) => sequence === FINAL_SEQUENCE)) return;
  const limit = tx.lockTime < LOCKTIME_IS_TIME ? nextHeight : medianTimePast;
  if (tx.lockTime >= limit) throw new Refusal(463, "the transaction is not final", "64: non-final");
}

/** Value and fee. Returns the fee in satoshis. Throws Refusal. */
export function checkFee(tx: WireTx, spent: SpentOutput[], policy: Policy): number {
  const inSum = spent.reduce((sum, { sats }) => sum + sats, 0);
  const outSum = tx.outputs.reduce((sum, { sats }) => sum + sats, 0);
  if (outSum > inSum) throw new Refusal(462, "spends more than its inputs", "16: bad-txns-in-belowout");
  const fee = inSum - outSum;
  const least = Math.ceil((tx.raw.length * policy.feeSatPerKb) / 1000);
  if (fee < least) {
    throw new Refusal(
      465,
      `minimum expected fee: ${least}, actual fee: ${fee}`,
      "66: mempool min fee not met",
    );
  }
  return fee;
}

const scriptRefusal = (index: number, reason: string): Refusal =>
  new Refusal(461, `input ${index}: ${reason}`, `16: mandatory-script-verify-flag-failed (${reason})`);

/** Runs every input's scripts through the interpreter. Throws Refusal at the first that fails. */
export function checkScripts(tx: WireTx, spent: SpentOutput[], policy: Policy, native?: Verifier): void {
  const large = spent.findIndex(({ script }) => script.length > policy.maxScriptBytes);
  if (large >= 0) throw scriptRefusal(large, "locking script too large");
  const verdict = runScripts(tx, spent, native);
  if (!verdict.ok) throw scriptRefusal(verdict.input, verdict.reason);
}

/** The chain of unmined transactions below this one. Throws Refusal when it is too long. */
export function checkAncestors(ancestors: number, policy: Policy): void {
  if (ancestors <= policy.maxAncestors) return;
  const detail = `more than ${policy.maxAncestors} unmined ancestors`;
  throw new Refusal(475, detail, "64: too-long-mempool-chain");
}
