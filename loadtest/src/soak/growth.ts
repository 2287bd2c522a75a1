/**
 * Whether something grows. Owns: the steady part of a series of one value a round, and its slope. Pure.
 * The median of all slopes between two values: a few wild ones, a collection that came late, do not move it.
 */

/** Rounds in the second half below which a slope is noise. */
export const ENOUGH_ROUNDS = 8;

/** Growth a round; NaN of fewer than two values. */
export function slopeOf(values: readonly number[]): number {
  const slopes: number[] = [];
  for (let left = 0; left < values.length; left++)
    for (let right = left + 1; right < values.length; right++)
      slopes.push(((values[right] ?? 0) - (values[left] ?? 0)) / (right - left));
  slopes.sort((one, other) => one - other);
  const middle = slopes.length >> 1;
  if (slopes.length === 0) return Number.NaN;
  return slopes.length % 2 === 1
    ? (slopes[middle] ?? Number.NaN)
    : ((slopes[middle - 1] ?? 0) + (slopes[middle] ?? 0)) / 2;
}

/** What is left when everything has been used once: the second half. */
export const steadyPart = <T>(values: readonly T[]): T[] => values.slice(Math.floor(values.length / 2));
