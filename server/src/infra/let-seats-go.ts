/**
 * Seats that a room has given and nobody has taken yet. Owns: taking them back when the room ends, which the framework
 * does not: it keeps a room until the last of them runs out, and a process on its way out with it (R11).
 */
import type { Room } from "./colyseus.ts";

/** The framework's own books, by session. */
interface Seats {
  _reservedSeats: Record<string, [options: unknown, auth: unknown, isTaken: boolean, isForReturn: boolean]>;
  _reservedSeatTimeouts: Record<string, NodeJS.Timeout>;
}

/**
 * To be called right before `disconnect`. Whoever comes for such a seat is refused, and asks where the round is now.
 * Returns how many there were; those of players who may come back end with `disconnect` itself.
 */
export function letSeatsGo(room: Room): number {
  const { _reservedSeats: seats, _reservedSeatTimeouts: timeouts } = room as unknown as Seats;
  let count = 0;
  for (const [sessionId, [, , isTaken, isForReturn]] of Object.entries(seats)) {
    if (isTaken || isForReturn) continue;
    clearTimeout(timeouts[sessionId]);
    delete timeouts[sessionId];
    delete seats[sessionId];
    count += 1;
  }
  return count;
}
