/** The ladder's arithmetic. Pure. */
import type { Bound } from "../report/document.ts";

/** Twice as many, the last step exactly `to`; undefined when that was it. */
export function nextCount(count: number, to: number): number | undefined {
  return count >= to ? undefined : Math.min(to, count * 2);
}

/** What gave way, in words; undefined when nothing did. A bound told again counts as told last. */
export function breakOf(bounds: readonly Bound[]): string | undefined {
  const last = new Map(bounds.map((bound) => [bound.name, bound]));
  const missed = [...last.values()].filter(({ holds }) => !holds);
  if (missed.length === 0) return undefined;
  return missed
    .map(
      ({ name, value, limit, unit }) => `${name}: ${Number(value.toPrecision(4))} against ${limit} ${unit}`,
    )
    .map((text) => text.trim())
    .join("; ");
}
