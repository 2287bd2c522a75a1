/**
 * The deposit transaction (M1, M2, protocol.md 8). Owns: its outputs, built from the round's public keys so that no
 * server's script has to be believed. Does not own: choosing coins (coins.ts), signing (spend.ts), sending it.
 */
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { entryIdOf, escrowScript } from "@meme-rounds/shared-schema/escrow";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import { type Coin, selectCoins } from "./coins.ts";
import { type Spend, spendCoins } from "./spend.ts";

/** What of a round its escrow is made from. */
export type EscrowRound = Pick<
  Snapshot,
  "roundId" | "network" | "operatorKey" | "auditorKey" | "closesAt" | "deadline"
>;

/** Output 0 is the escrow. */
export interface Deposit extends Spend {
  roundId: string;
  /** sat in the escrow. */
  sats: number;
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
  const spend = spendCoins(selection, [{ sats: wanted.sats, script: lock }], secret);
  return { ...spend, roundId, sats: wanted.sats, escrow };
}
