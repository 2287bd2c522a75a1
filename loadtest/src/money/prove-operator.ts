/**
 * The operator's own coins as a whole (E10, M3). Owns: naming every transaction that touched them, where each satoshi
 * came from and went. Does not own: settlements' insides (prove-round.ts).
 */
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import type { ChainView, SeenTx } from "./chain-view.ts";
import type { Mismatch } from "./prove-round.ts";

export interface OperatorProof {
  /** sat, as is all below: what the faucet gave. */
  faucet: number;
  /** What settlements added; negative when the float paid. */
  settlements: number;
  /** Fees of pre-splits and of links, journals and records, with what lies in the ledger's covenant. */
  upkeep: number;
  /** What is unspent at the end. */
  balance: number;
  mismatches: Mismatch[];
}

const FAUCET_SCRIPT = "51";
const P2PKH = /^76a914[0-9a-f]{40}88ac$/;

interface Flow {
  /** sat of the operator's that it spends and makes. */
  spent: number;
  made: number;
  fromFaucet: boolean;
  /** Somebody else's address is paid. */
  paysOthers: boolean;
  /** Outpoints it makes for the operator. */
  coins: { txid: string; vout: number; sats: number }[];
}

async function flowOf(tx: SeenTx, scripts: ReadonlySet<string>, chain: ChainView): Promise<Flow> {
  const flow: Flow = { spent: 0, made: 0, fromFaucet: false, paysOthers: false, coins: [] };
  for (const { txid, vout } of tx.inputs) {
    const source = (await chain.tx(txid))?.outputs[vout];
    if (source === undefined) continue;
    if (scripts.has(source.script)) flow.spent += source.sats;
    if (source.script === FAUCET_SCRIPT) flow.fromFaucet = true;
  }
  for (const [vout, { sats, script }] of tx.outputs.entries()) {
    if (scripts.has(script)) {
      flow.made += sats;
      flow.coins.push({ txid: tx.txid, vout, sats });
    } else if (P2PKH.test(script)) flow.paysOthers = true;
  }
  return flow;
}

/** `settlements`: every transaction that settles a round. */
export async function proveOperator(
  operatorKeys: ReadonlySet<string>,
  settlements: ReadonlySet<string>,
  chain: ChainView,
): Promise<OperatorProof> {
  const out: OperatorProof = { faucet: 0, settlements: 0, upkeep: 0, balance: 0, mismatches: [] };
  const scripts = new Set([...operatorKeys].map(p2pkhScript));
  const seen = new Set<string>();
  for (const key of operatorKeys)
    for (const txid of await chain.history(addressOf(key, "devchain"))) seen.add(txid);
  for (const txid of seen) {
    const tx = await chain.tx(txid);
    if (tx === undefined) continue;
    const flow = await flowOf(tx, scripts, chain);
    const net = flow.made - flow.spent;
    if (settlements.has(txid)) out.settlements += net;
    else if (flow.fromFaucet && flow.spent === 0) out.faucet += net;
    else if (flow.spent > 0 && !flow.paysOthers) out.upkeep -= net;
    else
      out.mismatches.push({
        rule: "E8",
        what: flow.paysOthers
          ? "operator coins went to somebody unknown"
          : "operator coins came from nowhere",
        txids: [txid],
      });
    for (const coin of flow.coins)
      if ((await chain.spentBy(coin.txid, coin.vout)) === undefined) out.balance += coin.sats;
  }
  const expected = out.faucet + out.settlements - out.upkeep;
  if (out.balance !== expected)
    out.mismatches.push({
      rule: "E8",
      what: `the operator should hold ${expected} sat and holds ${out.balance}`,
    });
  return out;
}
