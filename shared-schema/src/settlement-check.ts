/**
 * Judging a settlement (M4, M10). Owns: comparing a whole set of transactions with what the round owes. Does not own:
 * what only the chain can say (do the coins exist, is a lost deposit really lost). Pure: the auditor and the verify
 * page run it. It does not ask for the operator's way of putting deposits into transactions, only for its limits.
 */
import { p2pkhScript } from "./lock.ts";
import {
  minerFeeOf,
  type Owed,
  outpointOf,
  outputSize,
  owedBy,
  type PlanInput,
  type PlannedTx,
  type PlanOutput,
  SETTLEMENT_LIMITS,
  type SettlementBasis,
  type SettlementPlan,
  settlementSize,
  sumOf,
} from "./settlement.ts";

export type Checked = { ok: true } | { ok: false; reason: string };

/** Carries the reason out of the checks below. */
class Wrong extends Error {}

function must(condition: boolean, reason: string): asserts condition {
  if (!condition) throw new Wrong(reason);
}

const P2PKH = /^76a914[0-9a-f]{40}88ac$/;
const kindsOf = (txs: readonly PlannedTx[]): string => txs.map(({ kind }) => kind.charAt(0)).join("");

/**
 * Compares a plan with what the round owes (M4): every deposit that is not lost exactly once, every pot spent once by
 * a payout of the same plan, every player paid exactly once, carries and the round's own carry exactly, nothing else
 * but operator coins and change, miner fees of at most `maxSatPerKb`. The reason names the first thing that is wrong.
 */
export function checkSettlement(
  plan: SettlementPlan,
  expected: SettlementBasis & { maxSatPerKb: number },
): Checked {
  try {
    const found = owedBy(expected, plan.lost);
    must(found.ok, `the round itself cannot be settled: ${found.ok ? "" : found.code}`);
    must(plan.roundId === expected.open.roundId, "the plan is of another round");
    must(Number.isInteger(plan.version) && plan.version >= 1, "the version is no number from 1");
    must(
      (plan.version === 1) === (plan.lost.length === 0),
      "a version after the first names what was lost, the first nothing",
    );
    must(
      /^d$|^c+p+$/.test(kindsOf(plan.txs)),
      "it is neither one direct transaction nor collects and then payouts",
    );
    checkInputs(plan, found.owed);
    checkPots(plan, found.owed);
    checkOutputs(plan, found.owed, expected);
    for (const [at, tx] of plan.txs.entries()) checkFee(at, tx, expected.maxSatPerKb);
    return { ok: true };
  } catch (error) {
    if (error instanceof Wrong) return { ok: false, reason: error.message };
    throw error;
  }
}

const nameOf = (input: PlanInput): string =>
  input.kind === "pot" ? `pot ${input.tx}:${input.vout}` : `${input.kind} ${outpointOf(input)}`;

/** Every deposit and carry of the round once, where it belongs, as the journal gives it; else operator coins only. */
function checkInputs(plan: SettlementPlan, owed: Owed): void {
  const open = new Map([...owed.deposits, ...owed.carries].map((input) => [nameOf(input), input]));
  const spent = new Set<string>();
  for (const { kind, inputs } of plan.txs) {
    must(inputs.length > 0, "a transaction spends nothing");
    const deposits = inputs.filter((input) => input.kind === "deposit").length;
    must(
      deposits <= SETTLEMENT_LIMITS.mined,
      `more than ${SETTLEMENT_LIMITS.mined} deposits are in one transaction`,
    );
    for (const input of inputs) {
      const name = nameOf(input);
      must(!spent.has(name), `${name} is spent twice`);
      spent.add(name);
      must(Number.isSafeInteger(input.sats) && input.sats > 0, `${name} has no amount`);
      must(mayStand(kind, input.kind), `${name} does not belong into a ${kind} transaction`);
      if (input.kind === "operator") must(P2PKH.test(input.script), `${name} is not an operator coin`);
      if (input.kind !== "deposit" && input.kind !== "carry") continue;
      const own = open.get(name);
      must(own !== undefined, `${name} is not of this round`);
      must(own.sats === input.sats && own.script === input.script, `${name} is not as the journal gives it`);
      open.delete(name);
    }
  }
  const [missing] = open.keys();
  must(missing === undefined, `${missing} is left out`);
  // The same outpoint under another name would be spent twice as well.
  const outpoints = plan.txs.flatMap(({ inputs }) =>
    inputs.flatMap((input) => (input.kind === "pot" ? [] : [outpointOf(input)])),
  );
  must(new Set(outpoints).size === outpoints.length, "a coin is spent twice");
}

