/**
 * When a room shows what has changed: at once where it has been quiet, else as soon as the least gap is over, and now
 * and then though nothing has changed. Owns: that rhythm. Does not own: what a beat does. One beat at a time, by a
 * clock that is passed in.
 */

export interface PulseOptions {
  /** Between two beats at least, ms; asked for at each. */
  leastMs(): number;
  /** Between two beats at most, ms. */
  idleMs: number;
}

export interface PulseDeps {
  /** ms of a clock that never goes back. */
  clock(): number;
  /** Calls once, `ms` from now; what it gives back calls it off. */
  after(ms: number, run: () => void): () => void;
  /** `dueAt`: when this beat should have come, by the clock. Must not throw. */
  beat(dueAt: number): void;
}

export class Pulse {
  private readonly options: PulseOptions;
  private readonly deps: PulseDeps;
  private callOff: (() => void) | undefined;
  private dueAt = Number.POSITIVE_INFINITY;
  private lastAt = Number.NEGATIVE_INFINITY;
  private running = false;

  constructor(options: PulseOptions, deps: PulseDeps) {
    this.options = options;
    this.deps = deps;
  }

  /** Begins with a beat. */
  start(): void {
    this.running = true;
    this.changed();
  }

  stop(): void {
    this.running = false;
    this.callOff?.();
    this.callOff = undefined;
  }

  /** There is something to show. What was asked for already is not asked for twice. */
  changed(): void {
    if (!this.running) return;
    const now = this.deps.clock();
    this.plan(Math.max(now, this.lastAt + this.options.leastMs()), now);
  }

  private plan(dueAt: number, now: number): void {
    if (this.callOff !== undefined && dueAt >= this.dueAt) return;
    this.callOff?.();
    this.dueAt = dueAt;
    this.callOff = this.deps.after(Math.max(0, dueAt - now), () => this.beat());
  }

  private beat(): void {
    this.callOff = undefined;
    if (!this.running) return;
    const now = this.deps.clock();
    const { dueAt } = this;
    this.lastAt = now;
    this.plan(now + this.options.idleMs, now);
    this.deps.beat(dueAt);
  }
}

/** Timers as a pulse needs them: what is due now comes after the work in hand, not before it. */
export function afterMs(ms: number, run: () => void): () => void {
  if (ms <= 0) {
    const turn = setImmediate(run);
    return () => clearImmediate(turn);
  }
  const timer = setTimeout(run, Math.ceil(ms));
  return () => clearTimeout(timer);
}
