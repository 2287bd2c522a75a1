/** Payments of the tests' players: from one coin into outputs, or into a round's escrow. */
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { entryIdOf, escrowScript } from "@meme-rounds/shared-schema/escrow";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import type { Coin } from "@meme-rounds/shared-schema/settlement";
import { extendedTxBytes, type PlainTx, preimages, rawTxBytes } from "@meme-rounds/shared-schema/sighash";
import { p2pkhUnlock, signPreimage } from "@meme-rounds/shared-schema/unlock";
import type { Actor } from "../../../shared-schema/test/support/round.ts";
import type { DepositTerms } from "../../src/payment/index.ts";

/** A signed transaction that spends `coin` into `outputs`, the rest as change to its owner. */
export function payTx(
  who: Actor,
  coin: Coin,
  outputs: { sats: number; script: string }[],
  patch: Partial<PlainTx> & { fee?: number } = {},
): { rawHex: string; efHex: string } {
  const own = p2pkhScript(who.playKey);
  const { fee = 100, ...rest } = patch;
  const left = coin.sats - fee - outputs.reduce((sum, { sats }) => sum + sats, 0);
  const tx: PlainTx = {
    version: 1,
    inputs: [{ ...coin, script: own, sequence: 0xffffffff }],
    outputs: [...outputs, ...(left > 0 ? [{ sats: left, script: own }] : [])],
    locktime: 0,
    ...rest,
  };
  const signature = signPreimage(preimages(tx)(0), who.secret);
  const unlocking = [p2pkhUnlock({ signature, publicKey: who.playKey })];
  return { rawHex: toHex(rawTxBytes(tx, unlocking)), efHex: toHex(extendedTxBytes(tx, unlocking)) };
}

/** M1: a deposit of `sats` from the coin. */
export function depositTx(
  who: Actor,
  coin: Coin,
  sats: number,
  terms: DepositTerms,
  patch: Partial<PlainTx> & { fee?: number; playKey?: string } = {},
): { rawHex: string; efHex: string } {
  const { playKey = who.playKey, ...rest } = patch;
  const { network, roundId, operatorKey, auditorKey, deadline } = terms;
  const entryId = entryIdOf(network, roundId);
  const script = escrowScript({ entryId, operatorKey, auditorKey, playKey, deadline });
  return payTx(who, coin, [{ sats, script }], rest);
}
