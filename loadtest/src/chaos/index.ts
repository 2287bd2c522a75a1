/**
 * Chaos: players boost all the time while the process that hosts their round is killed, stalled or loses its Redis, again
 * and again (R1, R5, R9). Owns: the order of it all and the bounds. Does not own: any part.
 */
import { setTimeout as delay } from "node:timers/promises";
import { createRedis, type Redis } from "../../../server/src/infra/redis.ts";
import { readStored } from "../../../server/src/round/journal-store.ts";
import { type Cluster, startCluster } from "../money/cluster.ts";
import { Random } from "../money/random.ts";
import type { Values } from "../options.ts";
import type { Report } from "../report/index.ts";
import { type Fault, hostOf, strike } from "./faults.ts";
import { judge } from "./judge.ts";
import { prepare, type Stage } from "./stage.ts";
import type { Promised, SteadyPlayer } from "./steady.ts";
import { Watcher } from "./watcher.ts";

const options = {
  kills: { value: 20, min: 1, max: 1_000, help: "kill -9 of the round's host" },
  stalls: { value: 3, min: 0, max: 1_000, help: "stalls of it, longer than its lease" },
  redis: { value: 2, min: 0, max: 1_000, help: "restarts of Redis by kill -9" },
  players: { value: 20, min: 1, max: 500, help: "players who boost all the time" },
  spectators: { value: 100, min: 0, max: 2_000, help: "spectators" },
  games: { value: 3, min: 2, max: 6, help: "game processes" },
  "every-ms": { value: 250, min: 20, max: 10_000, help: "ms between a player's boosts, about" },
  seconds: { value: 240, min: 30, max: 7_200, help: "no more faults after so long, s" },
  seed: { value: 1, min: 0, max: 2 ** 32 - 1, help: "seed of the moments and the order of faults" },
} as const;
type Wanted = Values<typeof options>;

export const chaos = {
  summary:
    "kills, stalls and Redis restarts under boosting players; nobody waits 5 s, nothing promised is lost",
  options,
  run,
};

/** Issue 6: players act again within this time, ms. */
const LIVE_MS = 5_000;
/** After that a fault is counted as never survived. */
const GIVE_UP_MS = 20_000;
/** Unanswered commands at the end are waited for so long, ms. */
const GRACE_MS = 15_000;
const LOOK_MS = 5;

interface Run {
  wanted: Wanted;
  cluster: Cluster;
  redis: Redis;
  stage: Stage;
  watchers: Watcher[];
  report: Report;
  random: Random;
  signal: AbortSignal;
  /** Processes that are being started again. */
  repairs: Set<Promise<void>>;
}

interface Survived {
  fault: Fault;
  /** ms until each player had an answer from the round's next host, until each spectator saw it move. */
  players: number[];
  spectators: number[];
}

async function run(
  wanted: Wanted,
  signal: AbortSignal,
  report: Report,
): Promise<{ ok: boolean; figures: object }> {
  report.phase("processes start", 60);
  const { games, players, seed } = wanted;
  const roundSeconds = lengthOf(Date.now(), wanted.seconds + 180);
  const cluster = await startCluster({ roundSeconds, blockSeconds: 5, games, workers: 0 }, signal);
  const redis = createRedis(cluster.redisUrl);
  redis.on("error", () => undefined); // It is killed on purpose.
  const urls = () => cluster.services.filter(({ role }) => role === "game").map(({ url }) => url);
  const ending = new AbortController();
  const doing: Promise<void>[] = [];
  let keep = true;
  try {
    for (const { role, child } of cluster.services)
      if (child.pid) report.watch(`${role} ${child.pid}`, child.pid);
    report.phase("players deposit", 60);
    const stage = await prepare({ players, everyMs: wanted["every-ms"], seed }, urls, signal);
    const random = new Random(seed + 1);
    const draw = random.fork();
    const watchers = Array.from(
      { length: wanted.spectators },
      (_, index) => new Watcher(index, { urls, now: Date.now, random: () => draw.next() }),
    );
    for (const one of watchers) doing.push(one.watch(ending.signal));
    const playing = new AbortController();
    const played = stage.players.map((one) => one.play(stage.memeId, stage.round, playing.signal, GRACE_MS));
    const repairs = new Set<Promise<void>>();
    const survived = await strikes({
      wanted,
      cluster,
      redis,
      stage,
      watchers,
      report,
      random,
      signal,
      repairs,
    });
    report.phase("the last answers come in", GRACE_MS / 1_000);
    playing.abort();
    await Promise.all(played);
    const figures = await settle(survived, stage, redis, report, wanted);
    keep = !figures.ok;
    return figures;
  } finally {
    ending.abort();
    await Promise.all(doing);
    redis.disconnect();
    if (keep) report.note(`Logs are in ${cluster.folder}`);
    await cluster.stop(keep);
  }
}

/** s: a round that has begun by now and goes on for `needed` s at least; the shortest of at least an hour. */
function lengthOf(now: number, needed: number): number {
  for (let length = 3_600; ; length += 60) {
    const left = length - (Math.floor(now / 1_000) % length);
    if (left > needed + 0.05 * length) return length;
  }
}

