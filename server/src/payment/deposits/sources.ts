/**
 * What a deposit spends (M1). Owns: finding each input's output, by a merkle path that came with the deposit or by
 * the parent's presence on the network. Does not own: whether it may be spent so (index.ts).
 */
import { type Refusal, refuse } from "@meme-rounds/shared-schema/errors";
import type { ChainPort } from "../../chain/index.ts";
import { mapLimited } from "../parallel.ts";
import {
  type ReadOutput,
  type ReadTransaction,
  readTransaction,
  type SentTransaction,
} from "../transaction.ts";

const PARALLEL = 16;

/**
 * The outputs that `sent.tx` spends, in order. Refuses with DEPOSIT_PROOF_WRONG when a merkle path leads to no block,
 * DEPOSIT_INPUTS_UNKNOWN when a parent is neither proven nor known. Throws UNAVAILABLE when the chain cannot be read.
 */
export async function sourcesOf(sent: SentTransaction, chain: ChainPort): Promise<ReadOutput[] | Refusal> {
  const parents = new Map<string, ReadTransaction | undefined>();
  const txids = [...new Set(sent.tx.inputs.map(({ txid }) => txid))];
  const wrong = await mapLimited(txids, PARALLEL, async (txid) => {
    const proven = sent.proven.get(txid);
    if (proven === undefined) {
      const raw = await chain.rawTx(txid);
      parents.set(txid, raw === undefined ? undefined : readTransaction(raw));
      return false;
    }
    if (proven.root === undefined || !(await chain.isRootAt(proven.root, proven.height))) return true;
    parents.set(txid, proven.tx);
    return false;
  });
  if (wrong.includes(true)) return refuse("DEPOSIT_PROOF_WRONG");
  const sources = sent.tx.inputs.map(({ txid, vout }) => parents.get(txid)?.outputs[vout]);
  return sources.every((source) => source !== undefined) ? sources : refuse("DEPOSIT_INPUTS_UNKNOWN");
}
