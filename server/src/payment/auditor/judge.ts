/**
 * Whether a settlement deserves the second signature (M4). Owns: every check against the journal, the chain and the
 * auditor's own book. Does not own: HTTP, keys, the book's file. It believes nothing the operator says: the plan it is
 * shown is only compared with what it finds itself.
 */
import { setImmediate as breathe } from "node:timers/promises";
import type { VerifyCompact } from "@meme-rounds/shared-schema/crypto";
import { computeOutcome, droppedOutpoints } from "@meme-rounds/shared-schema/payout";
import type { Entry } from "@meme-rounds/shared-schema/records";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { deadlineOf } from "@meme-rounds/shared-schema/rules";
import type {
  CarryCoin,
  DepositCoin,
  PlanInput,
  SettlementPlan,
} from "@meme-rounds/shared-schema/settlement";
import { checkSettlement } from "@meme-rounds/shared-schema/settlement-check";
import { verifyEntry } from "@meme-rounds/shared-schema/verify-journal";
import { ZodError } from "zod";
import type { ChainPort } from "../../chain/index.ts";
import { mapLimited } from "../parallel.ts";
import { isDead } from "../settlement/dead.ts";
import { shapeOf } from "../settlement/shape.ts";
import { type ReadTransaction, readTransaction } from "../transaction.ts";
import { AuditorRefusal, outpointText } from "../wire.ts";
import type { AuditorBook, SignedPlan } from "./book.ts";
import type { Gate } from "./gate.ts";
import { foreignReason, type OwnTerms } from "./opening.ts";

export interface JudgeDeps {
  chain: ChainPort;
  book: AuditorBook;
  gate: Gate;
  verify: VerifyCompact;
  readJournal(roundId: string): Promise<Entry[]>;
  now(): number;
}

/** M4: none within 2 h of a refund deadline, s. */
const DEADLINE_MARGIN_S = 7_200;
/** M8: the highest rate there can be, sat/KB; what the operator's change may lack at most. */
const MAX_SAT_PER_KB = 500;
const PARALLEL = 16;
/** Records verified before others get a turn: heads go on being signed while a large round is judged. */
const BURST = 200;

/** A plan that is exactly what its round owes. */
export interface Judged extends Pick<SignedPlan, "outcome" | "operatorKey"> {
  /** What may have changed while the chain was asked; to be called right before signing. Throws AuditorRefusal. */
  recheck(): Promise<void>;
}

export class Judge {
  private readonly own: OwnTerms;
  private readonly deps: JudgeDeps;

  constructor(own: OwnTerms, deps: JudgeDeps) {
    this.own = own;
    this.deps = deps;
  }

  /**
   * Resolves when the plan is exactly what the round owes; throws AuditorRefusal with the reason. `lostTxs` are the
   * operator's evidence for what it calls lost: raw transactions, hex.
   */
  async judge(plan: SettlementPlan, lostTxs: readonly string[]): Promise<Judged> {
    const { gate, book } = this.deps;
    const entries = await this.journalOf(plan.roundId);
    const state = await this.verified(plan.roundId, entries);
    this.checkTime(state);
    const signed = book.signedFor(plan.roundId)?.outcome;
    const final = finalOf(state);
    if (signed !== undefined && signed !== final)
      throw new AuditorRefusal("PLAN_DIFFERENT", `a ${signed} was signed for ${plan.roundId}`);
    await gate.check(entries, state, signed !== undefined);
    const dropped = droppedOutpoints(state);
    const deposits: DepositCoin[] = [];
    for (const { playKey, deposits: all } of state.players.values())
      for (const { txid, vout, sats } of all)
        if (!dropped.has(`${txid}:${vout}`)) deposits.push({ txid, vout, sats, playKey });
    const outcome = computeOutcome(state);
    const carryCoins = outcome.kind === "result" ? carryCoinsOf(plan) : [];
    if (outcome.kind === "result")
      for (const from of state.open.carryFrom) this.checkCarryFrom(from, plan.roundId);

    const checked = checkSettlement(plan, {
      open: state.open,
      deposits,
      outcome,
      carryCoins,
      maxSatPerKb: MAX_SAT_PER_KB,
    });
    if (!checked.ok) throw new AuditorRefusal("PLAN_WRONG", checked.reason);
    const inputs = plan.txs.flatMap((tx) => tx.inputs);
    await mapLimited(inputs, PARALLEL, (input) => this.checkCoin(input, plan.roundId));
    await this.checkLost(plan.lost, lostTxs);
    return {
      outcome: outcome.kind,
      operatorKey: state.open.operatorKey,
      recheck: () => gate.recheck(entries, state, signed !== undefined),
    };
  }

  /** When the round ends, ms, as its journal says. Throws AuditorRefusal when it is none of this auditor's. */
  async closesAtOf(roundId: string): Promise<number> {
    const first = (await this.journalOf(roundId))[0]?.record;
    if (first?.kind !== "open") throw new AuditorRefusal("JOURNAL_INVALID", "the journal is empty");
    const reason = foreignReason(first.body, roundId, this.own);
    if (reason !== undefined) throw new AuditorRefusal("ROUND_FOREIGN", reason);
    return first.body.closesAt;
  }

