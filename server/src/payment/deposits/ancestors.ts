/**
 * Unmined transactions that a deposit hangs on (M1, M3). Owns: finding them, keeping their bytes so that they can be
 * sent again, and how many there may be. Does not own: the deposit itself (index.ts).
 */
import { type Refusal, refuse } from "@meme-rounds/shared-schema/errors";
import type { ChainPort } from "../../chain/index.ts";
import { readTransaction, type SentTransaction } from "../transaction.ts";
import type { DepositTxs } from "./txs.ts";

/** A longer chain of unmined transactions is likelier to be thrown out than mined. */
const MAX_ANCESTORS = 25;

/**
 * Keeps the bytes of every unmined ancestor of `sent.tx`. Refuses with DEPOSIT_REJECTED when there are too many. Throws
 * UNAVAILABLE when the chain cannot be read.
 */
export async function keepAncestors(
  sent: SentTransaction,
  chain: Pick<ChainPort, "statuses" | "rawTx">,
  txs: DepositTxs,
): Promise<Refusal | undefined> {
  const asked = new Set<string>();
  let unmined = 0;
  let level = sent.tx.inputs.map(({ txid }) => txid).filter((txid) => !sent.proven.has(txid));
  while (level.length > 0) {
    const txids = [...new Set(level)].filter((txid) => !asked.has(txid));
    for (const txid of txids) asked.add(txid);
    const standing = await chain.statuses(txids);
    level = [];
    for (const txid of txids) {
      if (standing.get(txid)?.state === "mined") continue;
      unmined++;
      if (unmined > MAX_ANCESTORS)
        return refuse(
          "DEPOSIT_REJECTED",
          `It hangs on more than ${MAX_ANCESTORS} transactions that are in no block yet: wait for one.`,
        );
      const raw = await chain.rawTx(txid);
      if (raw === undefined) continue; // its absence was noticed when the coins were looked up
      await txs.keep(txid, raw);
      level.push(...(readTransaction(raw)?.inputs ?? []).map((input) => input.txid));
    }
  }
  return undefined;
}
