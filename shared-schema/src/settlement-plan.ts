/**
 * Making a settlement (M3). Owns: how deposits are put into transactions, how pots are cut so that no payout waits for
 * another, who pays miner fees (E10, E12), and planning again without a deposit that proved dead. Does not own: whether
 * a plan is right (settlement-check.ts). Pure and deterministic.
 */
import { p2pkhScript } from "./lock.ts";
import {
  inputSize,
  minerFeeOf,
  type OperatorCoin,
  type Owed,
  type OwedRefusal,
  outpointOf,
  outputSize,
  owedBy,
  type PlanInput,
  type PlannedTx,
  type PlanOutput,
  SETTLEMENT_LIMITS,
  type SettlementBasis,
  type SettlementLimits,
  type SettlementPlan,
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

/** FLOAT_EMPTY: so many more coins, worth so many more sat, are needed. */
export type Planned =
  | { ok: true; plan: SettlementPlan }
  | { ok: false; code: OwedRefusal }
  | { ok: false; code: "FLOAT_EMPTY"; coins: number; sats: number };

type Making = PlanOptions & Pick<SettlementBasis, "open">;

/** A pot smaller than this is not worth an input of its own, sat. */
const LEAST_POT = 1_000;

/** The operator's coins are short; thrown inside, answered as FLOAT_EMPTY. */
class Short extends Error {
  readonly coins: number;
  readonly sats: number;

  constructor(coins: number, sats: number) {
    super("the operator's coins do not suffice");
    this.coins = coins;
    this.sats = sats;
  }
}

class Purse {
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
function paid(
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
interface Supply {
  inputs: PlanInput[];
  /** sat still to be put into pots, the fee of one pot already taken off. */
  left: number;
  pots: PlanOutput[];
  /** The payout that pays this collect's own players; its first pot is there, so that it dies with the collect. */
  home: number;
}

function supplyOf(inputs: PlanInput[], home: number, owed: Owed, options: Making): Supply {
  const fee = minerFeeOf(settlementSize(inputs, [{ script: owed.potScript }]), options.feeSatPerKb);
  return { inputs, left: sumOf(inputs) - fee, pots: [], home };
}

const collectOf = ({ inputs, pots }: Supply): PlannedTx => ({
  kind: "collect",
  inputs,
  outputs: pots,
  minerFee: sumOf(inputs) - sumOf(pots),
});

/** A payout before its pots are known. */
interface Demand {
  inputs: PlanInput[];
  outputs: PlanOutput[];
}

/**
 * Cuts collects into pots, so that each payout has pots of its own. M1: every collect feeds the payout of its own
 * players first, if only with 1 sat: when a deposit in it dies, that payout is made again and its player bears the
 * loss. What a payout cannot use goes to those that lack; what nobody needs stays at home and becomes change.
 * `indexOf` gives a supply's place in the plan.
 */
function cut(
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

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));

const isMined = (input: PlanInput, mined: ReadonlySet<string>): boolean =>
  input.kind === "deposit" && mined.has(outpointOf(input));

/** Which payout pays a player; one who is due nothing belongs where its key would stand. */
function homesOf(groups: readonly PlanOutput[][]): (playKey: string) => number {
  const lasts = groups.map((group) => {
    const last = group.at(-1);
    return last?.kind === "payout" ? last.playKey : "";
  });
  return (playKey) => {
    const at = lasts.findIndex((last) => playKey <= last);
    return at === -1 ? groups.length - 1 : at;
  };
}

function txsOf(owed: Owed, options: Making): PlannedTx[] {
  const { mined, limits = SETTLEMENT_LIMITS, operatorCoins } = options;
  const purse = new Purse(operatorCoins);
  const old = owed.deposits.filter((input) => isMined(input, mined));
  const young = owed.deposits.filter((input) => !isMined(input, mined));
  const most = young.length > 0 ? limits.direct : limits.mined;
  if (owed.deposits.length <= most && owed.payouts.length <= limits.payouts) {
    const outputs = [...owed.payouts, ...owed.carry];
    return [paid("direct", [...owed.deposits, ...owed.carries], outputs, purse, options)];
  }
  const groups = chunks(owed.payouts, limits.payouts);
  if (groups.length === 0) groups.push([]);
  const homes = homesOf(groups);
  const supplies = groups.flatMap((_, home) => {
    const ours = (input: PlanInput): boolean => input.kind === "deposit" && homes(input.playKey) === home;
    const parts = [...chunks(old.filter(ours), limits.mined), ...chunks(young.filter(ours), limits.unmined)];
    return parts.map((inputs) => supplyOf(inputs, home, owed, options));
  });
  const demands = groups.map((payouts, at): Demand => {
    const isLast = at === groups.length - 1;
    // A coin of the operator's own in each: a payout planned again spends it too, so both can never be mined.
    const anchor = purse.next(1);
    return {
      inputs: isLast ? [anchor, ...owed.carries] : [anchor],
      outputs: isLast ? [...payouts, ...owed.carry] : payouts,
    };
  });
  cut(supplies, demands, (supply) => supplies.indexOf(supply), owed.potScript, options);
  const payouts = demands.map(({ inputs, outputs }) => paid("payout", inputs, outputs, purse, options));
  return [...supplies.map(collectOf), ...payouts];
}

function answering(make: () => SettlementPlan): Planned {
  try {
    return { ok: true, plan: make() };
  } catch (error) {
    if (!(error instanceof Short)) throw error;
    return { ok: false, code: "FLOAT_EMPTY", coins: error.coins, sats: error.sats };
  }
}

/**
 * The unsigned settlement of a finished round (M3). Miner fees come out of fee and seat fees; where that is too little
 * (always in a voided round), out of operator coins (E10). Each payout of a large round spends one operator coin.
 */
export function planSettlement(basis: SettlementBasis & PlanOptions): Planned {
  const found = owedBy(basis, []);
  if (!found.ok) return found;
  return answering(() => ({
    roundId: basis.open.roundId,
    version: 1,
    lost: [],
    txs: txsOf(found.owed, basis),
  }));
}

/**
 * The next version of a plan, after deposits of it proved dead (M3). Transactions that do not hang on them stay as
 * they are, byte for byte. A payout that is made again keeps its players and its operator coins, so that it and the
 * one it replaces can never both be mined.
 */
export function replanSettlement(
  basis: SettlementBasis & PlanOptions,
  previous: SettlementPlan,
  nowLost: readonly string[],
): Planned {
  const lost = [...new Set([...previous.lost, ...nowLost])].sort();
  const found = owedBy(basis, lost);
  if (!found.ok) return found;
  const { owed } = found;
  const make = (txs: PlannedTx[]): SettlementPlan => ({
    roundId: previous.roundId,
    version: previous.version + 1,
    lost,
    txs,
  });
  const purse = new Purse(basis.operatorCoins);
  if (previous.txs[0]?.kind === "direct" || owed.deposits.length === 0)
    return answering(() => {
      const kept = previous.txs.flatMap(({ inputs }) => inputs.filter(({ kind }) => kind === "operator"));
      const inputs = [...owed.deposits, ...owed.carries, ...kept];
      return make([paid("direct", inputs, [...owed.payouts, ...owed.carry], purse, basis)]);
    });
  return answering(() => make(withoutLost(previous, new Set(lost), owed, purse, basis)));
}

function withoutLost(
  previous: SettlementPlan,
  lost: ReadonlySet<string>,
  owed: Owed,
  purse: Purse,
  options: Making,
): PlannedTx[] {
  const isLost = (input: PlanInput): boolean => input.kind === "deposit" && lost.has(outpointOf(input));
  const collects = previous.txs.filter(({ kind }) => kind === "collect");
  const payouts = previous.txs.filter(({ kind }) => kind === "payout");
  const supplies = new Map<PlannedTx, Supply>();
  for (const collect of collects)
    if (collect.inputs.some(isLost))
      supplies.set(
        collect,
        supplyOf(
          collect.inputs.filter((input) => !isLost(input)),
          -1,
          owed,
          options,
        ),
      );
  // A collect that has lost every deposit goes; the others keep their order, and pots are told their new places.
  const standing = collects.filter((collect) => supplies.get(collect)?.inputs.length !== 0);
  const placeOf = (index: number): number => standing.indexOf(collects[index] as PlannedTx);
  const isDead = (input: PlanInput): boolean => {
    const source = input.kind === "pot" ? collects[input.tx] : undefined;
    return source !== undefined && supplies.has(source);
  };
  const moved = (inputs: readonly PlanInput[]): PlanInput[] =>
    inputs
      .filter((input) => !isDead(input))
      .map((input) => (input.kind === "pot" ? { ...input, tx: placeOf(input.tx) } : input));

  const due = new Map(owed.payouts.map((output) => [output.script, output]));
  const demands = new Map<PlannedTx, Demand>();
  for (const payout of payouts)
    if (payout.inputs.some(isDead))
      demands.set(payout, {
        inputs: moved(payout.inputs),
        outputs: payout.outputs.flatMap((output) => {
          if (output.kind === "change") return [];
          if (output.kind === "payout") return due.get(output.script) ?? [];
          return output;
        }),
      });
  // The first pot of a collect is at home.
  const remadePayouts = [...demands.keys()];
  for (const [collect, supply] of supplies) {
    const index = collects.indexOf(collect);
    supply.home = remadePayouts.findIndex(({ inputs }) =>
      inputs.some((input) => input.kind === "pot" && input.tx === index && input.vout === 0),
    );
  }
  const remade = [...supplies.values()].filter(({ inputs }) => inputs.length > 0);
  const supplyAt = (supply: Supply): number =>
    standing.findIndex((collect) => supplies.get(collect) === supply);
  cut(remade, [...demands.values()], supplyAt, owed.potScript, options);
  return [
    ...standing.map((collect) => {
      const supply = supplies.get(collect);
      return supply === undefined ? collect : collectOf(supply);
    }),
    ...payouts.map((payout) => {
      const demand = demands.get(payout);
      return demand === undefined
        ? { ...payout, inputs: moved(payout.inputs) }
        : paid("payout", demand.inputs, demand.outputs, purse, options);
    }),
  ];
}
