/**
 * Waiting in tests: poll a condition until it holds or a deadline passes. Never sleep and hope.
 * Owns: the polling loop. Does not own: what is waited for.
 */
import { setTimeout as pause } from "node:timers/promises";

export interface UntilOptions {
  /** Give up after this many ms. Default 15,000. */
  deadlineMs?: number;
  /** Ms between two looks. Default 20. */
  everyMs?: number;
  /** What is waited for, in words: it stands in the error when the deadline passes. */
  what?: string;
}

/** What `until` hands back: the condition's value with the "not yet" values taken out. */
type Settled<T> = Exclude<T, false | null | undefined>;

/**
 * Calls `condition` until it gives something other than false, null or undefined, and returns that.
 * A condition that throws counts as "not yet"; its last error is the cause of the one thrown at the deadline.
 * @throws Error naming `what` when the deadline passes.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: UntilOptions = {},
): Promise<Settled<T>> {
  const { deadlineMs = 15_000, everyMs = 20, what = "the condition" } = options;
  const deadline = performance.now() + deadlineMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== false && value !== null && value !== undefined) return value as Settled<T>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) {
      throw new Error(`${what} did not come within ${deadlineMs} ms`, { cause });
    }
    await pause(everyMs);
  }
}
