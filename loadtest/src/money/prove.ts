/**
 * The proof at the end of a soak: nothing lost, nothing invented, nobody paid twice. Owns: putting the parts together
 * and the sums over everything. Does not own: one round, one player, the operator (prove-*.ts), waiting, output.
 * It needs the journals, the chain and the players' own notes, nothing else.
 */
import type { VerifyCompact } from "@meme-rounds/shared-schema/crypto";
import type { Entry } from "@meme-rounds/shared-schema/records";
import { verifyJournal } from "@meme-rounds/shared-schema/verify-journal";
import type { ChainView } from "./chain-view.ts";
import type { Fate } from "./fates.ts";
import { type OperatorProof, proveOperator } from "./prove-operator.ts";
import { type PlayerNotes, type PlayersProof, type ProvenRound, provePlayers } from "./prove-players.ts";
import { type Mismatch, proveRound } from "./prove-round.ts";

export interface ProofInput {
  /** By roundId; rounds in which nobody has deposited may be left out. */
  journals: ReadonlyMap<string, readonly Entry[]>;
  players: readonly PlayerNotes[];
  chain: ChainView;
  verify: VerifyCompact;
}

export interface Proof {
  rounds: number;
  results: number;
  voided: number;
  settlementTxs: number;
  deposits: Record<Fate, number>;
  /** sat, as are all sums. */
  sums: {
    collected: number;
    paid: number;
    minerFees: number;
    operatorNet: number;
    /** Carries nobody has spent yet. */
    carryUnspent: number;
    /** collected - (paid + minerFees + operatorNet + carryUnspent): 0, or something is lost or invented. */
    difference: number;
  };
  players: Omit<PlayersProof, "mismatches">;
  operator: Omit<OperatorProof, "mismatches">;
  mismatches: Mismatch[];
}

/** Blocks after which a payout is final (M5). */
const FINAL_BLOCKS = 6;

/** Throws only when the chain cannot be read; everything that is wrong is in `mismatches`. */
export async function prove(input: ProofInput): Promise<Proof> {
  const { chain } = input;
  const tip = await chain.tip();
  const coinsOf = coinsKnownTo(input.players);
  const mismatches: Mismatch[] = [];
  const rounds = new Map<string, ProvenRound>();
  for (const [roundId, entries] of input.journals) {
    const verdict = verifyJournal([...entries], input.verify);
    if (!verdict.ok) {
      mismatches.push({ rule: "R4", what: `journal: record ${verdict.seq}: ${verdict.reason}`, roundId });
      continue;
    }
    const { state } = verdict;
    const proof = await proveRound(state, { chain, tip, coinsOf });
    if (proof.txids.length > 0 && proof.depth < FINAL_BLOCKS)
      mismatches.push({
        rule: "M5",
        what: `the settlement is ${proof.depth} blocks deep`,
        roundId,
        txids: proof.txids,
      });
    mismatches.push(...proof.mismatches);
    rounds.set(roundId, { state, entries, proof });
  }
  mismatches.push(...proveCarries(rounds));
  const { mismatches: ofPlayers, ...players } = await provePlayers(input.players, rounds, chain);
  const settlements = new Set([...rounds.values()].flatMap(({ proof }) => proof.txids));
  const operatorKeys = new Set([...rounds.values()].map(({ state }) => state.open.operatorKey));
  const { mismatches: ofOperator, ...operator } = await proveOperator(operatorKeys, settlements, chain);
  mismatches.push(...ofPlayers, ...ofOperator);
  const sums = sumsOf(rounds);
  if (sums.difference !== 0)
    mismatches.push({ rule: "E8", what: `${sums.difference} sat are lost (below 0: invented)` });
  const proofs = [...rounds.values()].map(({ proof }) => proof);
  return {
    rounds: rounds.size,
    results: proofs.filter(({ outcome }) => outcome === "result").length,
    voided: proofs.filter(({ outcome }) => outcome === "void").length,
    settlementTxs: settlements.size,
    deposits: fatesOf(rounds),
    sums,
    players,
    operator,
    mismatches,
  };
}

/** What a transaction spends, as far as players have noted it. */
export function coinsKnownTo(
  players: readonly PlayerNotes[],
): (txid: string) => readonly { txid: string; vout: number }[] {
  const coins = new Map(
    players.flatMap(({ deposits, ancestors }) =>
      [...ancestors, ...deposits].map((one) => [one.txid, one.coins] as const),
    ),
  );
  return (txid) => coins.get(txid) ?? [];
}

/** E11: every carry that is spent was made by a round, names itself in record 1, and is spent once. */
function proveCarries(rounds: ReadonlyMap<string, ProvenRound>): Mismatch[] {
  const mismatches: Mismatch[] = [];
  const madeBy = new Map<string, string>();
  for (const [roundId, { proof }] of rounds) if (proof.carryMade) madeBy.set(proof.carryMade, roundId);
  const consumed = new Map<string, string>();
  for (const [roundId, { proof, state }] of rounds) {
    const named = new Set(state.open.carryFrom.map((from) => from.roundId));
    for (const outpoint of proof.carriesSpent) {
      const maker = madeBy.get(outpoint);
      if (maker === undefined || !named.has(maker))
        mismatches.push({
          rule: "E11",
          what: `the carry ${outpoint} is of ${maker ?? "no round"}, which record 1 does not name`,
          roundId,
        });
      else if (consumed.has(maker))
        mismatches.push({
          rule: "E11",
          what: `the carry of ${maker} was consumed by ${consumed.get(maker)} already`,
          roundId,
        });
      else consumed.set(maker, roundId);
    }
  }
  return mismatches;
}

function fatesOf(rounds: ReadonlyMap<string, ProvenRound>): Record<Fate, number> {
  const fates: Record<Fate, number> = { collected: 0, dropped: 0, lost: 0, refunded: 0, open: 0 };
  for (const { proof } of rounds.values()) for (const { fate } of proof.deposits.values()) fates[fate] += 1;
  return fates;
}

function sumsOf(rounds: ReadonlyMap<string, ProvenRound>): Proof["sums"] {
  const sums = { collected: 0, paid: 0, minerFees: 0, operatorNet: 0, carryUnspent: 0, difference: 0 };
  for (const { proof } of rounds.values()) {
    for (const { fate, sats } of proof.deposits.values()) if (fate === "collected") sums.collected += sats;
    for (const sats of proof.paid.values()) sums.paid += sats;
    sums.minerFees += proof.minerFee;
    sums.operatorNet += proof.operatorNet;
    sums.carryUnspent += proof.carryOut - proof.carryIn;
  }
  sums.difference = sums.collected - sums.paid - sums.minerFees - sums.operatorNet - sums.carryUnspent;
  return sums;
}
