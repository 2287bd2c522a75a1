/** How long a round of the harness is. Pure. Slots begin on multiples of their length since the unix epoch (R3). */

/** A round's last part is blind. */
const OPEN_SHARE = 0.94;
/** Lengths that are looked at, beyond the least, s. */
const CHOICES = 400;

/**
 * The length, s, at least `neededSeconds` open, of which a slot begins soonest after `startS` (unix s): nobody has to wait
 * half a round for the next one.
 */
export function roundLengthFor(neededSeconds: number, startS: number): number {
  const least = Math.max(60, Math.ceil(neededSeconds / OPEN_SHARE) + 1);
  let best = least;
  let bestWait = Number.POSITIVE_INFINITY;
  for (let length = least; length <= least + CHOICES; length++) {
    const wait = (length - (startS % length)) % length;
    if (wait < bestWait) {
      best = length;
      bestWait = wait;
    }
  }
  return best;
}
