/**
 * A round's life after it has opened (R2, R3): what happens when, driven by `tick(now)`.
 * Owns: the order blind -> settling -> freeze -> result -> archive -> settlement and models -> closed -> over.
 * Does not own: sockets, the lease, or any rule. Every step is safe to do again after a crash (R5).
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { Model } from "@meme-rounds/shared-schema/rest-content";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { clockPhase } from "@meme-rounds/shared-schema/rules";
import type { Logger } from "../infra/logger.ts";
import type { RoundActor } from "./actor.ts";
import type { RoundDirectory } from "./directory.ts";
import type { AnalyticsPort, ContentPort, PaymentPort, SettlementView } from "./ports.ts";
import { winnersOf } from "./projection.ts";
import { archivedOf } from "./snapshot.ts";

/** How long results stay up after `closed` (R3). */
const RESULTS_MS = 60_000;
/** A settlement that takes longer goes on without the room; the archive shows it. */
const GIVE_UP_MS = 600_000;
/** How often it is asked whether models and settlement are there, ms: the payouts of a large round are megabytes. */
const LOOK_MS = 1_000;

export interface LifeDeps {
  payment: PaymentPort;
  content: ContentPort;
  analytics: AnalyticsPort;
  directory: RoundDirectory;
  logger: Logger;
  /** The journal has ended: outcome may be shown. */
  onFinal(state: RoundState): void;
  onSettled(settlement: SettlementView): void;
  onModel(model: Model): void;
  /** Nothing is left to show: the room may go. */
  onOver(): void;
}

const isFrozen = ({ phase }: RoundState): boolean => phase.kind === "settling" && phase.frozen !== undefined;

export class RoundLife {
  private readonly actor: RoundActor;
  private readonly deps: LifeDeps;
  private busy = false;
  private archived = false;
  private closedAt: number | undefined;
  private over = false;
  private lookedAt = Number.NEGATIVE_INFINITY;
  private readonly shown = new Set<string>();

  constructor(actor: RoundActor, deps: LifeDeps) {
    this.actor = actor;
    this.deps = deps;
  }

  /** The result is in the archive: whatever comes now, nobody has to take this round over. */
  get isFinished(): boolean {
    return this.archived;
  }

  /** Does what is due. One step at a time; a failing step is logged and tried again at the next tick. */
  async tick(now: number): Promise<void> {
    if (this.busy || this.over) return;
    this.busy = true;
    try {
      await this.step(now);
    } catch (err) {
      this.deps.logger.error({ err, roundId: this.actor.open.roundId }, "a step of the round failed");
    } finally {
      this.busy = false;
    }
  }

  /**
   * E10: an operator ends the round with full returns, and with the reason for everybody to read. Throws CodedError
   * with the rules' code when it has a result already.
   */
  async cancel(by: string, reason: string): Promise<void> {
    const judged = await this.actor.read((state) => isFrozen(state) || state.phase.kind === "final");
    const dropped = judged ? [] : await this.lostDeposits();
    const answer = await this.actor.submit({ kind: "cancel", by, reason, dropped });
    if (!answer.ok) throw new CodedError(answer.code, answer.message);
  }

  /** What is due is judged by what is durable: a cancel whose append is lost must not have been archived (R4). */
  private async step(now: number): Promise<void> {
    const clock = clockPhase(this.actor.open, now);
    const at = await this.actor.read((state) => ({ phase: state.phase.kind, isFrozen: isFrozen(state) }));
    switch (at.phase) {
      case "open":
        if (clock !== "open") await this.must({ kind: "phase", to: "blind" });
        return;
      case "blind":
        if (clock === "over") await this.must({ kind: "phase", to: "settling" });
        return;
      case "settling":
        if (at.isFrozen) await this.must({ kind: "finish" });
        else await this.freeze();
        return;
      case "final":
        if (this.archived) await this.follow(now);
        else await this.archive();
        return;
    }
  }

  private async must(command: Parameters<RoundActor["submit"]>[0]): Promise<void> {
    const answer = await this.actor.submit(command);
    if (!answer.ok) throw new Error(`${command.kind} was refused: ${answer.code} ${answer.message}`);
  }

  /** M1: deposits are judged once, in the record `freeze`. */
  private async freeze(): Promise<void> {
    await this.must({ kind: "freeze", dropped: await this.lostDeposits() });
  }

  private async lostDeposits(): Promise<string[]> {
    const deposits = await this.actor.read(({ players }) =>
      [...players.values()].flatMap(({ identity, deposits: all }) =>
        all.map(({ txid, vout }) => ({ txid, vout, identity })),
      ),
    );
    return deposits.length === 0 ? [] : await this.deps.payment.judgeDeposits(deposits);
  }

  /** Write before send: the archive last, since it takes the round off the list of unfinished ones. */
  private async archive(): Promise<void> {
    // Final: nothing changes it any more.
    const state = await this.actor.read((final) => final);
    const { roundId } = state.open;
    const winners = winnersOf(state).map((memeId) => ({
      memeId,
      title: state.memes.get(memeId)?.title ?? "",
    }));
    await this.deps.payment.enqueueSettlement(roundId);
    if (winners.length > 0) await this.deps.content.enqueueTransforms(roundId, winners);
    const archived = archivedOf(state);
    await this.deps.analytics.roundFinished(archived, state);
    await this.deps.directory.finish(archived);
    this.archived = true;
    this.deps.onFinal(state);
  }

  private async follow(now: number): Promise<void> {
    const { closesAt } = this.actor.open;
    if (now - this.lookedAt >= LOOK_MS) {
      this.lookedAt = now;
      await this.look(now);
    }
    const end = this.closedAt === undefined ? closesAt + GIVE_UP_MS : this.closedAt + RESULTS_MS;
    if (now >= end) {
      this.over = true;
      this.deps.onOver();
    }
  }

  /** What the workers have done meanwhile. */
  private async look(now: number): Promise<void> {
    const { roundId } = this.actor.open;
    for (const model of await this.deps.content.modelsOf(roundId)) {
      if (this.shown.has(model.memeId)) continue;
      this.shown.add(model.memeId);
      this.deps.onModel(model);
    }
    if (this.closedAt === undefined) {
      const settlement = await this.deps.payment.settlementOf(roundId);
      const nothingToPay = await this.actor.read(({ players }) => players.size === 0);
      if (nothingToPay || settlement?.state === "sent" || settlement?.state === "mined") {
        this.closedAt = now;
        this.deps.onSettled(settlement ?? { state: "mined", txids: [], payouts: [] });
      }
    }
  }
}
