/**
 * Stopping in order (R11). Owns: the list of what was started, the signals, the deadlines, whether this process is on
 * its way out. Does not own: how any part drains or stops.
 *
 * First everything drains, all parts at once: nothing new is taken, what is under way is finished or handed over. Only
 * then the parts stop, one after the other. Until then the process goes on answering.
 */
import type { Logger } from "./logger.ts";

/** How long a part may take to come to an end by itself. */
export interface Drain {
  /** ms since the epoch. */
  until: number;
  /** Fires when nobody wants to wait any longer. */
  hurry: AbortSignal;
}

export interface StopTimes {
  /** What draining may take, ms. */
  drainMs: number;
  /** What stopping may take beyond that, ms. */
  stopMs: number;
}

export class Lifecycle {
  private readonly parts: { name: string; stop(): Promise<void> | void }[] = [];
  private readonly drains: { name: string; drain(drain: Drain): Promise<void> | void }[] = [];
  private readonly logger: Logger;
  private now: () => number;
  private readonly hurry = new AbortController();
  private stopping: Promise<void> | undefined;

  constructor(logger: Logger, now: () => number = Date.now) {
    this.logger = logger;
    this.now = now;
  }

  /** From here on drains end by this clock, ms: rounds are judged by the same. */
  keepTime(now: () => number): void {
    this.now = now;
  }

  /** True from the first signal on: /readyz says no before anything else happens. */
  get isDraining(): boolean {
    return this.stopping !== undefined;
  }

  /** What is added last stops first. */
  add(name: string, stop: () => Promise<void> | void): void {
    this.parts.push({ name, stop });
  }

  /** Called when stopping begins, before any part stops. */
  addDrain(name: string, drain: (drain: Drain) => Promise<void> | void): void {
    this.drains.push({ name, drain });
  }

  /** Drains and stops everything, once; a part that fails is logged and the rest still stops. `drainMs`: at most. */
  stop(drainMs = 0): Promise<void> {
    // Said first, asked for later: whoever looks at `isDraining` meanwhile sees it.
    this.stopping ??= Promise.resolve().then(() => this.stopAll(drainMs));
    return this.stopping;
  }

  /** Nobody waits any longer: what is not finished is handed over. */
  hurryUp(): void {
    this.hurry.abort();
  }

  private async stopAll(drainMs: number): Promise<void> {
    const drain = { until: this.now() + drainMs, hurry: this.hurry.signal };
    await Promise.all(
      this.drains.map((one) => this.attempt(one.name, "did not drain", () => one.drain(drain))),
    );
    for (const { name, stop } of this.parts.toReversed())
      await this.attempt(name, "did not stop cleanly", stop);
  }

  private async attempt(part: string, what: string, work: () => Promise<void> | void): Promise<void> {
    try {
      await work();
    } catch (err) {
      this.logger.error({ err, part }, `a part ${what}`);
    }
  }

  /**
   * SIGTERM and SIGINT drain, stop in order and exit 0. The second one drains no longer, and exits 0 too; the third
   * exits at once, with 1. So does a process that does not come to its end in time.
   */
  onSignals({ drainMs, stopMs }: StopTimes): void {
    let signals = 0;
    let cancel = (): void => undefined;
    const exitIn = (ms: number): void => {
      cancel();
      const timer = setTimeout(() => {
        this.logger.error("did not stop in time");
        process.exit(1);
      }, ms);
      timer.unref();
      cancel = () => clearTimeout(timer);
    };
    const onSignal = (signal: NodeJS.Signals) => {
      signals += 1;
      if (signals > 2) process.exit(1);
      if (signals > 1) {
        this.logger.info({ signal }, "stopping at once");
        exitIn(stopMs);
        this.hurryUp();
        return;
      }
      this.logger.info({ signal, drainMs }, "stopping");
      exitIn(drainMs + stopMs);
      void this.stop(drainMs).then(() => process.exit(0));
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  }
}
