/**
 * What a round's settlement must look like (E9, E10, M3). Owns: the unsigned plan made from a round's outcome, and
 * the comparison of a plan with what it should be. Does not own: keys, signatures, the network, or how an outcome
 * comes about (payout.ts). Pure: the operator plans with it, the auditor and the verify page check with it.
 */
import { entryIdOf, escrowScript } from "./escrow.ts";
import { p2pkhScript, twoKeyScript } from "./lock.ts";
import type { BodyOf } from "./records.ts";
import { deadlineOf } from "./rules.ts";
import { FINAL_SEQUENCE, type PlainTx, varIntSize } from "./sighash.ts";
import { UNLOCK_BYTES } from "./unlock.ts";

/** An unspent output. */
export interface Coin {
  txid: string;
  vout: number;
  /** sat. */
  sats: number;
}

/** A deposit that was not dropped at the freeze. */
export interface DepositCoin extends Coin {
  playKey: string;
}

/** A carry output of an earlier round, locked to operator and auditor (E11). */
export interface CarryCoin extends Coin {
  roundId: string;
}

export type PlanInput = Coin & { /** Locking script of the coin, hex. */ script: string } & (
    | { kind: "deposit"; playKey: string }
    | { kind: "carry"; roundId: string }
    | { kind: "operator" }
  );

export type PlanOutput = { /** sat. */ sats: number /** Locking script, hex. */; script: string } & (
  | { kind: "payout"; playKey: string }
  | { kind: "carry" }
  | { kind: "change" }
);

/** The whole unsigned transaction; version 1, lock time 0, every input final. */
export interface SettlementPlan {
  roundId: string;
  inputs: PlanInput[];
  outputs: PlanOutput[];
  /** sat. */
  minerFee: number;
}

/** What a finished round owes: of payout.ts's outcome, the part that money follows. */
export type SettledOutcome =
  | { kind: "result"; result: BodyOf<"result"> }
  | { kind: "void"; returned: readonly { playKey: string; sats: number }[] };

/** Everything a settlement follows from, except coins of the operator's own. */
export interface SettlementBasis {
  open: BodyOf<"open">;
  /** All deposits that were not dropped. */
  deposits: readonly DepositCoin[];
  outcome: SettledOutcome;
  /** The coins behind open.carryFrom; not looked at in a voided round. */
  carryCoins: readonly CarryCoin[];
}

export type PlanRefusal = "NOTHING_TO_SETTLE" | "UNBALANCED" | "CARRY_MISMATCH" | "FLOAT_EMPTY";
export type Planned =
  | { ok: true; plan: SettlementPlan }
  | { ok: false; code: PlanRefusal /** For FLOAT_EMPTY, sat still missing. */; missing?: number };

type Fixed = { ok: true; inputs: PlanInput[]; outputs: PlanOutput[]; budget: number };

const sum = (items: readonly { sats: number }[]): number =>
  items.reduce((total, { sats }) => total + sats, 0);
const outpointOf = (coin: Coin): string => `${coin.txid}:${coin.vout}`;
const byText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** What each player is paid, one output each, never an empty one, by play key bytes (E9, protocol.md 6). */
export function amountsDue(outcome: SettledOutcome): { playKey: string; sats: number }[] {
  const due = new Map<string, number>();
  const add = (playKey: string, sats: number): void => {
    due.set(playKey, (due.get(playKey) ?? 0) + sats);
  };
  if (outcome.kind === "void") for (const one of outcome.returned) add(one.playKey, one.sats);
  else for (const one of outcome.result.payouts) add(one.playKey, one.won + one.returned);
  return [...due]
    .map(([playKey, sats]) => ({ playKey, sats }))
    .filter(({ sats }) => sats > 0)
    .sort((left, right) => byText(left.playKey, right.playKey));
}

function depositInputs({ open, deposits }: SettlementBasis): PlanInput[] {
  const entryId = entryIdOf(open.network, open.roundId);
  const deadline = deadlineOf(open.rules, open.closesAt);
  const { operatorKey, auditorKey } = open;
  return deposits
    .map(({ txid, vout, sats, playKey }): PlanInput => {
      const script = escrowScript({ entryId, operatorKey, auditorKey, playKey, deadline });
      return { kind: "deposit", txid, vout, sats, script, playKey };
    })
    .sort((left, right) => byText(outpointOf(left), outpointOf(right)));
}

