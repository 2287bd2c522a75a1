/**
 * A bounded series over time: whatever a run lasts, at most `max` windows are kept. Owns: which window a moment falls
 * into, and joining neighbours when there are too many. Does not own: what a window holds.
 */

export interface WindowsOptions {
  /** Windows kept at most; an even number. */
  max: number;
  /** Of the first windows, ms; it doubles each time there are too many. */
  widthMs: number;
  /** When the series begins, ms. */
  from: number;
}

export interface WindowsDeps<T> {
  empty(): T;
  /** Adds what `later` holds to `earlier`. */
  join(earlier: T, later: T): void;
}

export class Windows<T> {
  readonly from: number;
  widthMs: number;
  private readonly max: number;
  private readonly deps: WindowsDeps<T>;
  private kept: { index: number; value: T }[] = [];

  constructor({ max, widthMs, from }: WindowsOptions, deps: WindowsDeps<T>) {
    this.max = max;
    this.widthMs = widthMs;
    this.from = from;
    this.deps = deps;
  }

  /** The window of that moment (ms); a moment before the newest window counts as of the newest. */
  at(moment: number): T {
    let index = Math.max(0, Math.floor((moment - this.from) / this.widthMs));
    const newest = this.kept.at(-1);
    if (newest !== undefined && index <= newest.index) return newest.value;
    while (this.kept.length >= this.max || index >= this.max * 2) {
      this.halve();
      index = Math.floor(index / 2);
    }
    const last = this.kept.at(-1);
    if (last?.index === index) return last.value;
    const value = this.deps.empty();
    this.kept.push({ index, value });
    return value;
  }

  /** Oldest first; `at` is the window's beginning, ms since `from`. */
  all(): { at: number; value: T }[] {
    return this.kept.map(({ index, value }) => ({ at: index * this.widthMs, value }));
  }

  private halve(): void {
    this.widthMs *= 2;
    const joined: { index: number; value: T }[] = [];
    for (const { index, value } of this.kept) {
      const half = Math.floor(index / 2);
      const last = joined.at(-1);
      if (last?.index === half) this.deps.join(last.value, value);
      else joined.push({ index: half, value });
    }
    this.kept = joined;
  }
}
