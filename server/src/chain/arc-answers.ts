/**
 * What ARC's (and Arcade's) words mean for us. Owns: the mapping of statuses, error documents and node messages to a
 * BroadcastResult or TxStatus. Pure. Unknown words mean `pending`.
 */
import { z } from "zod";
import type { BroadcastResult, RejectCode, TxStatus } from "./port.ts";

const optionalText = z.string().nullish();

export const arcTx = z.looseObject({
  txStatus: z.string(),
  blockHash: optionalText,
  blockHeight: z.number().nullish(),
  extraInfo: optionalText,
  competingTxs: z.array(z.string()).nullish(),
  /** BRC-74, hex; believed only with a header of another source. */
  merklePath: optionalText,
});
export type ArcTx = z.infer<typeof arcTx>;

/** An RFC 7807 document: only this shape counts as the network's verdict, anything else may be a proxy's page. */
export const arcProblem = z.looseObject({
  title: z.string(),
  status: z.number(),
  detail: optionalText,
  extraInfo: optionalText,
});
export type ArcProblem = z.infer<typeof arcProblem>;

const SEEN = new Set(["SEEN_ON_NETWORK", "SEEN_MULTIPLE_NODES", "MINED", "IMMUTABLE"]);

type Reading = { kind: "seen" | "pending" | "conflict" } | { kind: "rejected"; code: RejectCode };

/** Node messages, most telling first. `Missing inputs` is more often a lag than a double spend: it stays pending. */
const NODE_WORDS: [RegExp, Reading][] = [
  [
    /already (in the mempool|in the blockchain|known|mined)|txn-already-(known|in-mempool)/i,
    { kind: "seen" },
  ],
  [/missing.?inputs|missingorspent|orphan/i, { kind: "pending" }],
  [/mempool-conflict|double.?spend/i, { kind: "conflict" }],
  [/non-final/i, { kind: "rejected", code: "NON_FINAL" }],
  [/min fee not met|insufficient (fee|priority)/i, { kind: "rejected", code: "FEE" }],
  [/script-verify-flag/i, { kind: "rejected", code: "SCRIPT" }],
];

const PROBLEM_CODES = new Map<number, Reading>([
  [400, { kind: "rejected", code: "MALFORMED" }],
  [461, { kind: "rejected", code: "SCRIPT" }],
  [462, { kind: "rejected", code: "INPUTS" }],
  [463, { kind: "rejected", code: "MALFORMED" }],
  [464, { kind: "rejected", code: "OUTPUTS" }],
  [465, { kind: "rejected", code: "FEE" }],
  [466, { kind: "conflict" }],
  [467, { kind: "rejected", code: "BEEF" }],
  [468, { kind: "rejected", code: "BEEF" }],
  [469, { kind: "rejected", code: "BEEF" }],
  [471, { kind: "rejected", code: "FROZEN" }],
  [472, { kind: "rejected", code: "FROZEN" }],
  [473, { kind: "rejected", code: "FEE" }],
  [474, { kind: "rejected", code: "SIZE" }],
]);

const readWords = (words: string): Reading | undefined =>
  NODE_WORDS.find(([pattern]) => pattern.test(words))?.[1];

const others = (txid: string, competing: string[] | null | undefined): string[] =>
  (competing ?? []).filter((other) => other !== txid);

/** What the words of a refusal mean, whoever said them; undefined for words we do not know. */
export function resultOfWords(txid: string, words: string): BroadcastResult | undefined {
  const reading = readWords(words);
  return reading && toResult(txid, reading, words, []);
}

function readStatus(txid: string, tx: ArcTx): Reading {
  if (tx.txStatus === "MINED" || tx.txStatus === "IMMUTABLE") return { kind: "seen" };
  if (others(txid, tx.competingTxs).length > 0 || tx.txStatus === "DOUBLE_SPEND_ATTEMPTED") {
    return { kind: "conflict" };
  }
  if (SEEN.has(tx.txStatus)) return { kind: "seen" };
  if (tx.txStatus !== "REJECTED") return { kind: "pending" };
  return readWords(tx.extraInfo ?? "") ?? { kind: "rejected", code: "REFUSED" };
}

function toResult(txid: string, reading: Reading, reason: string, competing: string[]): BroadcastResult {
  switch (reading.kind) {
    case "seen":
      return { outcome: "seen", txid, witnesses: 1 };
    case "pending":
      return { outcome: "pending", txid, reason };
    case "conflict":
      return { outcome: "conflict", txid, competing };
    case "rejected":
      return { outcome: "rejected", txid, code: reading.code, reason };
  }
}

/** The verdict of a 2xx answer to a broadcast of `txid`. */
export function resultOfTx(txid: string, tx: ArcTx): BroadcastResult {
  const reason = [tx.txStatus, tx.extraInfo].filter(Boolean).join(": ");
  return toResult(txid, readStatus(txid, tx), reason, others(txid, tx.competingTxs));
}

/** The verdict of an error document: what the node said counts before ARC's number for it. */
export function resultOfProblem(txid: string, problem: ArcProblem): BroadcastResult {
  const reason = [problem.status, problem.title, problem.detail, problem.extraInfo]
    .filter(Boolean)
    .join(": ");
  const words = `${problem.detail ?? ""} ${problem.extraInfo ?? ""}`;
  const reading = readWords(words) ?? PROBLEM_CODES.get(problem.status) ?? { kind: "pending" };
  return toResult(txid, reading, reason, []);
}

/** The state of a known transaction. A mined one without its block's data counts as seen only. */
export function statusOfTx(txid: string, tx: ArcTx): TxStatus {
  if (tx.txStatus === "UNKNOWN") return { state: "unknown" };
  const isMined = tx.txStatus === "MINED" || tx.txStatus === "IMMUTABLE";
  if (isMined && tx.blockHash && tx.blockHeight) {
    return { state: "mined", height: tx.blockHeight, blockHash: tx.blockHash };
  }
  const result = resultOfTx(txid, tx);
  switch (result.outcome) {
    case "conflict":
      return { state: "conflict", competing: result.competing };
    case "rejected":
      return { state: "rejected", reason: result.reason };
    default:
      return { state: result.outcome };
  }
}
