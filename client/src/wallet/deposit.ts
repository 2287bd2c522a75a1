/**
 * The deposit transaction (M1, M2, protocol.md 8). Owns: its bytes, built from the round's public keys so that no
 * server's script has to be believed. Does not own: choosing coins (coins.ts) or sending it.
 */
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { entryIdOf, escrowScript } from "@meme-rounds/shared-schema/escrow";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import {
  FINAL_SEQUENCE,
  type PlainTx,
  preimages,
  rawTxBytes,
  txidOf,
} from "@meme-rounds/shared-schema/sighash";
import { p2pkhUnlock, signPreimage } from "@meme-rounds/shared-schema/unlock";
import { type Coin, outpointOf, selectCoins } from "./coins.ts";

/** What of a round its escrow is made from. */
export type EscrowRound = Pick<
  Snapshot,
  "roundId" | "network" | "operatorKey" | "auditorKey" | "closesAt" | "deadline"
>;

export interface Deposit {
  roundId: string;
  txid: string;
  /** Raw transaction, hex. Output 0 is the escrow. */
  tx: string;
  /** sat in the escrow. */
  sats: number;
  /** sat. */
  fee: number;
  /** Outpoints it spends. */
  spends: string[];
  change?: Coin;
  /** What a refund is built from (M9). */
  escrow: { entryId: string; operatorKey: string; auditorKey: string; playKey: string; deadline: number };
}

/** A deadline further off than this would lock coins longer than the rules say (24 h after the close), s. */
const MAX_REFUND_S = 2 * 86_400;

/**
 * Builds and signs a deposit of `sats`. undefined when the coins do not suffice. Throws a RangeError when the round's
 * terms would lock the coins for longer than two days after its close.
 */
export function buildDeposit(
  round: EscrowRound,
  coins: readonly Coin[],
  wanted: { sats: number; satPerKb: number },
  secret: Uint8Array,
): Deposit | undefined {
  const { roundId, network, operatorKey, auditorKey, deadline } = round;
  if (deadline > round.closesAt / 1000 + MAX_REFUND_S)
    throw new RangeError("the round's refund deadline is too far off");
  const playKey = publicKeyOf(secret);
  // Computed here, not taken from the snapshot: a foreign entryId would tie the coins to another round.
  const escrow = { entryId: entryIdOf(network, roundId), operatorKey, auditorKey, playKey, deadline };
  const lock = escrowScript(escrow);
  const selection = selectCoins(coins, { ...wanted, scriptBytes: lock.length / 2 });
  if (selection === undefined) return undefined;
  const own = p2pkhScript(playKey);
  const tx: PlainTx = {
    version: 1,
    inputs: selection.coins.map((coin) => ({ ...coin, sequence: FINAL_SEQUENCE, script: own })),
    outputs: [
      { sats: wanted.sats, script: lock },
      ...(selection.change > 0 ? [{ sats: selection.change, script: own }] : []),
    ],
    locktime: 0,
  };
  const preimageOf = preimages(tx);
  const unlocking = tx.inputs.map((_, index) =>
    p2pkhUnlock({ signature: signPreimage(preimageOf(index), secret), publicKey: playKey }),
  );
  const raw = rawTxBytes(tx, unlocking);
  const txid = txidOf(raw);
  return {
    roundId,
    txid,
    tx: toHex(raw),
    sats: wanted.sats,
    fee: selection.fee,
    spends: selection.coins.map(outpointOf),
    escrow,
    ...(selection.change > 0 ? { change: { txid, vout: 1, sats: selection.change } } : {}),
  };
}
