/**
 * What a round's settlement is made of (M3, E9, E10). Owns: the shape of a plan, what each player is due, sizes and
 * fees, and turning a plan into transactions. Does not own: making a plan (settlement-plan.ts), judging one
 * (settlement-check.ts), keys, signatures, the network, or how an outcome comes about (payout.ts). Pure.
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
  /** Locking script, hex: of the keys its own round named. The spending round's lock when absent. */
  script?: string;
  /** The auditor's key in that lock; the spending round's when absent. */
  auditorKey?: string;
}

/** A coin of the operator's own, of whichever of its keys. */
export interface OperatorCoin extends Coin {
  /** P2PKH, hex. */
  script: string;
}

/** What a planned transaction spends. A pot is an output of a transaction of the same plan: its txid comes with signing. */
export type PlanInput = {
  vout: number /** sat. */;
  sats: number /** Locking script of the coin, hex. */;
  script: string;
} & (
  | { kind: "deposit"; txid: string; playKey: string }
  | { kind: "carry"; txid: string; roundId: string }
  | { kind: "operator"; txid: string }
  | { kind: "pot" /** Index in the plan's transactions. */; tx: number }
);
export type InputKind = PlanInput["kind"];

export type PlanOutput = { /** sat. */ sats: number /** Locking script, hex. */; script: string } & (
  | { kind: "payout"; playKey: string }
  | { kind: "pot" }
  | { kind: "carry" }
  | { kind: "change" }
);

/**
 * One unsigned transaction; version 1, lock time 0, every input final. `direct` takes deposits and pays players;
 * `collect` takes deposits into pots; `payout` pays players from pots.
 */
export interface PlannedTx {
  kind: "direct" | "collect" | "payout";
  inputs: PlanInput[];
  outputs: PlanOutput[];
  /** sat. */
  minerFee: number;
}

