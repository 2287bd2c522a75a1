/**
 * How long a page waits before it asks for a finished round again. A hundred thousand pages see a round end in the same moment:
 * no two ask together, and none asks much more often than the answer can have changed. Owns: those waits. Pure. Does not own:
 * asking (finished.ts).
 */

/**
 * What is known of the round. `ended`: it has, this moment, and nobody has asked yet. `live`: not in the archive. `part`: there,
 * but not all of it. `whole`: all of it. `unknown`: the server knows no such round. `failed`: no answer that says anything.
 */
export type Heard = "ended" | "live" | "part" | "whole" | "unknown" | "failed";

export interface Asked {
  heard: Heard;
  /** How often in a row it was that. */
  times: number;
  /** Since the round is asked for, ms. */
  ageMs: number;
  /** The server's own wish, ms. */
  retryAfterMs?: number | undefined;
}

/** No result is there sooner, and those who saw the round end are spread over the time after, ms. */
const FIRST_MS = 500;
const FIRST_SPREAD_MS = 2_000;
/** What took long may take longer: waits are a share of the time it took so far, within these, ms. */
const SHARE = 1 / 4;
const SOONEST_MS = 2_000;
const SLOWEST_MS = 15_000;
/** Doubled each time, ms. */
const UNKNOWN_MS = 4_000;
/** A round that is there is never unknown for longer than some cache is behind. */
const UNKNOWN_TIMES = 3;
/** Doubled each time, ms. */
const FAILED_MS = 2_000;
const FAILED_SLOWEST_MS = 60_000;
/** What a server may ask for, ms. */
const MAX_RETRY_AFTER_MS = 60_000;
/** Whatever is missing by then stays so on this page, ms. */
const GIVE_UP_MS = 20 * 60_000;

/** ms until it is asked for again; undefined when it is not. `random`: 0 up to 1. */
export function waitMs({ heard, times, ageMs, retryAfterMs = 0 }: Asked, random: number): number | undefined {
  if (heard === "ended") return FIRST_MS + random * FIRST_SPREAD_MS;
  if (heard === "whole" || ageMs > GIVE_UP_MS) return undefined;
  if (heard === "unknown" && times >= UNKNOWN_TIMES) return undefined;
  const about = aboutMs(heard, times, ageMs);
  const least = Math.max(about / 2, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
  return least + random * about;
}

function aboutMs(heard: "live" | "part" | "unknown" | "failed", times: number, ageMs: number): number {
  const doubled = 2 ** Math.min(times - 1, 10);
  if (heard === "unknown") return UNKNOWN_MS * doubled;
  if (heard === "failed") return Math.min(FAILED_SLOWEST_MS, FAILED_MS * doubled);
  return Math.min(SLOWEST_MS, Math.max(SOONEST_MS, ageMs * SHARE));
}
