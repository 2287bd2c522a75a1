/**
 * The parts of a settlement plan (M3). Owns: the operator's purse, collects cut into pots so that no payout waits for
 * another, closing a transaction with its fee and change (E10, E12). Does not own: which deposits go where
 * (settlement-plan.ts). Pure and deterministic.
 */
import { p2pkhScript } from "./lock.ts";
import {
  inputSize,
  minerFeeOf,
  type OperatorCoin,
  type Owed,
  outputSize,
  type PlanInput,
  type PlannedTx,
  type PlanOutput,
  type SettlementBasis,
  type SettlementLimits,
  settlementSize,
  sumOf,
} from "./settlement.ts";

export interface PlanOptions {
  /** Free coins of the operator's, in the order in which they are to be used. */
  operatorCoins: readonly OperatorCoin[];
  feeSatPerKb: number;
  /** Outpoints of deposits that are in a block. */
  mined: ReadonlySet<string>;
  limits?: SettlementLimits;
}

export type Making = PlanOptions & Pick<SettlementBasis, "open">;

/** A pot smaller than this is not worth an input of its own, sat. */
const LEAST_POT = 1_000;

/** The operator's coins are short; thrown inside, answered as FLOAT_EMPTY. */
export class Short extends Error {
  readonly coins: number;
  readonly sats: number;

  constructor(coins: number, sats: number) {
    super("the operator's coins do not suffice");
    this.coins = coins;
    this.sats = sats;
  }
}

export class Purse {
  private readonly coins: OperatorCoin[];

  constructor(coins: readonly OperatorCoin[]) {
    this.coins = [...coins];
  }

  /** Throws Short when there is none. */
  next(missing: number): PlanInput {
    const coin = this.coins.shift();
    if (coin === undefined) throw new Short(1, Math.max(1, missing));
    const { txid, vout, sats, script } = coin;
    return { kind: "operator", txid, vout, sats, script };
  }
}

/** Closes a transaction that pays: adds operator coins until the miner fee is covered, and the change (E10). */
export function paid(
  kind: "direct" | "payout",
  given: readonly PlanInput[],
  fixed: readonly PlanOutput[],
  purse: Purse,
  options: Making,
): PlannedTx {
  const { feeSatPerKb } = options;
  const change = { kind: "change", script: p2pkhScript(options.open.operatorKey) } as const;
  const inputs = [...given];
  for (;;) {
    const left = sumOf(inputs) - sumOf(fixed);
    const bare = minerFeeOf(settlementSize(inputs, fixed), feeSatPerKb);
    const full = minerFeeOf(settlementSize(inputs, [...fixed, change]), feeSatPerKb);
    if (left > full)
      return { kind, inputs, outputs: [...fixed, { ...change, sats: left - full }], minerFee: full };
    if (left >= bare && fixed.length > 0) return { kind, inputs, outputs: [...fixed], minerFee: left };
    inputs.push(purse.next(full - left));
  }
}

/** A collect before it is cut into pots. */
export interface Supply {
  inputs: PlanInput[];
  /** sat still to be put into pots, the fee of one pot already taken off. */
  left: number;
  pots: PlanOutput[];
  /** The payout that pays this collect's own players; its first pot is there, so that it dies with the collect. */
  home: number;
}

export function supplyOf(inputs: PlanInput[], home: number, owed: Owed, options: Making): Supply {
  const fee = minerFeeOf(settlementSize(inputs, [{ script: owed.potScript }]), options.feeSatPerKb);
  return { inputs, left: sumOf(inputs) - fee, pots: [], home };
}

export const collectOf = ({ inputs, pots }: Supply): PlannedTx => ({
  kind: "collect",
  inputs,
  outputs: pots,
  minerFee: sumOf(inputs) - sumOf(pots),
});

/** A payout before its pots are known. */
export interface Demand {
  inputs: PlanInput[];
  outputs: PlanOutput[];
}

/**
 * Cuts collects into pots, so that each payout has pots of its own. M1: every collect feeds the payout of its own
 * players first, if only with 1 sat: when a deposit in it dies, that payout is made again and its player bears the
 * loss. What a payout cannot use goes to those that lack; what nobody needs stays at home and becomes change.
 * `indexOf` gives a supply's place in the plan.
 */
export function cut(
  supplies: readonly Supply[],
  demands: readonly Demand[],
  indexOf: (supply: Supply) => number,
  potScript: string,
  options: Making,
): void {
  const { feeSatPerKb } = options;
  const changeScript = p2pkhScript(options.open.operatorKey);
  const inputFee = minerFeeOf(inputSize("pot"), feeSatPerKb);
  const outputFee = minerFeeOf(outputSize(potScript), feeSatPerKb);
  const homePots = new Map<Supply, { sats: number }[]>();
  const wantOf = (demand: Demand): number => {
    const given = demand.inputs.filter(({ kind }) => kind !== "operator");
    const size = settlementSize(demand.inputs, [...demand.outputs, { script: changeScript }]);
    return sumOf(demand.outputs) + minerFeeOf(size, feeSatPerKb) - sumOf(given);
  };
  const pour = (supply: Supply, demand: Demand, wanted: number): void => {
    const rest = supply.left - wanted - outputFee;
    const sats = rest < LEAST_POT ? supply.left : wanted;
    supply.left = sats === supply.left ? 0 : rest;
    const input = {
      kind: "pot",
      tx: indexOf(supply),
      vout: supply.pots.length,
      sats,
      script: potScript,
    } as const;
    const pot = { kind: "pot", sats, script: potScript } as const;
    const [made, spent] = [{ ...pot }, { ...input }];
    if (supply.pots.length === 0) homePots.set(supply, [made, spent]);
    demand.inputs.push(spent);
    supply.pots.push(made);
  };
  for (const [at, demand] of demands.entries()) {
    const own = supplies.filter(({ home }) => home === at);
    for (const [k, supply] of own.entries())
      pour(supply, demand, Math.max(1, wantOf(demand) + inputFee * (own.length - k)));
  }
  const queue = supplies.filter(({ left }) => left > 0);
  for (const demand of demands)
    for (let supply = queue[0]; supply !== undefined && wantOf(demand) > 0; supply = queue[0]) {
      pour(supply, demand, wantOf(demand) + inputFee);
      if (supply.left === 0) queue.shift();
    }
  for (const supply of queue)
    for (const pot of homePots.get(supply) ?? []) pot.sats += supply.left + outputFee;
}