const ALLOWED: Record<PlannedTx["kind"], readonly PlanInput["kind"][]> = {
  direct: ["deposit", "carry", "operator"],
  collect: ["deposit"],
  payout: ["pot", "carry", "operator"],
};
const mayStand = (tx: PlannedTx["kind"], input: PlanInput["kind"]): boolean => ALLOWED[tx].includes(input);

/** Every pot is locked to both keys and spent by exactly one payout, whole. */
function checkPots(plan: SettlementPlan, owed: Owed): void {
  const pots = new Map<string, PlanOutput>();
  for (const [tx, { kind, outputs }] of plan.txs.entries())
    for (const [vout, output] of outputs.entries()) {
      must(
        (kind === "collect") === (output.kind === "pot"),
        `output ${tx}:${vout} does not belong into a ${kind} transaction`,
      );
      if (output.kind !== "pot") continue;
      must(output.script === owed.potScript, `pot ${tx}:${vout} is not locked to operator and auditor`);
      must(Number.isSafeInteger(output.sats) && output.sats > 0, `pot ${tx}:${vout} is empty`);
      pots.set(`${tx}:${vout}`, output);
    }
  for (const { inputs } of plan.txs)
    for (const input of inputs) {
      if (input.kind !== "pot") continue;
      const name = `${input.tx}:${input.vout}`;
      const pot = pots.get(name);
      must(pot !== undefined, `there is no pot ${name}`);
      must(
        pot.sats === input.sats && pot.script === input.script,
        `pot ${name} is not as its collect makes it`,
      );
      pots.delete(name);
    }
  const [unspent] = pots.keys();
  must(unspent === undefined, `pot ${unspent} pays nobody`);
}

/** Every player once, by play key bytes over the whole plan; the carry after them in the last; change last in each. */
function checkOutputs(plan: SettlementPlan, owed: Owed, { open }: SettlementBasis): void {
  const operatorScript = p2pkhScript(open.operatorKey);
  const due = new Map(
    owed.payouts.flatMap((output) => (output.kind === "payout" ? [[output.playKey, output.sats]] : [])),
  );
  const payers = plan.txs.filter(({ kind }) => kind !== "collect");
  let before = "";
  for (const [at, { kind, inputs, outputs }] of payers.entries()) {
    const isLast = at === payers.length - 1;
    if (kind === "payout")
      must(
        inputs.some((input) => input.kind === "operator"),
        "a payout spends no coin of the operator's own",
      );
    must(
      inputs.every((input) => input.kind !== "carry") || isLast,
      "a carry is spent before the last payout",
    );
    const order = outputs.map((output) => output.kind.replace("change", "~").charAt(0)).join("");
    must(/^p*c?~?$/.test(order), "the outputs are not players, then the carry, then the change");
    const players = outputs.filter((output) => output.kind === "payout");
    must(
      players.length <= SETTLEMENT_LIMITS.payouts,
      `more than ${SETTLEMENT_LIMITS.payouts} players are paid by one transaction`,
    );
    for (const output of players) {
      must(output.playKey > before, "players are not paid once each, by play key");
      before = output.playKey;
      must(due.get(output.playKey) === output.sats, `${output.playKey} is not due ${output.sats} sat`);
      must(output.script === p2pkhScript(output.playKey), `${output.playKey} is paid to another key`);
      due.delete(output.playKey);
    }
    const carry = outputs.filter((output) => output.kind === "carry");
    const expected = isLast ? owed.carry : [];
    must(
      carry.length === expected.length,
      isLast ? "the carry is missing, or there is one too many" : "a carry stands before the last payout",
    );
    must(
      carry.every(
        (one, index) => one.sats === expected[index]?.sats && one.script === expected[index]?.script,
      ),
      "the carry is not what the journal gives",
    );
    for (const output of outputs)
      if (output.kind === "change")
        must(output.script === operatorScript, "the change does not go to the operator");
  }
  const [unpaid] = due.keys();
  must(unpaid === undefined, `${unpaid} is not paid`);
}

function checkFee(at: number, { inputs, outputs, minerFee }: PlannedTx, maxSatPerKb: number): void {
  must(
    outputs.every(({ sats }) => Number.isSafeInteger(sats) && sats > 0),
    `transaction ${at} has an empty output`,
  );
  must(
    sumOf(inputs) - sumOf(outputs) === minerFee,
    `the miner fee of transaction ${at} is not what the plan says`,
  );
  // A change too small to make goes to the miner, so its own output counts towards the cap.
  const bytes = settlementSize(inputs, outputs) + outputSize("00".repeat(25));
  const cap = minerFeeOf(bytes, maxSatPerKb);
  must(
    minerFee > 0 && minerFee <= cap,
    `the miner fee of ${minerFee} sat in transaction ${at} is outside 1..${cap}`,
  );
}
