/**
 * Proof that an unmined transaction can never be mined (M3). Owns: the rule, for operator and auditor alike. A
 * transaction is dead when a block holds another spend of one of its inputs, or of an input of one of its unmined
 * ancestors. Anything less, a mere absence or a rival in some mempool, proves nothing.
 */
import type { ChainPort } from "../../chain/index.ts";
import { readTransaction } from "../transaction.ts";

/** Raw transaction of a deposit or of an unmined ancestor of one, hex; undefined when it was not kept. */
export type KeptTx = (txid: string) => Promise<string | undefined>;

/** More unmined ancestors are not followed; a deposit with more is not accepted (M1). */
const MAX_ANCESTORS = 25;

/** The height of the block that killed it; undefined while nothing proves it. Bytes are believed as far as they hash. */
export async function diedAt(
  txid: string,
  chain: Pick<ChainPort, "status" | "spentBy">,
  kept: KeptTx,
): Promise<number | undefined> {
  const asked = new Set<string>();
  const deathOf = async (one: string): Promise<number | undefined> => {
    if (asked.has(one) || asked.size > MAX_ANCESTORS) return undefined;
    asked.add(one);
    const { state } = await chain.status(one);
    if (state === "mined" || (state === "seen" && one === txid)) return undefined;
    const raw = await kept(one);
    const tx = raw === undefined ? undefined : readTransaction(raw);
    if (tx?.txid !== one) return undefined;
    for (const input of tx.inputs) {
      const rival = await chain.spentBy(input.txid, input.vout);
      const standing = rival === undefined || rival === one ? undefined : await chain.status(rival);
      if (standing?.state === "mined") return standing.height;
      const above = await deathOf(input.txid);
      if (above !== undefined) return above;
    }
    return undefined;
  };
  return await deathOf(txid);
}

/** True when it is proven. */
export const isDead = async (...about: Parameters<typeof diedAt>): Promise<boolean> =>
  (await diedAt(...about)) !== undefined;

/** The kept bytes of these transactions and of their ancestors, hex: what shows somebody else that they are dead. */
export async function withAncestors(txids: readonly string[], kept: KeptTx): Promise<string[]> {
  const found = new Map<string, string>();
  const follow = async (txid: string, depth: number): Promise<void> => {
    if (found.has(txid) || depth > MAX_ANCESTORS) return;
    const raw = await kept(txid);
    if (raw === undefined) return;
    found.set(txid, raw);
    for (const input of readTransaction(raw)?.inputs ?? []) await follow(input.txid, depth + 1);
  };
  for (const txid of txids) await follow(txid, 0);
  return [...found.values()];
}
