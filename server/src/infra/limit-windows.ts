/**
 * One process's count of a limited thing, settled with the count all processes share (I5). Pure: no clock, no Redis.
 * Owns: windows per caller, what is let through before it is settled, who goes on far beyond the limit; the map's cap.
 * Does not own: the shared count, what happens to those that are thrown out.
 */
import { KICK_FACTOR, type LimitRule } from "./limits.ts";

export type Verdict = "ok" | "limit" | "kick";

/** Where a caller stands after a point was asked for. */
export interface Standing {
  verdict: Verdict;
  /** Points left in this window, as far as this process knows. */
  remaining: number;
  /** Until the window ends, or until a caller that was thrown out may come again, ms. */
  resetMs: number;
  /** True for the one call by which a caller is thrown out: the others hear of it. */
  kicked?: true;
}

/** What Redis said to a settlement. */
export interface Shared {
  /** Points taken by all processes in this window, ours included. */
  consumed: number;
  /** Until it ends, ms. */
  msLeft: number;
}

interface Window {
  endsAt: number;
  /** Taken by all processes, as of the last settlement. */
  shared: number;
  /** Let through here and not settled yet. */
  open: number;
  refused: number;
  kicked: boolean;
}

/** A call is answered at once, or `due` says how many points have to be settled first. */
export type Taken = { standing: Standing } | { due: number };

export class LimitWindows {
  private readonly windows = new Map<string, Window>();
  private readonly cap: number;

  /** `cap`: callers remembered at most; beyond it the one that came first is forgotten (Redis still knows it). */
  constructor(options: { cap: number }) {
    this.cap = options.cap;
  }

  get size(): number {
    return this.windows.size;
  }

  /**
   * Takes one point at `now` (ms). `due` means: settle so many with Redis and tell `settled`; they are taken off what
   * is open here already. `factor` widens the rule.
   */
  take(key: string, rule: LimitRule, factor: number, now: number): Taken {
    const points = rule.points * factor;
    const window = this.window(key, rule, now);
    if (window.kicked || window.shared + window.open >= points) {
      window.refused++;
      return { standing: this.refusal(window, points, now) };
    }
    window.open++;
    // A share of a small limit would be no limit between processes: those settle each point.
    const batch = rule.batch ?? 1;
    if (window.open < batch) return { standing: this.good(window, points, now) };
    const due = window.open;
    window.open = 0;
    // Counted as taken until Redis has said how many it really are.
    window.shared += due;
    return { due };
  }

  /** Redis' answer to a settlement of `due` points, of which the last is this caller's. */
  settled(key: string, rule: LimitRule, factor: number, shared: Shared, now: number): Standing {
    const points = rule.points * factor;
    const window = this.window(key, rule, now);
    // Answers may overtake each other: the highest count is the newest.
    window.shared = Math.max(window.shared, shared.consumed);
    window.endsAt = now + shared.msLeft;
    if (shared.consumed <= points) return this.good(window, points, now);
    window.refused++;
    return this.refusal(window, points, now, shared.consumed);
  }

  /** Redis could not be asked, and the rule goes on without it: this process's own count is what there is. */
  alone(key: string, rule: LimitRule, factor: number, now: number): Standing {
    return this.good(this.window(key, rule, now), rule.points * factor, now);
  }

  /** The point was not given: it does not count. */
  giveBack(key: string, due: number): void {
    const window = this.windows.get(key);
    if (window) window.shared = Math.max(0, window.shared - due);
  }

  /** Throws a caller out until `until`, ms since the epoch. */
  kick(key: string, rule: LimitRule, until: number, now: number): void {
    const window = this.window(key, rule, now);
    window.kicked = true;
    window.endsAt = until;
  }

  private good(window: Window, points: number, now: number): Standing {
    const remaining = Math.max(0, points - window.shared - window.open);
    return { verdict: "ok", remaining, resetMs: Math.max(0, window.endsAt - now) };
  }

  private refusal(window: Window, points: number, now: number, consumed = window.shared): Standing {
    const resetMs = Math.max(0, window.endsAt - now);
    if (window.kicked) return { verdict: "kick", remaining: 0, resetMs };
    const asked = Math.max(consumed, points + window.refused);
    if (asked < points * KICK_FACTOR) return { verdict: "limit", remaining: 0, resetMs };
    return { verdict: "kick", remaining: 0, resetMs, kicked: true };
  }

  private window(key: string, rule: LimitRule, now: number): Window {
    const had = this.windows.get(key);
    if (had !== undefined && now < had.endsAt) return had;
    this.windows.delete(key);
    if (this.windows.size >= this.cap) this.makeRoom(now);
    const made = { endsAt: now + rule.seconds * 1_000, shared: 0, open: 0, refused: 0, kicked: false };
    this.windows.set(key, made);
    return made;
  }

  /** Forgets what is over; where nothing is, the tenth that came first. */
  private makeRoom(now: number): void {
    for (const [key, { endsAt }] of this.windows) if (endsAt <= now) this.windows.delete(key);
    const surplus = this.windows.size - Math.floor(this.cap * 0.9);
    let left = surplus;
    for (const key of this.windows.keys()) {
      if (left-- <= 0) break;
      this.windows.delete(key);
    }
  }
}
