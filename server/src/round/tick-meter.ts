/**
 * How long a room takes to show what has changed (O8). Owns: the metrics of it, and the worst of the newest round.
 * Does not own: when that happens (pulse.ts).
 */
import { gauge, histogram } from "../infra/metrics.ts";

/** Seconds; close together around the 50 ms that a tick may take. */
const BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.045, 0.05, 0.055, 0.06, 0.075, 0.1,
  0.15, 0.25, 0.5, 1, 2.5,
];

export class TickMeter {
  private readonly ticks = histogram(
    "mr_round_tick_seconds",
    "From the moment a change of the round was durable and to be shown until its patch was handed to all sockets.",
    [],
    BUCKETS,
  );
  private readonly work = histogram(
    "mr_round_tick_work_seconds",
    "The longest stretch of a tick in which the process did nothing else: projecting, encoding, a slice of the sockets.",
    [],
    BUCKETS,
  );
  private readonly waits = histogram(
    "mr_round_show_wait_seconds",
    "How long a patch that was due waited for the append under way, beyond which it is a tick (R4).",
    [],
    BUCKETS,
  );
  private readonly worst = gauge(
    "mr_round_tick_worst_seconds",
    "The longest tick since the newest round was opened or taken over here.",
  );
  private readonly worstWork = gauge(
    "mr_round_tick_work_worst_seconds",
    "The longest work of a tick since the newest round was opened or taken over here.",
  );
  private longest = { tick: 0, work: 0 };

  /** A round begins here: the worst is looked for anew. */
  begin(): void {
    this.longest = { tick: 0, work: 0 };
    this.worst.set(0);
    this.worstWork.set(0);
  }

  /** A patch was due `ms` before it could be shown. */
  waited(ms: number): void {
    this.waits.observe(ms / 1_000);
  }

  /** One tick, from when it was due until it was done, by one clock, and its longest stretch; all ms. */
  took(dueAt: number, doneAt: number, workMs: number): void {
    const work = workMs / 1_000;
    // A timer may come a moment early.
    const tick = Math.max(work, (doneAt - dueAt) / 1_000);
    this.ticks.observe(tick);
    this.work.observe(work);
    if (tick > this.longest.tick) this.worst.set(tick);
    if (work > this.longest.work) this.worstWork.set(work);
    this.longest = { tick: Math.max(tick, this.longest.tick), work: Math.max(work, this.longest.work) };
  }
}
