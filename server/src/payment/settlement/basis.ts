/**
 * From a finished round to what its settlement is made of, and back. Owns: which deposits count, which output of the signed
 * transactions pays whom. Does not own: the plan (shared-schema), the order of things (settle.ts). Pure.
 */
import { computeOutcome, droppedOutpoints } from "@meme-rounds/shared-schema/payout";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import {
  type CarryCoin,
  type DepositCoin,
  outpointOf,
  type SettlementBasis,
  type SettlementPlan,
} from "@meme-rounds/shared-schema/settlement";
import type { SignedTx } from "./sign.ts";
import type { SettledPayout } from "./store.ts";

/** All deposits that count, as coins. */
export function depositCoinsOf(state: RoundState): DepositCoin[] {
  const dropped = droppedOutpoints(state);
  return [...state.players.values()].flatMap(({ playKey, deposits }) =>
    deposits
      .filter((deposit) => !dropped.has(outpointOf(deposit)))
      .map(({ txid, vout, sats }) => ({ txid, vout, sats, playKey })),
  );
}

/** What a finished journal's state owes. */
export const basisOf = (state: RoundState, carryCoins: readonly CarryCoin[]): SettlementBasis => ({
  open: state.open,
  deposits: depositCoinsOf(state),
  outcome: computeOutcome(state),
  carryCoins,
});

/** Which output pays whom (protocol.md 6), and the carry's coin with the keys that lock it. */
export function paymentsOf(plan: SettlementPlan, txs: readonly SignedTx[], auditorKey: string) {
  const payouts: SettledPayout[] = [];
  let carry: CarryCoin | undefined;
  for (const [at, { outputs }] of plan.txs.entries()) {
    const txid = txs[at]?.txid ?? "";
    for (const [vout, output] of outputs.entries()) {
      if (output.kind === "payout") payouts.push({ playKey: output.playKey, sats: output.sats, txid, vout });
      if (output.kind === "carry")
        carry = { roundId: plan.roundId, txid, vout, sats: output.sats, script: output.script, auditorKey };
    }
  }
  return { payouts, carry };
}
