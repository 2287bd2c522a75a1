/** Deposits and vouchers that must be refused. Owns: what is wrong with each. Does not own: sending them (soaker.ts). */
import type { WireVoucher } from "@meme-rounds/shared-schema/messages";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import type { Coin } from "@meme-rounds/shared-schema/settlement";
import type { Player } from "../player.ts";
import type { BoostTwist, DepositTwist } from "./plan.ts";

/** Raw transaction, hex; none of these may ever reach the chain. */
export function wrongDeposit(
  player: Player,
  round: Snapshot,
  coin: Coin,
  twist: Exclude<DepositTwist, "none" | "late">,
): string {
  switch (twist) {
    case "garbage":
      return "0100";
    case "low":
      return player.depositTx(round, coin, round.minDeposit - 1);
    case "high":
      return player.depositTx(round, { ...coin, sats: 10 * round.maxDeposit }, round.maxDeposit + 1);
    case "foreign":
      return player.depositTx({ ...round, entryId: "ab".repeat(16) }, coin, 5_000);
  }
}

/** The player's own voucher chain is left as it was. */
export function wrongBoost(
  player: Player,
  { roundTag, minBoost, maxDeposit }: Snapshot,
  memeId: string,
  twist: Exclude<BoostTwist, "none">,
): WireVoucher {
  switch (twist) {
    case "forged":
      return { ...player.voucher(roundTag, "boost", memeId, minBoost), sig: "11".repeat(64) };
    case "overspend":
      return player.voucher(roundTag, "boost", memeId, 100 * maxDeposit);
    case "foreign":
      return player.voucher("00".repeat(16), "boost", memeId, minBoost);
    case "stale": {
      const { you } = player;
      if (you) player.you = { ...you, nextSeq: you.nextSeq + 3 };
      const voucher = player.voucher(roundTag, "boost", memeId, minBoost);
      player.you = you;
      return voucher;
    }
  }
}
