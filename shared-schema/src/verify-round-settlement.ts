/**
 * Checks of the settlement on the chain (M10). Owns: reading its transactions as a plan, the outputs, the jackpot's origin.
 * Does not own: how a plan is judged (settlement-check.ts). Pure.
 */
import { entryIdOf, parseEscrow } from "./escrow.ts";
import { p2pkhScript, twoKeyScript } from "./lock.ts";
import { outpointOf } from "./payout.ts";
import type { BodyOf } from "./records.ts";
import type { RoundState } from "./round-state.ts";
import {
  amountsDue,
  byText,
  type CarryCoin,
  type DepositCoin,
  type PlanInput,
  type PlannedTx,
  type PlanOutput,
  sumOf,
} from "./settlement.ts";
import { checkSettlement } from "./settlement-check.ts";
import { pushesOf, type RawInput, type RawTransaction } from "./tx-read.ts";
import { countedDeposits, escrowOf, stateOf } from "./verify-round-money.ts";
import {
  type Finding,
  type Known,
  must,
  plural,
  type RoundEvidence,
  short,
  Wrong,
} from "./verify-round-parts.ts";

type Checker = (evidence: RoundEvidence, known: Known) => Finding;

/** M8: no rate above this is paid, sat/KB. */
const MAX_SAT_PER_KB = 500;

/** Where a coin that operator and auditor locked comes from: the transaction to look at next, or the escrow it is from. */
export function traceStep(
  tx: RawTransaction,
): { kind: "deposit" | "pot"; txid: string; vout: number } | undefined {
  for (const { txid, vout, unlocking } of tx.inputs) {
    const pushes = pushesOf(unlocking);
    if (pushes?.length === 5 && pushes[4] === "01") return { kind: "deposit", txid, vout };
  }
  const pot = tx.inputs.find(({ unlocking }) => pushesOf(unlocking)?.length === 4);
  return pot && { kind: "pot", txid: pot.txid, vout: pot.vout };
}

/** entryId of the round that made this transaction, as far as `sources` reach. */
function originOf(txid: string, sources: ReadonlyMap<string, RawTransaction>): string | undefined {
  let tx = sources.get(txid);
  for (let steps = 0; tx !== undefined && steps < 3; steps++) {
    const from = traceStep(tx);
    if (from === undefined) return undefined;
    const before = sources.get(from.txid);
    if (from.kind === "deposit") return parseEscrow(before?.outputs[from.vout]?.script ?? "")?.entryId;
    tx = before;
  }
  return undefined;
}

/** Of whichever keys: those of the round that made it may have been replaced since. */
const TWO_KEYS = /^76a914[0-9a-f]{40}88ad76a914[0-9a-f]{40}88ac$/;

interface FoundCarry extends CarryCoin {
  script: string;
  /** Which round its coins really come from, as entryId. */
  origin: string | undefined;
}

/** The two-key coins from outside that the settlement spends, each put down to one of record 1's `carryFrom`. */
function carriesOf({ settlement, sources }: RoundEvidence, open: BodyOf<"open">): FoundCarry[] {
  const own = new Set(settlement.map(({ tx }) => tx.txid));
  const wanted = open.carryFrom.filter(({ sats }) => sats > 0);
  const found: FoundCarry[] = [];
  for (const { tx } of settlement)
    for (const { txid, vout } of tx.inputs) {
      const source = own.has(txid) ? undefined : sources.get(txid)?.outputs[vout];
      if (source === undefined || !TWO_KEYS.test(source.script)) continue;
      const origin = originOf(txid, sources);
      const free = wanted.filter(({ roundId }) => found.every((one) => one.roundId !== roundId));
      const of =
        free.find(({ roundId }) => entryIdOf(open.network, roundId) === origin) ??
        free.find(({ sats }) => sats === source.sats);
      found.push({ txid, vout, ...source, roundId: of?.roundId ?? "", origin });
    }
  return found;
}

/** The settlement as it stands on the chain, in the words of a plan. */
class Settlement {
  private readonly txs: RawTransaction[];
  private readonly deposits: Map<string, DepositCoin>;
  private readonly carries: Map<string, FoundCarry>;
  private readonly players: Map<string, string>;
  private readonly sources: ReadonlyMap<string, RawTransaction>;
  private readonly open: BodyOf<"open">;
  private readonly pots: Set<string>;

  constructor(
    evidence: RoundEvidence,
    state: RoundState,
    deposits: readonly DepositCoin[],
    carries: FoundCarry[],
  ) {
    this.open = state.open;
    this.sources = evidence.sources;
    this.deposits = new Map(deposits.map((one) => [outpointOf(one), one]));
    this.carries = new Map(carries.map((one) => [outpointOf(one), one]));
    this.players = new Map([...state.players.keys()].map((playKey) => [p2pkhScript(playKey), playKey]));
    const raw = evidence.settlement.map(({ tx }) => tx);
    const own = new Set(raw.map(({ txid }) => txid));
    this.pots = new Set(
      raw.flatMap(({ inputs }) => inputs.filter(({ txid }) => own.has(txid)).map(outpointOf)),
    );
    this.txs = raw.toSorted((left, right) => byText(this.rank(left), this.rank(right)));
  }

