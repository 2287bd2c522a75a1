/**
 * The fee rate (M8). Owns: asking the policies every 5 minutes, the clamp, the default, and whom to believe when a
 * policy jumps or two of them differ. A wrong policy costs at most a reading: too low and nodes refuse what we send, too
 * high and the float pays.
 */
import { counter, gauge } from "../infra/metrics.ts";
import type { ChainLogger } from "./port.ts";

const DEFAULT_RATE = 100;
const LEAST = 1;
const MOST = 500;
const FRESH_MS = 5 * 60_000;
/** After a failed or doubtful reading the last rate goes on for so long before the next try. */
const RETRY_MS = 30_000;
/** No policy is believed at once that is so many times the last good one, either way. */
const JUMP = 10;

const clamp = (rate: number): number => Math.min(MOST, Math.max(LEAST, Math.ceil(rate)));
/** How many times one is the other; 1 or more. A policy of 0 is as far off as can be. */
const apart = (a: number, b: number): number => Math.max(a, b) / Math.min(a, b);

/**
 * Of two policies the higher one, for what satisfies it satisfies both; but when they are worlds apart one of them is
 * wrong, and the one nearer to the last good rate is taken.
 */
function choose(asked: readonly number[], last: number): number | undefined {
  const [low, high] = [Math.min(...asked), Math.max(...asked)];
  if (asked.length === 0) return undefined;
  if (apart(low, high) <= JUMP || low === high) return high;
  return apart(low, last) < apart(high, last) ? low : high;
}

/**
 * A reader of the rate in sat per 1,000 bytes. Each of `policies` may throw: then the others count, and without any the
 * last rate, or 100, holds (M8). A rate more than 10 times the last good one, or less than a tenth, is held until the
 * next reading, 30 s later, says nearly the same; the first reading has nothing to be held against but its clamp.
 */
export function createFeeRate(
  policies: readonly (() => Promise<number>)[],
  deps: { now: () => number; logger?: ChainLogger },
): () => Promise<number> {
  const { logger, now } = deps;
  const rateGauge = gauge("mr_fee_rate_sat_per_kb", "The fee rate in use");
  const deviation = gauge("mr_fee_policy_deviation", "The rate a policy asks, over the last good one");
  const doubts = counter(
    "mr_fee_policy_doubts_total",
    "Policy readings that were clamped, held or set aside",
  );
  let rate = DEFAULT_RATE;
  /** Unclamped. */
  let lastGood: number | undefined;
  let held: number | undefined;
  let freshUntil = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  rateGauge.set(rate);

  const doubt = (fields: object, message: string): void => {
    doubts.inc();
    logger?.warn(fields, message);
  };

  const ask = async (): Promise<number[]> => {
    const asked: number[] = [];
    for (const said of await Promise.allSettled(policies.map((policy) => policy()))) {
      if (said.status === "fulfilled") asked.push(said.value);
      else logger?.warn({ err: said.reason, rate }, "a fee policy is silent");
    }
    return asked;
  };

  const believe = (asked: number): void => {
    held = undefined;
    lastGood = asked > 0 ? asked : LEAST;
    rate = clamp(asked);
    rateGauge.set(rate);
    if (asked < LEAST || asked > MOST) doubt({ asked, rate }, "the fee rate was clamped");
  };

  const refresh = async (): Promise<void> => {
    const asked = await ask();
    const last = lastGood ?? DEFAULT_RATE;
    const chosen = choose(asked, last);
    freshUntil = now() + RETRY_MS;
    if (chosen === undefined) return;
    const farthest = asked.reduce((far, one) => (apart(one, last) > apart(far, last) ? one : far), chosen);
    deviation.set(farthest / last);
    if (asked.length > 1 && apart(Math.min(...asked), Math.max(...asked)) > JUMP)
      doubt({ asked, chosen }, "two fee policies are worlds apart, the one nearer to the last rate is taken");
    const isJump = lastGood !== undefined && apart(chosen, lastGood) > JUMP;
    if (isJump && (held === undefined || apart(chosen, held) > JUMP)) {
      held = chosen;
      return doubt({ asked, rate }, "a fee policy jumped, the last rate holds until it says so again");
    }
    believe(chosen);
    freshUntil = now() + FRESH_MS;
  };

  return async () => {
    if (now() >= freshUntil) {
      reading ??= refresh().finally(() => {
        reading = undefined;
      });
      await reading;
    }
    return rate;
  };
}
