/** Answers that are not true, for the fault layer. Owns: how each is made of a true one. Does not own: when (faults.ts). */
import { z } from "zod";
import { bumpHex, tscProof } from "./block.ts";
import type { DevChain } from "./chain.ts";
import { type Answer, json, text } from "./http.ts";

const arcTx = z.looseObject({ txid: z.string(), txStatus: z.string() });
const arcList = z.object({ transactions: z.array(z.looseObject({})) });
const policy = z.looseObject({
  policy: z.looseObject({ miningFee: z.looseObject({ satoshis: z.number() }) }),
});

type ArcTx = z.infer<typeof arcTx>;

function parsedBody(answer: Answer): unknown {
  if (answer.status !== 200 || answer.type !== "application/json") return undefined;
  return JSON.parse(Buffer.from(answer.body).toString("utf8"));
}

/** `change` sees every transaction of an ARC answer; other answers stay as they are. */
export function changeTxs(answer: Answer, change: (tx: ArcTx) => object): Answer {
  const value = parsedBody(answer);
  const one = arcTx.safeParse(value);
  if (one.success) return json(200, change(one.data));
  const list = arcList.safeParse(value);
  if (!list.success) return answer;
  const transactions = list.data.transactions.map((tx) => {
    const known = arcTx.safeParse(tx);
    return known.success ? change(known.data) : tx;
  });
  return json(200, { transactions });
}

/** Says that the parents are unknown, in the dialect's words. */
export function asOrphan(answer: Answer, face: "arc" | "arcade" | "woc"): Answer {
  if (face === "woc") return text(400, "unexpected response code 500: Missing inputs");
  const txStatus = face === "arc" ? "SEEN_IN_ORPHAN_MEMPOOL" : "PENDING_RETRY";
  return changeTxs(answer, (tx) => ({ ...tx, txStatus }));
}

/** True for an answer that holds a merkle path. */
export function hasProof(path: string, answer: Answer): boolean {
  const value = parsedBody(answer);
  if (path.endsWith("/proof/tsc")) return Array.isArray(value);
  const tx = arcTx.safeParse(value);
  return tx.success && typeof tx.data.merklePath === "string" && tx.data.merklePath !== "";
}

/** A proof of the right shape whose siblings are wrong. */
export function wrongProof(chain: DevChain, path: string, answer: Answer): Answer {
  const txid = /[0-9a-f]{64}/.exec(path)?.[0] ?? "";
  const mined = chain.find(txid)?.mined;
  if (!mined) return answer;
  const levels = mined.block.levels.map((level) =>
    level.map((node) => Buffer.from(node.map((byte, at) => (at === 0 ? byte ^ 1 : byte)))),
  );
  const block = { ...mined.block, levels };
  if (path.endsWith("/proof/tsc")) return json(200, tscProof(block, mined.index));
  return changeTxs(answer, (tx) => ({ ...tx, merklePath: bumpHex(block, mined.index) }));
}

/** A policy that asks `times` the real fee; undefined for an answer that is no policy. */
export function otherPolicy(answer: Answer, times: number): Answer | undefined {
  const read = policy.safeParse(parsedBody(answer));
  if (!read.success) return undefined;
  const { miningFee } = read.data.policy;
  const changed = { ...miningFee, satoshis: miningFee.satoshis * times };
  return json(200, { ...read.data, policy: { ...read.data.policy, miningFee: changed } });
}
