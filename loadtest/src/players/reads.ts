/** REST reads at an even pace beside a load, and the floor of an empty route under the same load. Owns: both. */
import { setTimeout as delay } from "node:timers/promises";
import type { Histogram } from "../report/index.ts";
import { atPace, type PaceOptions } from "./pace.ts";

const PATHS = [
  "/api/rounds/current",
  "/api/rounds",
  "/api/gallery",
  "/api/leaderboard?window=day",
  "/api/stats",
  "/api/audience/seat",
];
const EMPTY = "/healthz";
const ANSWER_MS = 10_000;
const REST_MS = 5;

export interface ReadTimes {
  reads: Histogram;
  floor: Histogram;
}

/** Reads until the pace is through; the answer is how many failed. */
export async function readAlong(
  url: string,
  pace: PaceOptions,
  times: ReadTimes,
  signal: AbortSignal,
): Promise<number> {
  let failed = 0;
  const under: Promise<void>[] = [];
  const read = async (path: string, dueAt: number, into: Histogram): Promise<void> => {
    try {
      const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(ANSWER_MS) });
      await response.arrayBuffer();
      if (!response.ok) failed++;
    } catch {
      // No answer at all is as wrong as a refusal, and counted as one.
      failed++;
    }
    into.record(performance.now() - dueAt);
  };
  await atPace(pace, { now: () => performance.now(), rest: () => delay(REST_MS), signal }, (index, dueAt) => {
    const half = index >> 1;
    under.push(
      index % 2 === 0
        ? read(PATHS[half % PATHS.length] ?? EMPTY, dueAt, times.reads)
        : read(EMPTY, dueAt, times.floor),
    );
  });
  await Promise.all(under);
  return failed;
}
