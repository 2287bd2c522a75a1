/**
 * A time that is set right and never goes back. Owns: how fast it goes until it is right. Pure: what the machine's own
 * clock says is passed in. Does not own: who knows the right time (cluster-clock.ts).
 */

/** Off by more than this, ms: it jumps where it is behind, and goes at half speed where it is ahead. */
const JUMP_MS = 1_000;
/** Else it gains or loses so much of each ms, which nobody notices. */
const SLEW = 0.1;
const HALF = 0.5;

export class SteadyTime {
  private from: number;
  private time: number;
  /** ms of this time that pass in one ms, for so many ms from `from` on; one afterwards. */
  private rate = 1;
  private forMs = 0;

  /** It is `time` (ms) when the machine's clock says `mono`: ms of a clock that never goes back. */
  constructor(mono: number, time: number) {
    this.from = mono;
    this.time = time;
  }

  /** The time when the machine's clock says `mono`, which is not before the one asked for last. ms. */
  at(mono: number): number {
    const passed = Math.max(0, mono - this.from);
    const slewed = Math.min(passed, this.forMs);
    return this.time + slewed * this.rate + (passed - slewed);
  }

  /** Nobody has read it yet: it is set to `time` at once, back too. */
  set(mono: number, time: number): void {
    this.begin(mono, time, 1, 0);
  }

  /**
   * At `mono` the right time is known to be between `low` and `high`: where it is outside, it is brought to the nearer of
   * them, never backwards. Returns by how much it was outside, ms; negative when it was ahead.
   */
  correct(mono: number, low: number, high: number): number {
    const now = this.at(mono);
    const off = now < low ? low - now : now > high ? high - now : 0;
    if (off > JUMP_MS) this.begin(mono, low, 1, 0);
    else if (off >= -JUMP_MS) this.begin(mono, now, 1 + Math.sign(off) * SLEW, Math.abs(off) / SLEW);
    else this.begin(mono, now, HALF, -off / HALF);
    return off;
  }

  private begin(mono: number, time: number, rate: number, forMs: number): void {
    this.from = mono;
    this.time = time;
    this.rate = rate;
    this.forMs = forMs;
  }
}
