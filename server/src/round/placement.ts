/**
 * Which process should host a round: the less busy one tries first (R1, R11). Owns: how long a process lets others go
 * first. Does not own: the lease, which alone decides; a wrong guess here costs balance, never correctness.
 */

/** How busy a process is. */
export interface Load {
  /** Players' sockets it carries. */
  clients: number;
  /** How late its event loop is lately, ms. */
  lagMs: number;
}

/** The busiest process tries this long after an idle one, ms: what a takeover may lose to balance. */
export const MAX_HANDICAP_MS = 150;
/** At so many clients or ms of lag, half of each share is reached. */
const HALF_CLIENTS = 500;
const HALF_LAG_MS = 50;

const share = (value: number, half: number): number =>
  Number.isFinite(value) && value > 0 ? value / (value + half) : 0;

/** How long a process lets others try first, whole ms from 0 to MAX_HANDICAP_MS. */
export function handicapMs({ clients, lagMs }: Load): number {
  return Math.round((MAX_HANDICAP_MS / 2) * (share(clients, HALF_CLIENTS) + share(lagMs, HALF_LAG_MS)));
}
