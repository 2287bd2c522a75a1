/**
 * Stopping in order (R11). Owns: the list of what was started, the signals, the deadline.
 * Does not own: how any part stops.
 */
import type { Logger } from "./logger.ts";

export class Lifecycle {
  private readonly parts: { name: string; stop(): Promise<void> | void }[] = [];
  private readonly logger: Logger;
  private stopping: Promise<void> | undefined;

  constructor(logger: Logger) {
    this.logger = logger;
  }

  /** What is added last stops first. */
  add(name: string, stop: () => Promise<void> | void): void {
    this.parts.push({ name, stop });
  }

  /** Stops everything once; a failing part is logged and the rest still stops. */
  stop(): Promise<void> {
    this.stopping ??= (async () => {
      for (const { name, stop } of this.parts.toReversed()) {
        try {
          await stop();
        } catch (err) {
          this.logger.error({ err, part: name }, "a part did not stop cleanly");
        }
      }
    })();
    return this.stopping;
  }

  /** SIGTERM and SIGINT stop in order and exit 0; a second signal exits at once. */
  onSignals(deadlineMs: number): void {
    let signals = 0;
    const onSignal = (signal: NodeJS.Signals) => {
      signals += 1;
      if (signals > 1) process.exit(1);
      this.logger.info({ signal }, "stopping");
      setTimeout(() => {
        this.logger.error("did not stop in time");
        process.exit(1);
      }, deadlineMs).unref();
      void this.stop().then(() => process.exit(0));
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  }
}
