/**
 * How late this process was, while it measured. Owns: samples of its own lateness. Node's monitorEventLoopDelay does
 * not do: switched off and on again, it takes the time between for one long delay.
 */
import { percentile } from "./figures.ts";

const EVERY_MS = 5;

export interface LagDeps {
  /** ms. */
  now(): number;
  /** Calls `act` after `ms`; the answer takes it back. */
  after(ms: number, act: () => void): () => void;
}

export class LagMeter {
  private readonly deps: LagDeps;
  private readonly samples: number[] = [];
  private due = 0;
  private cancel: (() => void) | undefined;

  constructor(deps: LagDeps) {
    this.deps = deps;
  }

  enable(): void {
    if (this.cancel === undefined) this.wait();
  }

  disable(): void {
    if (this.cancel === undefined) return;
    this.cancel();
    this.cancel = undefined;
    // A sample that is already late counts; one that is not due yet says nothing.
    if (this.deps.now() > this.due) this.sample();
  }

  reset(): void {
    this.samples.length = 0;
  }

  /** ms of lateness that `share` (0..1) of the samples do not exceed; 0 when there is none. */
  percentile(share: number): number {
    return this.samples.length === 0 ? 0 : percentile(this.samples, share);
  }

  private sample(): void {
    this.samples.push(Math.max(0, this.deps.now() - this.due));
  }

  private wait(): void {
    this.due = this.deps.now() + EVERY_MS;
    this.cancel = this.deps.after(EVERY_MS, () => {
      this.sample();
      this.wait();
    });
  }
}
