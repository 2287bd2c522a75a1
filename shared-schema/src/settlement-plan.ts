/**
 * Making a settlement (M3). Owns: how deposits are put into transactions, and planning again without a deposit that
 * proved dead. Does not own: cutting pots, fees and change (settlement-pots.ts), whether a plan is right
 * (settlement-check.ts). Pure and deterministic.
 */
import {
  type Owed,
  type OwedRefusal,
  outpointOf,
  owedBy,
  type PlanInput,
  type PlannedTx,
  type PlanOutput,
  SETTLEMENT_LIMITS,
  type SettlementBasis,
  type SettlementPlan,
} from "./settlement.ts";
import {
  collectOf,
  cut,
  type Demand,
  type Making,
  type PlanOptions,
  Purse,
  paid,
  Short,
  type Supply,
  supplyOf,
} from "./settlement-pots.ts";

/** FLOAT_EMPTY: so many more coins, worth so many more sat, are needed. */
export type Planned =
  | { ok: true; plan: SettlementPlan }
  | { ok: false; code: OwedRefusal }
  | { ok: false; code: "FLOAT_EMPTY"; coins: number; sats: number };

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
