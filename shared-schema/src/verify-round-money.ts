/**
 * Checks of the money in the journal (M10). Owns: deposits, ranking, payouts. Does not own: the settlement on the chain
 * (verify-round-settlement.ts), how an outcome comes about (payout.ts). Pure.
 */

import { compactOfDer } from "./der.ts";
import { entryIdOf, escrowScript } from "./escrow.ts";
import { canonicalJson, hashJson, sha256 } from "./hash.ts";
import { outpointOf } from "./payout.ts";
import type { BodyOf } from "./records.ts";
import type { RoundState } from "./round-state.ts";
import { deadlineOf } from "./rules.ts";
import { type DepositCoin, sumOf } from "./settlement.ts";
import { preimages } from "./sighash.ts";
import { pushesOf, type RawInput, type RawTransaction } from "./tx-read.ts";
import {
  type Finding,
  type Known,
  must,
  plural,
  type RoundEvidence,
  short,
  type VerifyTools,
  Wrong,
} from "./verify-round-parts.ts";

type Checker = (evidence: RoundEvidence, known: Known, tools: VerifyTools) => Finding;

export function stateOf(known: Known): { state: RoundState; open: BodyOf<"open"> } {
  if (known.state === undefined) throw new Wrong("the journal was not replayed");
  return { state: known.state, open: known.state.open };
}

/** Deposits that count: all but those the freeze dropped (M1). */
export function countedDeposits(state: RoundState): DepositCoin[] {
  const frozen = state.phase.kind === "settling" ? state.phase.frozen : undefined;
  const dropped = new Set(frozen?.dropped ?? []);
  return [...state.players.values()].flatMap(({ playKey, deposits }) =>
    deposits
      .filter((deposit) => !dropped.has(outpointOf(deposit)))
      .map(({ txid, vout, sats }) => ({ txid, vout, sats, playKey })),
  );
}

/** Branch 1 of an escrow: auditor's signature and key, operator's signature and key, the branch number. */
function settleSignature(input: RawInput): { signature: string; key: string } | undefined {
  const pushes = pushesOf(input.unlocking);
  if (pushes?.length !== 5 || pushes[4] !== "01") return undefined;
  const [, , signature = "", key = ""] = pushes;
  return { signature, key };
}

/** The preimage of any input when its coin is what we say it is: lock and amount are part of what is signed. */
function preimageOf(
  tx: RawTransaction,
): (index: number, coin: { sats: number; script: string }) => Uint8Array {
  const inputs = tx.inputs.map(({ txid, vout, sequence }) => ({ txid, vout, sequence, sats: 0, script: "" }));
  const plain = { version: tx.version, inputs, outputs: tx.outputs, locktime: tx.locktime };
  const of = preimages(plain);
  return (index, { sats, script }) => {
    const input = inputs[index];
    if (input === undefined) throw new RangeError(`no input ${index}`);
    // Only what is signed of this one input reads them; the shared hashes do not.
    Object.assign(input, { sats, script });
    return of(index);
  };
}

/**
 * Each deposit is a coin with the escrow's lock and the journal's amount (M1, M2). Of a settled one the settlement's own
 * signature shows it: lock and amount are part of what it signs, and the network took it. Of others the transaction is
 * looked at.
 */
export const checkDeposits: Checker = ({ settlement, sources }, known, { verify }) => {
  const { state, open } = stateOf(known);
  const deposits = countedDeposits(state);
  const escrow = escrowOf(open);
  const spends = new Map<string, { tx: RawTransaction; index: number }>();
  for (const { tx } of settlement)
    for (const [index, input] of tx.inputs.entries()) spends.set(outpointOf(input), { tx, index });
  const preimageOfTx = new Map(settlement.map(({ tx }) => [tx.txid, preimageOf(tx)]));
  const proven = { bySettlement: 0, byTransaction: 0 };
  for (const { txid, vout, sats, playKey } of deposits) {
    const name = `deposit ${short(txid)} of ${short(playKey)}`;
    const script = escrow(playKey);
    const source = sources.get(txid)?.outputs[vout];
    const spend = spends.get(`${txid}:${vout}`);
    if (source !== undefined) {
      must(source.script === script, `the ${name} is locked otherwise than the rules say`);
      must(source.sats === sats, `the ${name} holds ${source.sats} sat, not ${sats}`);
      proven.byTransaction++;
      continue;
    }
    must(spend !== undefined, `the ${name} is not on the chain`);
    const signed = spend.tx.inputs[spend.index];
    const by = signed && settleSignature(signed);
    const preimage = preimageOfTx.get(spend.tx.txid)?.(spend.index, { sats, script });
    const compact = by && compactOfDer(by.signature);
    const holds =
      by?.key === open.operatorKey &&
      preimage !== undefined &&
      compact !== undefined &&
      verify(sha256(preimage), compact, open.operatorKey);
    must(holds, `the ${name} is not a coin of ${sats} sat in this round's lock`);
    proven.bySettlement++;
  }
  const first = deposits[0];
  return {
    ok: true,
    numbers: { deposits: deposits.length, sat: sumOf(deposits) },
    details: [
      `${proven.bySettlement} shown by the settlement's signatures, ${proven.byTransaction} by their own transactions.`,
      ...(first === undefined ? [] : [`First: ${first.txid}:${first.vout}, ${first.sats} sat.`]),
    ],
  };
};