/** Everything that pays a round out: one direct transaction, or collects followed by payouts. */
export interface SettlementPlan {
  roundId: string;
  /** From 1; one more each time a deposit proved dead. */
  version: number;
  /** Outpoints of counted deposits that a mined rival has killed since the freeze. */
  lost: string[];
  txs: PlannedTx[];
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

/** M3: how much goes into one transaction. */
export interface SettlementLimits {
  /** Deposits of a settlement that is one transaction, when some of them are unmined. */
  direct: number;
  /** Mined deposits in one transaction. */
  mined: number;
  /** Unmined deposits in one collect. */
  unmined: number;
  /** Players paid by one transaction. */
  payouts: number;
}
export const SETTLEMENT_LIMITS: SettlementLimits = { direct: 20, mined: 500, unmined: 20, payouts: 1_000 };

export const sumOf = (items: readonly { sats: number }[]): number =>
  items.reduce((total, { sats }) => total + sats, 0);
export const outpointOf = (coin: { txid: string; vout: number }): string => `${coin.txid}:${coin.vout}`;
export const byText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/**
 * What each player is paid, one output each, never an empty one, by play key bytes (E9, protocol.md 6). M1: a deposit
 * lost after the freeze costs its own player first; what that does not cover is the operator's loss.
 */
export function amountsDue(
  outcome: SettledOutcome,
  lost: readonly DepositCoin[] = [],
): { playKey: string; sats: number }[] {
  const due = new Map<string, number>();
  const add = (playKey: string, sats: number): void => {
    due.set(playKey, (due.get(playKey) ?? 0) + sats);
  };
  if (outcome.kind === "void") for (const one of outcome.returned) add(one.playKey, one.sats);
  else for (const one of outcome.result.payouts) add(one.playKey, one.won + one.returned);
  for (const { playKey, sats } of lost) due.set(playKey, Math.max(0, (due.get(playKey) ?? 0) - sats));
  return [...due]
    .map(([playKey, sats]) => ({ playKey, sats }))
    .filter(({ sats }) => sats > 0)
    .sort((left, right) => byText(left.playKey, right.playKey));
}

/** The part of a settlement that nobody may choose. */
export interface Owed {
  /** By outpoint; without those that are lost. */
  deposits: PlanInput[];
  carries: PlanInput[];
  payouts: PlanOutput[];
  /** The round's own carry, none of zero. */
  carry: PlanOutput[];
  potScript: string;
}
export type OwedRefusal = "NOTHING_TO_SETTLE" | "UNBALANCED" | "CARRY_MISMATCH" | "LOST_UNKNOWN";

function depositInputs(open: BodyOf<"open">, deposits: readonly DepositCoin[]): PlanInput[] {
  const entryId = entryIdOf(open.network, open.roundId);
  const deadline = deadlineOf(open.rules, open.closesAt);
  const { operatorKey, auditorKey } = open;
  return [...deposits]
    .sort((left, right) => byText(outpointOf(left), outpointOf(right)))
    .map(({ txid, vout, sats, playKey }) => {
      const script = escrowScript({ entryId, operatorKey, auditorKey, playKey, deadline });
      return { kind: "deposit", txid, vout, sats, script, playKey };
    });
}

/** `ownScript` is the lock of the spending round's keys: after a rotation (M7) a carry has an older one. */
function carryInputs({ open, carryCoins }: SettlementBasis, ownScript: string): PlanInput[] | undefined {
  const inputs: PlanInput[] = [];
  for (const { roundId, sats } of open.carryFrom) {
    if (sats === 0) continue;
    const coin = carryCoins.find((one) => one.roundId === roundId);
    if (coin === undefined || coin.sats !== sats) return undefined;
    const { txid, vout, script = ownScript } = coin;
    inputs.push({ kind: "carry", txid, vout, sats, script, roundId });
  }
  return inputs;
}

/**
 * What a round owes, out of what. When every deposit is lost nobody is paid, and the jackpot that came in goes on as a
 * coin of this round's: a settlement that spends it was signed before. NOTHING_TO_SETTLE: no deposit is left, and no
 * jackpot came in. UNBALANCED: the outcome does not add up to
 * the deposits (E8). CARRY_MISMATCH: a carry coin is not as record 1 says. LOST_UNKNOWN: a lost one is no deposit.
 */
export function owedBy(
  basis: SettlementBasis,
  lostOutpoints: readonly string[],
): { ok: true; owed: Owed } | { ok: false; code: OwedRefusal } {
  const { open, outcome, deposits } = basis;
  const gone = new Set(lostOutpoints);
  const lost = deposits.filter((deposit) => gone.has(outpointOf(deposit)));
  if (lost.length !== gone.size || gone.size !== lostOutpoints.length)
    return { ok: false, code: "LOST_UNKNOWN" };
  const potScript = twoKeyScript(open.operatorKey, open.auditorKey);
  const carries = outcome.kind === "result" ? carryInputs(basis, potScript) : [];
  if (carries === undefined) return { ok: false, code: "CARRY_MISMATCH" };
  if (lost.length === deposits.length) {
    if (lost.length === 0 || carries.length === 0) return { ok: false, code: "NOTHING_TO_SETTLE" };
    const carry: PlanOutput = { kind: "carry", sats: sumOf(carries), script: potScript };
    return { ok: true, owed: { deposits: [], carries, payouts: [], carry: [carry], potScript } };
  }
  const { fee, seatFees, carryOut } =
    outcome.kind === "result" ? outcome.result : { fee: 0, seatFees: 0, carryOut: 0 };
  const whole = sumOf(amountsDue(outcome)) + carryOut + fee + seatFees;
  if (sumOf(deposits) + sumOf(carries) !== whole) return { ok: false, code: "UNBALANCED" };
  return {
    ok: true,
    owed: {
      deposits: depositInputs(
        open,
        deposits.filter((deposit) => !gone.has(outpointOf(deposit))),
      ),
      carries,
      payouts: amountsDue(outcome, lost).map(({ playKey, sats }) => ({
        kind: "payout",
        sats,
        script: p2pkhScript(playKey),
        playKey,
      })),
      carry: carryOut > 0 ? [{ kind: "carry", sats: carryOut, script: potScript }] : [],
      potScript,
    },
  };
}

const UNLOCK_OF: Record<InputKind, number> = {
  deposit: UNLOCK_BYTES.settle,
  carry: UNLOCK_BYTES.twoKey,
  pot: UNLOCK_BYTES.twoKey,
  operator: UNLOCK_BYTES.p2pkh,
};
export const inputSize = (kind: InputKind): number => 40 + varIntSize(UNLOCK_OF[kind]) + UNLOCK_OF[kind];
export const outputSize = (script: string): number => 8 + varIntSize(script.length / 2) + script.length / 2;

/** Bytes of the signed transaction at most: every signature is taken to be of the longest kind. */
export function settlementSize(
  inputs: readonly { kind: InputKind }[],
  outputs: readonly { script: string }[],
): number {
  const ins = inputs.reduce((size, { kind }) => size + inputSize(kind), varIntSize(inputs.length));
  return outputs.reduce(
    (size, { script }) => size + outputSize(script),
    8 + ins + varIntSize(outputs.length),
  );
}

/** Miner fee in sat of `bytes` at a rate in sat/KB. */
export const minerFeeOf = (bytes: number, satPerKb: number): number => Math.ceil((bytes * satPerKb) / 1000);

/** A planned transaction to be signed. `txids` are those of the plan's transactions as far as they are known. */
export function transactionOf(planned: PlannedTx, txids: readonly (string | undefined)[] = []): PlainTx {
  return {
    version: 1,
    inputs: planned.inputs.map((input) => {
      const { vout, sats, script } = input;
      const txid = input.kind === "pot" ? txids[input.tx] : input.txid;
      if (txid === undefined) throw new Error("a pot's transaction is not signed yet");
      return { txid, vout, sats, script, sequence: FINAL_SEQUENCE };
    }),
    outputs: planned.outputs.map(({ sats, script }) => ({ sats, script })),
    locktime: 0,
  };
}

/** Outpoints of the operator's own coins that a plan spends. */
export const operatorOutpoints = (plan: SettlementPlan): string[] =>
  plan.txs.flatMap(({ inputs }) =>
    inputs.flatMap((input) => (input.kind === "operator" ? [outpointOf(input)] : [])),
  );
