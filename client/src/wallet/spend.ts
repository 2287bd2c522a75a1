/**
 * A signed transaction of this wallet's coins. Owns: its bytes: inputs, outputs, change, signatures. Pure.
 * Does not own: choosing coins (coins.ts), what the outputs are for (deposit.ts, withdraw.ts), sending.
 */
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import {
  FINAL_SEQUENCE,
  type PlainTx,
  preimages,
  rawTxBytes,
  type TxOutput,
  txidOf,
} from "@meme-rounds/shared-schema/sighash";
import { p2pkhUnlock, signPreimage } from "@meme-rounds/shared-schema/unlock";
import { type Coin, outpointOf, type Selection } from "./coins.ts";

export interface Spend {
  txid: string;
  /** Raw transaction, hex. */
  tx: string;
  /** sat. */
  fee: number;
  /** Outpoints it spends. */
  spends: string[];
  /** What comes back to the same key, after all other outputs. */
  change?: Coin;
}

/** Signs `outputs` and the selection's change, all inputs being P2PKH coins of `secret`. */
export function spendCoins(selection: Selection, outputs: readonly TxOutput[], secret: Uint8Array): Spend {
  const publicKey = publicKeyOf(secret);
  const own = p2pkhScript(publicKey);
  const tx: PlainTx = {
    version: 1,
    inputs: selection.coins.map((coin) => ({ ...coin, sequence: FINAL_SEQUENCE, script: own })),
    outputs: [...outputs, ...(selection.change > 0 ? [{ sats: selection.change, script: own }] : [])],
    locktime: 0,
  };
  const preimageOf = preimages(tx);
  const unlocking = tx.inputs.map((_, index) =>
    p2pkhUnlock({ signature: signPreimage(preimageOf(index), secret), publicKey }),
  );
  const raw = rawTxBytes(tx, unlocking);
  const txid = txidOf(raw);
  return {
    txid,
    tx: toHex(raw),
    fee: selection.fee,
    spends: selection.coins.map(outpointOf),
    ...(selection.change > 0 ? { change: { txid, vout: outputs.length, sats: selection.change } } : {}),
  };
}