function carryInputs({ open, carryCoins }: SettlementBasis): PlanInput[] | undefined {
  const script = twoKeyScript(open.operatorKey, open.auditorKey);
  const inputs: PlanInput[] = [];
  for (const { roundId, sats } of open.carryFrom) {
    if (sats === 0) continue;
    const coin = carryCoins.find((one) => one.roundId === roundId);
    if (coin === undefined || coin.sats !== sats) return undefined;
    inputs.push({ kind: "carry", txid: coin.txid, vout: coin.vout, sats, script, roundId });
  }
  return inputs;
}

/** The part of the settlement that nobody may choose; `budget` is what the operator has of it, sat (E10, E12). */
function fixedPart(basis: SettlementBasis): Fixed | { ok: false; code: PlanRefusal } {
  const { open, outcome } = basis;
  if (basis.deposits.length === 0) return { ok: false, code: "NOTHING_TO_SETTLE" };
  const carried = outcome.kind === "result" ? carryInputs(basis) : [];
  if (carried === undefined) return { ok: false, code: "CARRY_MISMATCH" };
  const inputs = [...depositInputs(basis), ...carried];
  const outputs = amountsDue(outcome).map(
    ({ playKey, sats }): PlanOutput => ({ kind: "payout", sats, script: p2pkhScript(playKey), playKey }),
  );
  const { fee, seatFees, carryOut } =
    outcome.kind === "result" ? outcome.result : { fee: 0, seatFees: 0, carryOut: 0 };
  if (carryOut > 0)
    outputs.push({ kind: "carry", sats: carryOut, script: twoKeyScript(open.operatorKey, open.auditorKey) });
  const budget = fee + seatFees;
  if (sum(inputs) !== sum(outputs) + budget) return { ok: false, code: "UNBALANCED" };
  return { ok: true, inputs, outputs, budget };
}

const UNLOCK_OF = { deposit: UNLOCK_BYTES.settle, carry: UNLOCK_BYTES.twoKey, operator: UNLOCK_BYTES.p2pkh };
const inputSize = (kind: PlanInput["kind"]): number => 40 + varIntSize(UNLOCK_OF[kind]) + UNLOCK_OF[kind];
const outputSize = (script: string): number => 8 + varIntSize(script.length / 2) + script.length / 2;

/** Bytes of the signed transaction at most: every signature is taken to be of the longest kind. */
export function settlementSize(inputs: readonly PlanInput[], outputs: readonly { script: string }[]): number {
  const ins = inputs.reduce((size, { kind }) => size + inputSize(kind), varIntSize(inputs.length));
  return outputs.reduce(
    (size, { script }) => size + outputSize(script),
    8 + ins + varIntSize(outputs.length),
  );
}

/** Miner fee in sat of `bytes` at a rate in sat/KB. */
export const minerFeeOf = (bytes: number, satPerKb: number): number => Math.ceil((bytes * satPerKb) / 1000);

/**
 * The unsigned settlement of a finished round (M3). The miner fee comes out of fee + seatFees; where that is too
 * little (always in a voided round), operator coins are added in the order given, as few as needed (E10).
 * Refuses with FLOAT_EMPTY when they do not suffice, NOTHING_TO_SETTLE when there is no deposit, UNBALANCED when
 * the outcome does not add up to the deposits (E8), CARRY_MISMATCH when a carry coin is not as record 1 says.
 */
