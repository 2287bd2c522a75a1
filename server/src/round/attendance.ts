/**
 * Whether those who sit in a room are still signed in (I2): a session that was ended loses its place within a second,
 * one whose access token has run out is looked up again. Owns: when to ask, and about whom. Does not own: sessions,
 * sockets. A session that was refreshed meanwhile lives on: nobody has to send the newer token here.
 */
import type { Seated } from "./door.ts";
import type { AuthPort } from "./ports.ts";

/** How often ended sessions are asked for, ms. */
const ASK_MS = 500;
/** Clocks of processes differ by less than this, ms; whatever ended since then is asked for again and again. */
const SKEW_MS = 10_000;

export interface Attendee {
  auth?: Seated | undefined;
}

export class Attendance {
  private readonly sessions: AuthPort["sessions"];
  private lastAsked = Number.NEGATIVE_INFINITY;
  private asking = false;

  constructor(deps: { auth: Pick<AuthPort, "sessions"> }) {
    this.sessions = deps.auth.sessions;
  }

  /** Those of them that are not signed in any more. Asks at most twice a second; `now` in ms. */
  async ended<A extends Attendee>(attendees: Iterable<A>, now: number): Promise<A[]> {
    if (this.asking || now - this.lastAsked < ASK_MS) return [];
    this.asking = true;
    this.lastAsked = now;
    try {
      const ended = new Set(await this.sessions.endedSince(now - SKEW_MS));
      const seated = [...attendees].flatMap((one) =>
        one.auth === undefined ? [] : [{ one, seat: one.auth }],
      );
      const stale = seated.filter(({ seat }) => seat.expiresAt <= now && !ended.has(seat.sessionId));
      if (stale.length > 0) {
        const gone = await this.sessions.gone([...new Set(stale.map(({ seat }) => seat.sessionId))]);
        for (const { seat } of stale) {
          if (gone.has(seat.sessionId)) ended.add(seat.sessionId);
          else seat.expiresAt = now + this.sessions.accessTtlMs;
        }
      }
      return seated.filter(({ seat }) => ended.has(seat.sessionId)).map(({ one }) => one);
    } finally {
      this.asking = false;
    }
  }
}
