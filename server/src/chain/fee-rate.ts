/** The fee rate (M8). Owns: asking the policy every 5 minutes, the clamp, the default. */
import type { ChainLogger } from "./port.ts";

const DEFAULT_RATE = 100;
const LEAST = 1;
const MOST = 500;
const FRESH_MS = 5 * 60_000;
/** After a failed reading the last rate goes on for so long before the next try. */
const RETRY_MS = 30_000;

/** A reader of the rate in sat per 1,000 bytes. `policyFee` may throw: then the last rate, or 100, holds (M8). */
export function createFeeRate(
  policyFee: () => Promise<number>,
  deps: { now: () => number; logger?: ChainLogger },
): () => Promise<number> {
  let rate = DEFAULT_RATE;
  let freshUntil = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  const refresh = async (): Promise<void> => {
    try {
      const asked = await policyFee();
      rate = Math.min(MOST, Math.max(LEAST, Math.ceil(asked)));
      if (rate !== asked) deps.logger?.warn({ asked, rate }, "the fee rate was clamped");
      freshUntil = deps.now() + FRESH_MS;
    } catch (error) {
      deps.logger?.warn({ err: error, rate }, "no fee policy, the last rate holds");
      freshUntil = deps.now() + RETRY_MS;
    } finally {
      reading = undefined;
    }
  };

  return async () => {
    if (deps.now() >= freshUntil) {
      reading ??= refresh();
      await reading;
    }
    return rate;
  };
}