/** The lock of a player's deposits in this round. */
export function escrowOf(open: BodyOf<"open">): (playKey: string) => string {
  const { operatorKey, auditorKey, network, roundId } = open;
  const entryId = entryIdOf(network, roundId);
  const deadline = deadlineOf(open.rules, open.closesAt);
  return (playKey) => escrowScript({ entryId, operatorKey, auditorKey, playKey, deadline });
}

/** Scores and ranks from the boosts (E5). */
export const checkRanking: Checker = (_evidence, known) => {
  const { state } = stateOf(known);
  const { computed, result } = known;
  must(computed !== undefined && result !== undefined, "there is no result");
  if (computed.kind === "void") throw new Wrong(`by the rules this round is void: ${computed.reason}`);
  const mine = computed.result.ranking;
  const at = mine.findIndex((memeId, index) => memeId !== result.ranking[index]);
  must(at < 0, `rank ${at + 1} should be the meme ${short(mine[at] ?? "")}`);
  must(mine.length === result.ranking.length, "the ranking names memes that cannot win");
  return {
    ok: true,
    numbers: { memes: mine.length, winners: computed.winners.length },
    details: computed.winners.map((memeId, index) => {
      const meme = state.memes.get(memeId);
      return `${index + 1}. ${meme?.title ?? short(memeId)}: ${meme?.boostSats ?? 0} sat from ${plural(meme?.backers.size ?? 0, "backer")}.`;
    }),
  };
};

const sumOfPayouts = (payouts: BodyOf<"result">["payouts"]): number =>
  payouts.reduce((sum, { won, returned }) => sum + won + returned, 0);

/** Shares, fee and what is carried on (E3 to E9), and the fingerprint of all that in the ledger. */
export const checkPayouts: Checker = (_evidence, known) => {
  const { state } = stateOf(known);
  const { computed, result } = known;
  must(computed !== undefined && result !== undefined, "there is no result");
  if (computed.kind === "void") throw new Wrong(`by the rules every deposit goes back: ${computed.reason}`);
  const mine = computed.result;
  const due = new Map(result.payouts.map((one) => [one.playKey, one]));
  for (const { playKey, won, returned } of mine.payouts) {
    const said = due.get(playKey);
    const is = said !== undefined && said.won === won && said.returned === returned;
    must(
      is,
      `${short(playKey)} is due ${won + returned} sat, the journal says ${(said?.won ?? 0) + (said?.returned ?? 0)}`,
    );
  }
  must(
    canonicalJson(mine.payouts) === canonicalJson(result.payouts),
    "the journal pays somebody who is due nothing",
  );
  for (const part of ["fee", "seatFees", "carryOut"] as const)
    must(mine[part] === result[part], `${part} is ${mine[part]} sat, the journal says ${result[part]}`);
  must(
    known.link?.body.payoutHash === hashJson(result),
    "the payouts' fingerprint is not the one in the ledger",
  );
  const deposited = sumOf(countedDeposits(state));
  const paid = sumOfPayouts(mine.payouts);
  must(
    paid + mine.fee + mine.seatFees + mine.carryOut === deposited + state.carryIn,
    "the sum does not come out",
  );
  return {
    ok: true,
    numbers: { pot: computed.pot, paid, fee: mine.fee + mine.seatFees, carriedOn: mine.carryOut },
    details: [
      `In: ${deposited} sat deposits + ${state.carryIn} sat jackpot. Out: ${paid} sat to ${plural(mine.payouts.length, "player")}, ${mine.fee} sat fee, ${mine.seatFees} sat seat fees, ${mine.carryOut} sat carried on.`,
    ],
  };
};
