/**
 * What a crowd's run came to: bounds and figures every scenario with spectators states. Owns: the comparison with the
 * truth, deliveries, the machine's floor. Does not own: the order of things.
 */
import { cpus } from "node:os";
import type { Report } from "../report/index.ts";
import { readMachine, readProcess } from "../report/proc.ts";
import { type Compared, type Crowd, JOIN_TIME, LATENCY } from "./index.ts";
import type { Truth } from "./truth.ts";

const none = (report: Report, name: string, value: number): void =>
  report.bound({ name, value, limit: 0, unit: "", holds: value === 0 });

const sumOf = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((a, b) => a + b, 0);

/** Bounds on what spectators hold: each one's decoded state is the round's at that moment. Returns how many are right. */
export function boundContent(compared: Compared, truth: Truth, joined: number, report: Report): number {
  let right = 0;
  let wrong = 0;
  let unknown = 0;
  for (const { hash, serverTime, spectators } of compared.held) {
    const expected = truth.at(serverTime);
    if (expected === undefined) unknown += spectators;
    else if (expected === hash) right += spectators;
    else wrong += spectators;
  }
  none(report, "spectators whose state is not the round's", wrong);
  none(report, "spectators at a moment the round was never in", unknown);
  none(report, "spectators that missed, or got twice, a frame", compared.odd);
  report.bound({
    name: "spectators whose decoded state was compared",
    value: right + wrong + unknown,
    limit: joined,
    unit: "",
    holds: right + wrong + unknown === joined,
  });
  return right;
}

/** Bounds on who got in and who stayed. */
export function boundSeats(crowd: Crowd, count: number, report: Report): void {
  const { joined, failed, gone } = crowd.totals;
  for (const [reason, times] of failed) report.note(`${times} did not get in: ${reason}`);
  for (const [reason, times] of gone) report.note(`${times} were closed: ${reason}`);
  report.bound({
    name: "spectators connected",
    value: joined,
    limit: count,
    unit: "",
    holds: joined >= count,
  });
  none(report, "spectators that did not get in", sumOf(failed));
  none(report, "spectators that were closed", sumOf(gone));
}

/** CPU of all processes of a run, and what the kernel holds. */
export interface Usage {
  cpuMs: number;
  byPid: Map<number, number>;
  machineBusyMs: number;
  slab: number;
  at: number;
}

export async function usageOf(pids: readonly number[]): Promise<Usage> {
  const byPid = new Map<number, number>();
  for (const pid of pids) byPid.set(pid, (await readProcess(pid))?.cpuMs ?? 0);
  const machine = await readMachine();
  return {
    cpuMs: [...byPid.values()].reduce((a, b) => a + b, 0),
    byPid,
    machineBusyMs: machine?.busyMs ?? 0,
    slab: machine?.slab ?? 0,
    at: performance.now(),
  };
}

/** ms of CPU these processes took between the two. */
export const spent = (from: Usage, to: Usage, pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + (to.byPid.get(pid) ?? 0) - (from.byPid.get(pid) ?? 0), 0);

export interface DeliveryWish {
  /** Updates a spectator got while measuring. */
  updates: number;
  /** All CPU time of one update, both ends, over the machine's cores, ms: nothing can be through sooner. */
  floorMs: number;
  /** Bound on p99, ms, beside the one from the floor; 0 for none. */
  p99LimitMs: number;
  /** Least share of updates a second that has to come. */
  seconds: number;
}

const FLOOR_FACTOR = 1.2;

/** Bounds on the updates: all delivered, once a second, in time. */
export function boundDelivery(crowd: Crowd, wish: DeliveryWish, report: Report): void {
  const { delivered, due } = crowd.totals;
  const p99 = report.histogram(LATENCY, "ms").percentile(0.99);
  report.bound({
    name: "share of updates delivered",
    value: due === 0 ? 0 : delivered / due,
    limit: 1,
    unit: "",
    holds: due > 0 && delivered >= due,
  });
  report.bound({
    name: "updates a second, each spectator",
    value: wish.updates / wish.seconds,
    limit: 0.9,
    unit: "/s",
    holds: wish.updates / wish.seconds >= 0.9,
  });
  const limit = Math.max(FLOOR_FACTOR * wish.floorMs, wish.p99LimitMs);
  report.bound({
    name: "change to spectator, p99",
    value: p99,
    limit,
    unit: "ms",
    holds: p99 <= limit,
    floor: wish.floorMs,
    ratio: p99 / wish.floorMs,
  });
}

/** Says whether the load generators themselves were in the way. */
export function noteHarness(crowd: Crowd, report: Report): void {
  const { worstLagMs } = crowd.totals;
  report.note(
    `The load generators' own event loops were up to ${Math.round(worstLagMs)} ms late (p99 of a second); ` +
      `that time is part of the latencies, on the same ${cpus().length} cores.`,
  );
}

export const round3 = (value: number): number => Number(value.toPrecision(3));

/** Percentiles of joining and of latency for the last line. */
export const timesOf = (report: Report) => {
  const of = (name: string) => {
    const times = report.histogram(name, "ms");
    return times.count === 0
      ? undefined
      : { p50Ms: round3(times.percentile(0.5)), p99Ms: round3(times.percentile(0.99)) };
  };
  return { join: of(JOIN_TIME), latency: of(LATENCY) };
};
