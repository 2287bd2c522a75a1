/**
 * The rounds a stopping process still hosts (R11). Owns: which of them it finishes and which it hands over, when, and
 * knowing when none is left. Does not own: how a room tells its players or lets go of its round, taking no new rounds
 * (keeper.ts), signals (infra/lifecycle.ts).
 */
import type { Drain } from "../infra/lifecycle.ts";
import type { Logger } from "../infra/logger.ts";

/** From a round's close to its result on everybody's screen, ms: deposits are judged, payouts are counted. */
export const RESULT_MS = 10_000;

/** How far a round is. Times in ms. */
export interface Standing {
  closesAt: number;
  /** Its result is in the archive: nothing is left to hand over. */
  isFinished: boolean;
}

/**
 * R11: a round is finished here when its result can be shown before `until`, handed over at once otherwise, and in any
 * case when somebody is in a hurry. One whose result is there stays up for those who read it, until `until`.
 */
export function fateOf(
  { closesAt, isFinished }: Standing,
  { until, hurried }: { until: number; hurried: boolean },
  now: number,
): "finish" | "hand over" {
  if (hurried || now >= until) return "hand over";
  return isFinished || closesAt + RESULT_MS <= until ? "finish" : "hand over";
}

/** A round's room, as far as leaving it goes. */
export interface HostedRound {
  roundId: string;
  standing(): Standing;
  /** Tells everybody that this process goes, and until when the round stays, ms since the epoch. */
  warn(until: number): void;
  /** Lets go of the round: another process has it at once. Resolves when the lease is free. */
  handOver(): Promise<void>;
}

export interface HostedDeps {
  logger: Pick<Logger, "error" | "info">;
  now(): number;
  /** Calls back after ms; returns what cancels it. */
  after(ms: number, work: () => void): () => void;
}

export class HostedRounds {
  private readonly deps: HostedDeps;
  private readonly rounds = new Set<HostedRound>();
  private readonly leaving = new Set<HostedRound>();
  private draining: Drain | undefined;
  private noneLeft: (() => void)[] = [];

  constructor(deps: HostedDeps) {
    this.deps = deps;
  }

  /** A room can be joined. One that comes while the process is stopping goes on elsewhere, or is finished, too. */
  add(round: HostedRound): void {
    this.rounds.add(round);
    if (this.draining !== undefined) this.decide(round, this.draining);
  }

  /** The room is gone. */
  delete(round: HostedRound): void {
    this.rounds.delete(round);
    this.leaving.delete(round);
    if (this.rounds.size > 0) return;
    for (const tell of this.noneLeft.splice(0)) tell();
  }

  /** Decides about every round, now and whenever that changes. */
  begin(drain: Drain): void {
    this.draining = drain;
    const decideAll = (): void => {
      for (const round of this.rounds) this.decide(round, drain);
    };
    decideAll();
    const cancel = this.deps.after(Math.max(0, drain.until - this.deps.now()), decideAll);
    drain.hurry.addEventListener("abort", () => {
      cancel();
      decideAll();
    });
  }

  /** Resolves when no round is hosted here. */
  async none(): Promise<void> {
    if (this.rounds.size === 0) return;
    await new Promise<void>((resolve) => this.noneLeft.push(resolve));
  }

  private decide(round: HostedRound, { until, hurry }: Drain): void {
    if (this.leaving.has(round)) return;
    const { logger, now } = this.deps;
    const { roundId } = round;
    const standing = round.standing();
    if (fateOf(standing, { until, hurried: hurry.aborted }, now()) === "finish") {
      round.warn(Math.min(until, Math.max(standing.closesAt, now())));
      logger.info({ roundId, until }, "the round is finished before this process stops");
      return;
    }
    this.leaving.add(round);
    round.warn(now());
    logger.info({ roundId }, "the round is handed over");
    round
      .handOver()
      .catch((err: unknown) => logger.error({ err, roundId }, "a round could not be handed over"))
      // Whatever became of it, this process waits for it no longer: its lease runs out by itself.
      .finally(() => this.delete(round));
  }
}
