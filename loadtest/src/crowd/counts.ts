/** Small counters a worker keeps between two words. Pure. */
import type { Tally } from "./words.ts";

/** How often each value was seen; taking it empties it. */
export class Counts<K extends string | number> {
  private seen = new Map<K, number>();

  add(value: K, times = 1): void {
    this.seen.set(value, (this.seen.get(value) ?? 0) + times);
  }

  take(): [K, number][] {
    const all = [...this.seen];
    this.seen = new Map();
    return all;
  }
}

/** Whole ms are enough for what is spread over hundreds. */
export class Times extends Counts<number> {
  record(ms: number): void {
    this.add(Math.max(0, Math.round(ms)));
  }

  override take(): Tally {
    return super.take();
  }
}

/** Begins `count` things at an even pace: how many have to have begun `elapsedMs` after the first. */
export const dueBy = (elapsedMs: number, count: number, perSecond: number): number =>
  Math.min(count, Math.floor((elapsedMs / 1_000) * perSecond) + 1);
