/**
 * Spectators of one round: connected, held, each update delivered, each one's state compared with the round's.
 * Owns: the order, the bounds of design.md 9. Does not own: the crowd.
 */
import { cpus } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { House } from "../crowd/house.ts";
import { openHouse } from "../crowd/house.ts";
import {
  boundContent,
  boundDelivery,
  boundSeats,
  noteHarness,
  round3,
  spent,
  timesOf,
  usageOf,
} from "../crowd/verdict.ts";
import type { Values } from "../options.ts";
import type { Report } from "../report/index.ts";
import { readProcess } from "../report/proc.ts";
import type { Outcome } from "../run.ts";

const options = {
  count: { value: 2_000, min: 1, max: 200_000, help: "spectators" },
  seconds: { value: 20, min: 2, max: 600, help: "how long they are measured, s" },
  relays: { value: 1, min: 1, max: 16, help: "relay processes; more where the count needs them" },
  loaders: { value: 1, min: 1, max: 16, help: "processes of spectators; more where the count needs them" },
  "per-second": { value: 2_000, min: 10, max: 20_000, help: "spectators that come each second" },
  profiles: { text: "", help: "folder for CPU profiles of the game and the relays" },
} as const;
type Wanted = Values<typeof options>;

export const spectators = {
  summary:
    "spectators of one round: connected, every update delivered, every state compared with the round's",
  options,
  run,
};

/** Up to this many, p99 has to be under half a second. */
const FAST_COUNT = 70_000;
const FAST_MS = 500;
const SETTLE_MS = 5_000;
/** More under way at once only wait for each other, until one gives up. */
const COMING_AT_ONCE = 1_500;
/** Coming takes longer than the pace says where the machine is the limit. */
const SLOWEST_PER_SECOND = 600;

async function run(wanted: Wanted, signal: AbortSignal, report: Report): Promise<Outcome> {
  const { count, relays, loaders, seconds, profiles } = wanted;
  const joinSeconds = Math.ceil(count / Math.min(wanted["per-second"], SLOWEST_PER_SECOND));
  const house = await openHouse(
    { count, relays, loaders, profiles, seconds: joinSeconds + seconds + 30 },
    signal,
    report,
  );
  let ok = false;
  try {
    const figures = await watch(house, wanted, signal, report);
    ok = true;
    return { ok, figures };
  } finally {
    await house.stop(!ok && !signal.aborted);
  }
}

/** Has them come, measures, compares. Returns the figures. */
export async function watch(
  house: House,
  wanted: Pick<Wanted, "count" | "seconds" | "per-second">,
  signal: AbortSignal,
  report: Report,
): Promise<object> {
  const { crowd, relayPids, serverPids } = house;
  const { count, seconds } = wanted;
  const pids = [...serverPids, ...crowd.pids];
  const empty = await memoryOf(relayPids);
  const slabBefore = (await usageOf([])).slab;
  report.phase("spectators come", Math.ceil(count / SLOWEST_PER_SECOND));
  const began = performance.now();
  await crowd.join({ count, perSecond: wanted["per-second"], atOnce: COMING_AT_ONCE }, signal);
  const joinSeconds = (performance.now() - began) / 1_000;
  report.phase("everybody settles", SETTLE_MS / 1_000);
  await crowd.lineUp(signal);
  await delay(SETTLE_MS, undefined, { signal });
  const { joined } = crowd.totals;
  const full = await memoryOf(relayPids);

  report.phase("measuring", seconds);
  const from = await usageOf(pids);
  await crowd.measure(true, signal);
  await delay(seconds * 1_000, undefined, { signal });
  // Before those that are still under way are waited for: updates go on meanwhile, and are not counted.
  const to = await usageOf(pids);
  await crowd.measure(false, signal);
  report.phase("comparing every spectator's state", 60);
  const compared = await crowd.compare(signal);

  const { due, delivered } = crowd.totals;
  const updates = joined === 0 ? 0 : due / joined;
  const perUpdate = (of: readonly number[]): number => (updates === 0 ? 0 : spent(from, to, of) / updates);
  const floorMs = perUpdate(pids) / cpus().length;
  boundSeats(crowd, count, report);
  boundDelivery(crowd, { updates, seconds, floorMs, p99LimitMs: joined <= FAST_COUNT ? FAST_MS : 0 }, report);
  const right = boundContent(compared, house.truth, joined, report);
  noteHarness(crowd, report);
  const each = (ms: number): number => (joined === 0 ? 0 : round3((ms * 1_000) / joined));
  const wall = to.at - from.at;
  return {
    connected: joined,
    joinsPerSecond: Math.round(joined / joinSeconds),
    updates: round3(updates),
    delivered,
    compared: right,
    floorMs: round3(floorMs),
    ...timesOf(report),
    perSpectatorAndUpdate: {
      relayUs: each(perUpdate(relayPids)),
      loadUs: each(perUpdate(crowd.pids)),
    },
    relayBytesPerSpectator: joined === 0 ? 0 : Math.round((full - empty) / joined),
    kernelBytesPerConnection: joined === 0 ? 0 : Math.round((to.slab - slabBefore) / joined),
    coresUsed: round3((to.machineBusyMs - from.machineBusyMs) / wall),
    behindAtTheEnd: compared.behind,
    loadLagMs: Math.round(crowd.totals.worstLagMs),
  };
}

async function memoryOf(pids: readonly number[]): Promise<number> {
  let sum = 0;
  for (const pid of pids) sum += (await readProcess(pid))?.memory ?? 0;
  return sum;
}