  planned(): PlannedTx[] {
    const escrow = escrowOf(this.open);
    const potLock = twoKeyScript(this.open.operatorKey, this.open.auditorKey);
    return this.txs.map((tx): PlannedTx => {
      const inputs = tx.inputs.map((input) => this.input(input, escrow));
      const outputs = tx.outputs.map(({ sats, script }, vout): PlanOutput => {
        const playKey = this.players.get(script);
        if (playKey !== undefined) return { kind: "payout", sats, script, playKey };
        if (this.pots.has(`${tx.txid}:${vout}`)) return { kind: "pot", sats, script };
        return { kind: script === potLock ? "carry" : "change", sats, script };
      });
      return { kind: this.kindOf(tx), inputs, outputs, minerFee: sumOf(inputs) - sumOf(outputs) };
    });
  }

  private input({ txid, vout }: RawInput, escrow: (playKey: string) => string): PlanInput {
    const outpoint = `${txid}:${vout}`;
    const deposit = this.deposits.get(outpoint);
    if (deposit !== undefined) return { kind: "deposit", ...deposit, script: escrow(deposit.playKey) };
    const carry = this.carries.get(outpoint);
    if (carry !== undefined) {
      const { sats, script, roundId } = carry;
      return { kind: "carry", txid, vout, sats, script, roundId };
    }
    const at = this.txs.findIndex((tx) => tx.txid === txid);
    const source = (this.txs[at] ?? this.sources.get(txid))?.outputs[vout];
    must(source !== undefined, `what the settlement spends in ${short(txid)} is not on the chain`);
    if (at >= 0) return { kind: "pot", tx: at, vout, ...source };
    return { kind: "operator", txid, vout, ...source };
  }

  private kindOf(tx: RawTransaction): PlannedTx["kind"] {
    if (tx.inputs.some((input) => this.pots.has(outpointOf(input)))) return "payout";
    return tx.outputs.some((_output, vout) => this.pots.has(`${tx.txid}:${vout}`)) ? "collect" : "direct";
  }

  /** Collects before payouts, payouts by their first player. */
  private rank(tx: RawTransaction): string {
    const first = tx.outputs
      .map(({ script }) => this.players.get(script))
      .find((playKey) => playKey !== undefined);
    return this.kindOf(tx) === "payout" ? `1${first ?? "~"}` : `0${tx.txid}`;
  }
}

/**
 * What passed, or what is still open of it: only a block shows that the network took a transaction, and not just that
 * somebody holds a signed one.
 */
export function onceMined(evidence: RoundEvidence, found: Finding & { ok: true }): Finding {
  const { link, journalTx, settlement } = evidence;
  const looked = [link, journalTx, ...settlement].filter((one) => one !== undefined);
  const unmined = looked.filter(({ height }) => height === undefined).length;
  if (unmined === 0) return found;
  const are = unmined === 1 ? "is" : "are";
  return {
    ...found,
    details: [],
    ok: "skipped",
    reason: `it is right, but ${plural(unmined, "transaction")} ${are} not in a block yet`,
  };
}

/** The settlement's transactions, whole, beside what the round owes (M4, E9). */
export const checkOutputs: Checker = (evidence, known) => {
  const { state, open } = stateOf(known);
  const { settlement } = evidence;
  const { result } = known;
  must(result !== undefined, "there is no result");
  if (settlement.length === 0)
    return { ok: "skipped", reason: "the chain shows no settlement of this round yet" };
  const deposits = countedDeposits(state);
  const carries = carriesOf(evidence, open);
  const txs = new Settlement(evidence, state, deposits, carries).planned();
  const outcome = { kind: "result", result } as const;
  const checked = checkSettlement(
    { roundId: open.roundId, version: 1, lost: [], txs },
    { open, deposits, outcome, carryCoins: carries, maxSatPerKb: MAX_SAT_PER_KB },
  );
  if (!checked.ok) throw new Wrong(checked.reason);
  const due = amountsDue(outcome);
  return onceMined(evidence, {
    ok: true,
    numbers: {
      transactions: settlement.length,
      players: due.length,
      sat: sumOf(due),
      minerFee: txs.reduce((sum, { minerFee }) => sum + minerFee, 0),
    },
    details: ["All of it is in blocks."],
    txids: settlement.map(({ tx }) => tx.txid),
  });
};

/** What record 1 says is carried in is spent here, and comes from the rounds it names (E11). */
export const checkCarry: Checker = (evidence, known): Finding => {
  const { open, state } = stateOf(known);
  const wanted = open.carryFrom.filter(({ sats }) => sats > 0);
  if (wanted.length === 0)
    return { ok: true, numbers: { carriedIn: 0 }, details: ["Nothing was carried in."] };
  if (evidence.settlement.length === 0)
    return { ok: "skipped", reason: "the chain shows no settlement of this round yet" };
  const found = carriesOf(evidence, open);
  for (const { roundId, sats } of wanted) {
    const coin = found.find((one) => one.roundId === roundId);
    must(coin !== undefined, `the ${sats} sat carried from ${roundId} are not spent here`);
    must(coin.sats === sats, `${coin.sats} sat come from ${roundId}, record 1 says ${sats}`);
    must(coin.origin !== undefined, `where the ${sats} sat from ${roundId} were made cannot be seen`);
    must(
      coin.origin === entryIdOf(open.network, roundId),
      `the coin said to be from ${roundId} is another round's`,
    );
  }
  return {
    ok: true,
    numbers: { carriedIn: state.carryIn, rounds: wanted.length },
    details: wanted.map(({ roundId, sats }) => `${sats} sat from ${roundId}.`),
    txids: found.map(({ txid }) => txid),
  };
};
