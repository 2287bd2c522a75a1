/**
 * What happened during the soak, in numbers. Owns: counters, deposit times, oddities, what was wrong on the spot.
 * Does not own: the proof at the end (prove.ts) or how it is shown (report.ts).
 */
import type { Mismatch } from "./prove-round.ts";

const ODDITIES = 50;

export class Tally {
  readonly counts = new Map<string, number>();
  /** ms from sending a deposit to its acceptance, retries included. */
  readonly depositMs: number[] = [];
  /** Failures of the harness's own dealings, by their words; bounded. */
  readonly oddities = new Map<string, number>();
  readonly mismatches: Mismatch[] = [];

  count(what: string, times = 1): void {
    if (times > 0) this.counts.set(what, (this.counts.get(what) ?? 0) + times);
  }

  get(what: string): number {
    return this.counts.get(what) ?? 0;
  }

  deposit(ms: number): void {
    this.count("deposits accepted");
    this.depositMs.push(ms);
  }

  refused(what: string, code: string): void {
    this.count(`refused: ${what}: ${code}`);
  }

  /** Something the harness did not expect, which says nothing about money by itself. */
  odd(error: unknown): void {
    const text = (error instanceof Error ? error.message : String(error)).slice(0, 200);
    if (this.oddities.size < ODDITIES || this.oddities.has(text))
      this.oddities.set(text, (this.oddities.get(text) ?? 0) + 1);
  }

  wrong(mismatch: Mismatch): void {
    this.mismatches.push(mismatch);
  }

  /** ms under which `share` (0..1) of the deposits were accepted; NaN when there was none. */
  depositPercentile(share: number): number {
    const sorted = this.depositMs.toSorted((left, right) => left - right);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  }
}
