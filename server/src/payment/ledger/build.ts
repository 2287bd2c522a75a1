/**
 * Transactions that carry the ledger and its data (M5, M6). Owns: which inputs and outputs they have, their size and fee,
 * signing them. Does not own: which coins pay (hot-wallet.ts), storing or sending. Deterministic: same parts, same bytes.
 */
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { linkUnlock, linkUnlockBytes } from "@meme-rounds/shared-schema/ledger";
import type { OperatorCoin } from "@meme-rounds/shared-schema/settlement";
import {
  extendedTxBytes,
  FINAL_SEQUENCE,
  type PlainTx,
  preimages,
  rawTxBytes,
  type TxInput,
  type TxOutput,
  txidOf,
  varIntSize,
} from "@meme-rounds/shared-schema/sighash";
import { p2pkhUnlock, signPreimage, UNLOCK_BYTES } from "@meme-rounds/shared-schema/unlock";
import type { SignedTx, SigningKey } from "../settlement/sign.ts";

/** A signed transaction, and what it costs. */
export interface BuiltTx extends SignedTx {
  bytes: number;
  /** Miner fee, sat. */
  sats: number;
}

/** What a transaction is made of, besides the coins that pay for it. */
export interface Parts {
  /** The covenant to spend into output 0, and its key. */
  covenant?: { txid: string; sats: number; script: string; key: SigningKey };
  /** In order; the change comes behind them. */
  outputs: readonly TxOutput[];
  /** Where the change goes, hex. */
  changeScript: string;
  feeSatPerKb: number;
}

/** The operator's coins do not cover the fee: so many sat more are needed, besides the cost of a further input. */
export interface Short {
  missing: number;
}
export const isShort = (made: BuiltTx | Short): made is Short => "missing" in made;

const inputSize = (unlockBytes: number): number => 40 + varIntSize(unlockBytes) + unlockBytes;
const COIN_INPUT = inputSize(UNLOCK_BYTES.p2pkh);
/** Reckoned from the text: a file of megabytes is turned into bytes seldom enough. */
const sizeOf = (outputs: readonly TxOutput[]): number =>
  outputs.reduce((sum, { script }) => sum + 8 + varIntSize(script.length / 2) + script.length / 2, 0);
const satsOf = (parts: readonly { sats: number }[]): number => parts.reduce((sum, { sats }) => sum + sats, 0);

/** Bytes at most, every signature taken to be of the longest kind. */
function sizeAtMost(parts: Parts, coins: number, outputs: readonly TxOutput[]): number {
  const link = parts.covenant === undefined ? 0 : inputSize(linkUnlockBytes(sizeOf(outputs.slice(1))));
  const inputs = coins + (link === 0 ? 0 : 1);
  return 8 + varIntSize(inputs) + link + coins * COIN_INPUT + varIntSize(outputs.length) + sizeOf(outputs);
}

/** The whole transaction, paid for by `coins`; a change too small to make goes to the miner. */
export function build(
  parts: Parts,
  coins: readonly OperatorCoin[],
  keyOf: (script: string) => SigningKey,
): BuiltTx | Short {
  const { covenant, feeSatPerKb, changeScript } = parts;
  const feeOf = (outputs: readonly TxOutput[]): number =>
    Math.ceil((sizeAtMost(parts, coins.length, outputs) * feeSatPerKb) / 1000);
  const given = satsOf(coins) + (covenant?.sats ?? 0) - satsOf(parts.outputs);
  const change = { sats: 0, script: changeScript };
  const left = given - feeOf([...parts.outputs, change]);
  const bare = given - feeOf(parts.outputs);
  if (left < 1 && bare < 0) return { missing: 1 - left };
  const outputs = left < 1 ? [...parts.outputs] : [...parts.outputs, { ...change, sats: left }];
  const coinInputs = coins.map(({ txid, vout, sats, script }) => ({
    txid,
    vout,
    sats,
    script,
    sequence: FINAL_SEQUENCE,
  }));
  const link: TxInput[] =
    covenant === undefined
      ? []
      : [
          {
            txid: covenant.txid,
            vout: 0,
            sats: covenant.sats,
            script: covenant.script,
            sequence: FINAL_SEQUENCE,
          },
        ];
  const tx: PlainTx = { version: 1, inputs: [...link, ...coinInputs], outputs, locktime: 0 };
  return sign(tx, covenant?.key, keyOf);
}

function sign(tx: PlainTx, linkKey: SigningKey | undefined, keyOf: (script: string) => SigningKey): BuiltTx {
  const link = linkKey && linkUnlock(tx, 0, linkKey.secret, { sign: linkKey.sign });
  const final = link?.tx ?? tx;
  const preimageOf = preimages(final);
  const unlocking = final.inputs.map((input, at) => {
    if (link !== undefined && at === 0) return link.unlocking;
    const { secret, sign: signer } = keyOf(input.script);
    const signature = signPreimage(preimageOf(at), secret, signer);
    return p2pkhUnlock({ signature, publicKey: publicKeyOf(secret) });
  });
  const raw = rawTxBytes(final, unlocking);
  return {
    txid: txidOf(raw),
    rawHex: toHex(raw),
    efHex: toHex(extendedTxBytes(final, unlocking)),
    bytes: raw.length,
    sats: satsOf(final.inputs) - satsOf(final.outputs),
  };
}