  private async journalOf(roundId: string): Promise<Entry[]> {
    return await this.deps.readJournal(roundId).catch((cause: unknown): never => {
      if (cause instanceof ZodError || cause instanceof SyntaxError)
        throw new AuditorRefusal("JOURNAL_INVALID", "a record has not the shape of one", { cause });
      throw cause;
    });
  }

  private async verified(roundId: string, entries: readonly Entry[]): Promise<RoundState> {
    let state: RoundState | undefined;
    for (const [at, entry] of entries.entries()) {
      if (at % BURST === BURST - 1) await breathe();
      const step = verifyEntry(state, entry, this.deps.verify);
      if (!step.ok) throw new AuditorRefusal("JOURNAL_INVALID", `record ${step.seq}: ${step.reason}`);
      state = step.state;
    }
    if (state === undefined) throw new AuditorRefusal("JOURNAL_INVALID", "the journal is empty");
    if (state.phase.kind !== "final")
      throw new AuditorRefusal("JOURNAL_UNFINISHED", "the journal has no result");
    const reason = foreignReason(state.open, roundId, this.own);
    if (reason !== undefined) throw new AuditorRefusal("ROUND_FOREIGN", reason);
    return state;
  }

  private checkTime(state: RoundState): void {
    const { rules, closesAt } = state.open;
    if (this.deps.now() / 1000 > deadlineOf(rules, closesAt) - DEADLINE_MARGIN_S)
      throw new AuditorRefusal("TOO_LATE", "players may take their deposits back soon");
  }

  /** E11: a carry must come from a settlement this auditor signed, and be consumed once. */
  private checkCarryFrom(from: { roundId: string; sats: number }, roundId: string): void {
    const { book } = this.deps;
    if (book.signedFor(from.roundId)?.carry?.sats !== from.sats)
      throw new AuditorRefusal("CARRY_UNKNOWN", `no settlement of ${from.roundId} left ${from.sats} sat`);
    const consumer = book.consumerOf(from.roundId);
    if (consumer !== undefined && consumer !== roundId)
      throw new AuditorRefusal("CARRY_CONSUMED", `${consumer} has consumed the carry of ${from.roundId}`);
  }

  /** The coin is on the chain, with this script and amount, and nobody but this round's settlement has spent it. */
  private async checkCoin(input: PlanInput, roundId: string): Promise<void> {
    if (input.kind === "pot") return; // of this plan's own making
    const { chain, book } = this.deps;
    const outpoint = outpointText(input);
    const raw = await chain.rawTx(input.txid);
    const tx = raw === undefined ? undefined : readTransaction(raw);
    const output = tx?.outputs[input.vout];
    if (tx === undefined || output?.script !== input.script || output.sats !== input.sats)
      throw new AuditorRefusal(
        "DEPOSIT_NOT_ON_CHAIN",
        `${input.kind} ${outpoint} is not on the chain as told`,
      );
    if (input.kind === "carry") this.checkCarryCoin(input, tx);
    const spender = await chain.spentBy(input.txid, input.vout);
    const spending = spender === undefined ? undefined : await chain.rawTx(spender);
    const spentIn = spending === undefined ? undefined : readTransaction(spending);
    if (spender !== undefined && (spentIn === undefined || !book.isOwn(roundId, spentIn)))
      throw new AuditorRefusal("DEPOSIT_SPENT", `${input.kind} ${outpoint} was spent by ${spender}`);
  }

  /** The coin's transaction is the very settlement that was signed for the round it is named after. */
  private checkCarryCoin(input: { roundId: string; vout: number }, tx: ReadTransaction): void {
    const source = this.deps.book.signedFor(input.roundId);
    if (source?.carry?.shape !== shapeOf(tx) || source.carry.vout !== input.vout)
      throw new AuditorRefusal("CARRY_UNKNOWN", `the coin is not the carry of ${input.roundId}'s settlement`);
  }

  /** M3: what is planned without must be dead on the auditor's own chain. */
  private async checkLost(lost: readonly string[], lostTxs: readonly string[]): Promise<void> {
    const evidence = new Map<string, string>();
    for (const raw of lostTxs) {
      const txid = readTransaction(raw)?.txid;
      if (txid !== undefined) evidence.set(txid, raw);
    }
    for (const outpoint of lost) {
      const txid = outpoint.slice(0, outpoint.indexOf(":"));
      if (!(await isDead(txid, this.deps.chain, async (one) => evidence.get(one))))
        throw new AuditorRefusal("DEPOSIT_NOT_LOST", `no block holds a rival of ${outpoint}`);
    }
  }
}

const finalOf = ({ phase }: RoundState): "result" | "void" | undefined =>
  phase.kind === "final" ? phase.outcome.kind : undefined;

function carryCoinsOf(plan: SettlementPlan): CarryCoin[] {
  return plan.txs
    .flatMap(({ inputs }) => inputs)
    .flatMap((input) =>
      input.kind === "carry"
        ? [
            {
              roundId: input.roundId,
              txid: input.txid,
              vout: input.vout,
              sats: input.sats,
              script: input.script,
            },
          ]
        : [],
    );
}