async function strikes(one: Run): Promise<Survived[]> {
  const { wanted, report, random, signal } = one;
  const faults: Fault[] = [
    ...Array.from({ length: wanted.kills }, () => "kill" as const),
    ...Array.from({ length: wanted.stalls }, () => "stall" as const),
    ...Array.from({ length: wanted.redis }, () => "redis" as const),
  ];
  const out: Survived[] = [];
  const end = Date.now() + wanted.seconds * 1_000;
  while (faults.length > 0 && !signal.aborted && Date.now() < end) {
    const [fault] = faults.splice(random.int(0, faults.length - 1), 1);
    if (fault === undefined) break;
    report.phase(`fault ${out.length + 1}: ${fault}`, GIVE_UP_MS / 1_000);
    await delay(random.int(100, 1_500), undefined, { signal }).catch(() => undefined);
    await until(() => (gamesUp(one.cluster) >= 2 ? true : undefined));
    if (signal.aborted) break;
    out.push(await survive(fault, one));
  }
  await Promise.all(one.repairs);
  return out;
}

const gamesUp = (cluster: Cluster): number =>
  cluster.services.filter(({ role, child }) => role === "game" && child.isUp).length;

async function survive(fault: Fault, one: Run): Promise<Survived> {
  const { cluster, redis, stage, watchers, report } = one;
  const host = await until(() => hostOf(cluster, redis));
  if (host === undefined) throw new Error("nobody hosts the round");
  const seats = stage.players.map((player) => player.seats);
  const { at, repaired } = await strike(fault, host, cluster);
  const struckAt = fault === "redis" ? Date.now() : at;
  const back = (player: SteadyPlayer, index: number) => {
    // After a takeover the answer comes from another seat; Redis takes nobody's.
    const isAfter = ({ answeredAt, seat }: Promised): boolean =>
      answeredAt > struckAt && (fault === "redis" || seat > (seats[index] ?? 0));
    return until(() => player.promised.find(isAfter)?.answeredAt);
  };
  const seen = (watcher: Watcher) =>
    until(() => (watcher.newest.serverTime > struckAt ? watcher.newest.seenAt : undefined));
  const [players, spectators] = await Promise.all([
    Promise.all(stage.players.map(back)),
    Promise.all(watchers.map(seen)),
  ]);
  const since = (time: number | undefined): number => (time ?? Number.POSITIVE_INFINITY) - at;
  const survived = { fault, players: players.map(since), spectators: spectators.map(since) };
  tell(survived, report);
  const repair = repaired().then(() => {
    one.repairs.delete(repair);
    if (host.child.pid && fault === "kill") report.watch(`game ${host.child.pid}`, host.child.pid);
  });
  one.repairs.add(repair);
  // A process that starts takes its time; one that stalls is not one of those that are up.
  if (fault === "stall") await repair;
  return survived;
}

function tell({ fault, players, spectators }: Survived, report: Report): void {
  for (const [who, times] of Object.entries({ player: players, spectator: spectators })) {
    const series = `${who} is back after ${fault}`;
    for (const ms of times) if (Number.isFinite(ms)) report.histogram(series, "ms").record(ms);
    if (times.length > 0)
      report.point("time to live again, slowest", series, Math.min(GIVE_UP_MS, Math.max(...times)), "ms");
  }
}

/** What `look` finds, or undefined when it finds nothing in time. */
async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T | undefined> {
  const end = Date.now() + GIVE_UP_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined || Date.now() > end) return found;
    await delay(LOOK_MS);
  }
}

const ofFault = (survived: readonly Survived[], fault: Fault, who: "players" | "spectators"): number[] =>
  survived.filter((one) => one.fault === fault).map((one) => Math.max(0, ...one[who]));

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;

async function settle(
  survived: readonly Survived[],
  { round, players }: Stage,
  redis: Redis,
  report: Report,
  wanted: Wanted,
): Promise<{ ok: boolean; figures: object }> {
  let ok = true;
  const bound = (name: string, value: number, limit: number, unit: string): void => {
    const holds = value <= limit;
    ok &&= holds;
    report.bound({ name, value, limit, unit, holds });
  };
  const figures: Record<string, unknown> = {};
  for (const fault of ["kill", "stall", "redis"] as const) {
    const slowest = ofFault(survived, fault, "players");
    if (slowest.length === 0) continue;
    const seen = ofFault(survived, fault, "spectators");
    const worst = Math.max(...slowest);
    figures[fault] = {
      count: slowest.length,
      playersP50Ms: median(slowest),
      playersWorstMs: worst,
      spectatorsP50Ms: median(seen),
      spectatorsWorstMs: Math.max(...seen),
    };
    // A stall is over when the lease is, and its players hear nothing of it: silence has to be noticed first.
    bound(`players act again after ${fault}, worst`, worst, LIVE_MS, "ms");
  }
  const journal = await readStored(redis, round.roundId);
  const promised = players.flatMap((one) => one.promised);
  const { lost, doubled, broken } = judge(promised, journal);
  for (const text of [...lost, ...doubled, ...broken].slice(0, 20)) report.note(text);
  bound("promised commands lost", lost.length, 0, "");
  bound("commands counted twice", doubled.length, 0, "");
  bound("breaks of the journal's chain", broken.length, 0, "");
  bound(
    "commands never answered",
    players.reduce((sum, { unanswered }) => sum + unanswered, 0),
    0,
    "",
  );
  bound(
    "commands refused",
    players.reduce((sum, { refused }) => sum + refused.length, 0),
    0,
    "",
  );
  bound("kills that did not happen", wanted.kills - ofFault(survived, "kill", "players").length, 0, "");
  const resent = promised.filter(({ sends }) => sends > 1).length;
  return { ok, figures: { ...figures, promised: promised.length, resent, records: journal.length } };
}