export function planSettlement(
  basis: SettlementBasis & { operatorCoins: readonly Coin[]; feeSatPerKb: number },
): Planned {
  const fixed = fixedPart(basis);
  if (!fixed.ok) return fixed;
  const operatorScript = p2pkhScript(basis.open.operatorKey);
  const change = { kind: "change", script: operatorScript } as const;
  const inputs = [...fixed.inputs];
  let budget = fixed.budget;
  const spare = [...basis.operatorCoins];
  for (;;) {
    const bare = minerFeeOf(settlementSize(inputs, fixed.outputs), basis.feeSatPerKb);
    const full = minerFeeOf(settlementSize(inputs, [...fixed.outputs, change]), basis.feeSatPerKb);
    const { roundId } = basis.open;
    if (budget > full) {
      const outputs = [...fixed.outputs, { ...change, sats: budget - full }];
      return { ok: true, plan: { roundId, inputs, outputs, minerFee: full } };
    }
    if (budget >= bare)
      return { ok: true, plan: { roundId, inputs, outputs: fixed.outputs, minerFee: budget } };
    const coin = spare.shift();
    if (coin === undefined) return { ok: false, code: "FLOAT_EMPTY", missing: full - budget };
    const { txid, vout, sats } = coin;
    inputs.push({ kind: "operator", txid, vout, sats, script: operatorScript });
    budget += sats;
  }
}

const sameInput = (left: PlanInput | undefined, right: PlanInput): boolean =>
  left !== undefined &&
  left.kind === right.kind &&
  left.txid === right.txid &&
  left.vout === right.vout &&
  left.sats === right.sats &&
  left.script === right.script;

const sameOutput = (left: PlanOutput | undefined, right: PlanOutput): boolean =>
  left !== undefined && left.kind === right.kind && left.sats === right.sats && left.script === right.script;

/**
 * Compares a plan with what the round owes (M4): every deposit and carry, every payout and the carry exactly as
 * recomputed, nothing else but operator coins and one operator change that lacks no more than the miner fee at
 * `maxSatPerKb`. The reason names the first thing that differs.
 */
export function checkSettlement(
  plan: SettlementPlan,
  expected: SettlementBasis & { maxSatPerKb: number },
): { ok: true } | { ok: false; reason: string } {
  const no = (reason: string): { ok: false; reason: string } => ({ ok: false, reason });
  const fixed = fixedPart(expected);
  if (!fixed.ok) return no(`the round itself cannot be settled: ${fixed.code}`);
  if (plan.roundId !== expected.open.roundId) return no("the plan is of another round");
  const operatorScript = p2pkhScript(expected.open.operatorKey);
  for (const [at, input] of fixed.inputs.entries())
    if (!sameInput(plan.inputs[at], input))
      return no(`input ${at} is not ${input.kind} ${outpointOf(input)}`);
  const added = plan.inputs.slice(fixed.inputs.length);
  for (const input of added)
    if (input.kind !== "operator" || input.script !== operatorScript || input.sats <= 0)
      return no(`extra input ${outpointOf(input)} is not an operator coin`);
  if (new Set(plan.inputs.map(outpointOf)).size !== plan.inputs.length) return no("a coin is spent twice");
  for (const [at, output] of fixed.outputs.entries())
    if (!sameOutput(plan.outputs[at], output))
      return no(`output ${at} is not the ${output.kind} of ${output.sats} sat that the journal gives`);
  const rest = plan.outputs.slice(fixed.outputs.length);
  if (rest.length > 1) return no("there are outputs nobody is owed");
  const change = rest[0];
  if (change && (change.kind !== "change" || change.script !== operatorScript || change.sats <= 0))
    return no("the last output is not change to the operator");
  const minerFee = sum(plan.inputs) - sum(plan.outputs);
  if (minerFee !== plan.minerFee) return no("the miner fee is not what the plan says");
  // A change too small to make goes to the miner, so its own output counts towards the cap.
  const bytes = settlementSize(plan.inputs, plan.outputs) + outputSize(operatorScript);
  const cap = minerFeeOf(bytes, expected.maxSatPerKb);
  if (minerFee <= 0 || minerFee > cap) return no(`the miner fee of ${minerFee} sat is outside 1..${cap}`);
  return { ok: true };
}

/** The plan as a transaction to be signed. */
export const transactionOf = (plan: SettlementPlan): PlainTx => ({
  version: 1,
  inputs: plan.inputs.map(({ txid, vout, sats, script }) => ({
    txid,
    vout,
    sats,
    script,
    sequence: FINAL_SEQUENCE,
  })),
  outputs: plan.outputs.map(({ sats, script }) => ({ sats, script })),
  locktime: 0,
});
