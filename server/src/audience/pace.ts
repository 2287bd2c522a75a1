/**
 * How often a relay writes to its spectators, also in a rush, and how much of the chat it passes on. Pure; time is passed in.
 * Owns: these two rates. Does not own: what is written (batch.ts), timers, sockets.
 */

/** Between two writes to the same socket, ms: a handful sees ten a second, a full relay one. */
const LEAST_MS = 100;
const MOST_MS = 1_000;
/** What a relay writes in a second in between: about a fifth of a core. So it is once a second from 15,000 on. */
const WRITES_PER_SECOND = 15_000;

/** Up to so many spectators all of the chat is passed on. */
const SMALL = 200;
/** Of larger rounds, lines a second, and how many at once after a pause: more is not read by anybody. */
const LINES_PER_SECOND = 5;
const LINES_AT_ONCE = 10;

/** ms between two flushes where this process carries so many sockets. */
export const flushMs = (sockets: number): number =>
  Math.min(MOST_MS, Math.max(LEAST_MS, (sockets * 1_000) / WRITES_PER_SECOND));

/** So many who came to one relay in a second may be a rush: on a busy machine not many get in, however many want to. */
const RUSH = 3;
/** In a rush, updates take a third of the time at most, and come at least this often, ms. */
const RUSH_SHARE = 3;
const RUSH_MOST_MS = 4_000;

/**
 * ms between two flushes while `arrivals` came in the last second and the last flush took `tookMs`: whoever waits for a
 * first state goes before everybody else's next one, or on a busy machine nobody gets in any more.
 */
export const rushMs = (arrivals: number, tookMs: number): number =>
  arrivals < RUSH ? 0 : Math.min(RUSH_MOST_MS, RUSH_SHARE * tookMs);

/** So much of a pause may be saved up. */
const SAVED = 0.75;

/**
 * Leading edge at once, trailing edge always: what comes too early waits, and is never left out. A pause that was longer
 * than it had to be makes a later one shorter: or a flush that was late once would make all that follow as late, where
 * the round shows itself at the same pace.
 */
export class Pace {
  private last = Number.NEGATIVE_INFINITY;
  /** How far the flushes so far are ahead of their pace, ms. */
  private ahead = 0;

  /**
   * ms until something may be written; 0 is now. `everyMs`: between two flushes, in the long run; `restMs`: since the
   * last one in any case.
   */
  wait(now: number, everyMs: number, restMs = 0): number {
    const since = now - this.last;
    // A clock that was set back does not hold anything up for longer than the pause itself.
    if (since < 0) return 0;
    return Math.max(0, restMs - since, everyMs - Math.max(0, SAVED * everyMs - this.ahead) - since);
  }

  written(now: number, everyMs: number): void {
    const since = now - this.last;
    this.ahead = since < 0 ? 0 : Math.max(0, this.ahead + everyMs - since);
    this.last = now;
  }
}

/** Which lines of chat are passed on: a bucket that fills as time goes by. */
export class ChatSample {
  private left = LINES_AT_ONCE;
  private at = 0;

  /** True when a line that comes now is passed on to so many spectators. */
  take(now: number, spectators: number): boolean {
    const gained = (Math.max(0, now - this.at) * LINES_PER_SECOND) / 1_000;
    this.left = Math.min(LINES_AT_ONCE, this.left + gained);
    this.at = now;
    if (spectators <= SMALL) return true;
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}
