/**
 * Settlement transactions that were mined in another form (M3). An escrow's unlocking script ends in the choice of a
 * branch, which no signature covers: whoever passes a transaction on can write that choice differently, and the txid
 * changes while inputs and outputs stay. Owns: finding such a twin, and proof that it is one. Does not own: going on
 * with it (settle.ts).
 */
import { type SettlementPlan, transactionOf } from "@meme-rounds/shared-schema/settlement";
import type { ChainPort } from "../../chain/index.ts";
import { readTransaction } from "../transaction.ts";
import { AuditorRefusal, type CosignRequest } from "../wire.ts";
import { shapeOf } from "./shape.ts";
import type { SignedTx } from "./sign.ts";

type Chain = Pick<ChainPort, "spentBy" | "status" | "rawTx">;

/** Only these spend escrows; what they spend is known before anything is signed. */
const mayHaveTwin = (planned: SettlementPlan["txs"][number] | undefined): boolean =>
  planned?.kind === "direct" || planned?.kind === "collect";

function isTwin(plan: SettlementPlan, at: number, rawHex: string): string | undefined {
  const planned = plan.txs[at];
  const tx = readTransaction(rawHex);
  if (planned === undefined || tx === undefined || !mayHaveTwin(planned)) return undefined;
  return shapeOf(tx) === shapeOf(transactionOf(planned)) ? tx.txid : undefined;
}

/** The mined twins of transactions `missing` (indices in the plan), which the network does not know in our form. */
export async function findTwins(
  plan: SettlementPlan,
  signed: readonly SignedTx[],
  missing: readonly number[],
  chain: Chain,
): Promise<Map<number, SignedTx>> {
  const found = new Map<number, SignedTx>();
  for (const at of missing) {
    const deposit = plan.txs[at]?.inputs.find((input) => input.kind === "deposit");
    if (deposit?.kind !== "deposit") continue;
    const spender = await chain.spentBy(deposit.txid, deposit.vout);
    if (spender === undefined || spender === signed[at]?.txid) continue;
    if ((await chain.status(spender)).state !== "mined") continue;
    const rawHex = await chain.rawTx(spender);
    if (rawHex !== undefined && isTwin(plan, at, rawHex) === spender)
      found.set(at, { txid: spender, rawHex, efHex: rawHex });
  }
  return found;
}

/** The auditor's view of what it is told: txids by index. Throws TWIN_WRONG for one that is none, or in no block. */
export async function minedTwins(
  { plan, twins }: CosignRequest,
  chain: Pick<ChainPort, "status">,
): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (const { tx, rawHex } of twins) {
    const txid = isTwin(plan, tx, rawHex);
    if (txid === undefined)
      throw new AuditorRefusal("TWIN_WRONG", `what is given for transaction ${tx} is not the same payment`);
    if ((await chain.status(txid)).state !== "mined")
      throw new AuditorRefusal("TWIN_WRONG", `no block holds ${txid}`);
    found.set(tx, txid);
  }
  return found;
}
