/**
 * A rolling deploy under load (R11): players boost and spectators watch through nginx while every process is reloaded, one
 * after the other, by PM2. Owns: the order of it all and the bounds. Does not own: any part.
 */
import { setTimeout as delay } from "node:timers/promises";
import { createRedis, type Redis } from "../../../server/src/infra/redis.ts";
import { readStored } from "../../../server/src/round/journal-store.ts";
import { judge } from "../chaos/judge.ts";
import { prepare, type Stage } from "../chaos/stage.ts";
import { Watcher } from "../chaos/watcher.ts";
import { Random } from "../money/random.ts";
import type { Values } from "../options.ts";
import type { Report } from "../report/index.ts";
import { type Site, startSite } from "./site.ts";
import { type Parting, type Polls, poll, watchParting } from "./witness.ts";

const options = {
  players: { value: 20, min: 1, max: 200, help: "players who boost all the time" },
  spectators: { value: 200, min: 0, max: 2_000, help: "spectators" },
  seconds: { value: 60, min: 20, max: 3_600, help: "play at least so long, s; the reloads may take longer" },
  "drain-seconds": {
    value: 4,
    min: 0,
    max: 60,
    help: "DRAIN_SECONDS: shorter than the round, which is handed over",
  },
  "every-ms": { value: 250, min: 20, max: 10_000, help: "ms between a player's boosts, about" },
  seed: { value: 1, min: 0, max: 2 ** 32 - 1, help: "seed of who does what when" },
} as const;
type Wanted = Values<typeof options>;

export const rolling = {
  summary:
    "pm2 reload of every process behind nginx, under boosting players; no command fails, no round is lost",
  options,
  run,
};

const GRACE_MS = 15_000;
const POLL_MS = 50;
const LOOK_MS = 100;
/** What a pause may be, ms: R5's time for a crash, which a deploy must not need. */
const PAUSE_MS = 5_000;

async function run(
  wanted: Wanted,
  signal: AbortSignal,
  report: Report,
): Promise<{ ok: boolean; figures: object }> {
  report.phase("processes start", 90);
  const roundSeconds = lengthOf(Date.now(), wanted.seconds + 300);
  const drainSeconds = wanted["drain-seconds"];
  const site = await startSite({ roundSeconds, drainSeconds, games: 2, relays: 2 }, signal);
  const redis = createRedis(site.redisUrl);
  const ending = new AbortController();
  const doing: Promise<unknown>[] = [];
  let keep = true;
  try {
    await watchAll(site, report);
    const urls = () => [site.url];
    report.phase("players deposit", 60);
    const { players: count, seed } = wanted;
    const stage = await prepare({ players: count, everyMs: wanted["every-ms"], seed }, urls, signal);
    const draw = new Random(seed + 1);
    const watchers = Array.from(
      { length: wanted.spectators },
      (_, at) => new Watcher(at, { urls, now: Date.now, random: () => draw.next() }),
    );
    for (const one of watchers) doing.push(one.watch(ending.signal));
    const answered = report.histogram("REST through the edge", "ms");
    const polling = poll(site.url, POLL_MS, ending.signal, (ms) => answered.record(ms));
    const pauses = watchPauses(watchers, report, ending.signal);
    const playing = new AbortController();
    const startedAt = Date.now();
    const played = stage.players.map((one) => one.play(stage.memeId, stage.round, playing.signal, GRACE_MS));
    const reloaded = await reloadAll(site, stage, report);
    report.phase("play goes on");
    const left = startedAt + wanted.seconds * 1_000 - Date.now();
    await delay(Math.max(3_000, left), undefined, { signal }).catch(() => undefined);
    report.phase("the last answers come in", GRACE_MS / 1_000);
    playing.abort();
    await Promise.all(played);
    ending.abort();
    const result = await settle({
      stage,
      redis,
      report,
      polls: await polling,
      reloaded,
      pauses: await pauses,
    });
    keep = !result.ok;
    return result;
  } finally {
    ending.abort();
    await Promise.all(doing);
    redis.disconnect();
    if (keep) report.note(`Logs are in ${site.folder}`);
    await site.stop(keep);
  }
}

/** s: a round that has begun by now and goes on for `needed` s at least; the shortest of at least an hour. */
function lengthOf(now: number, needed: number): number {
  for (let length = 3_600; ; length += 60) {
    const left = length - (Math.floor(now / 1_000) % length);
    if (left > needed + 0.05 * length) return length;
  }
}

async function watchAll(site: Site, report: Report): Promise<void> {
  for (const [name, pid] of await site.pids()) report.watch(`${name} ${pid}`, pid);
}

interface Reloaded {
  /** Of all of them, ms. */
  ms: number;
  partings: Parting[];
  /** Names of processes that are the same as before. */
  kept: string[];
}

async function reloadAll(site: Site, { round }: Stage, report: Report): Promise<Reloaded> {
  report.phase("pm2 reload of every process", 180);
  const before = await site.pids();
  const seen = await Promise.all(site.faced.map((one) => watchParting(site.url, one, round.roundId)));
  const from = Date.now();
  await site.reload();
  const ms = Date.now() - from;
  const now = await site.pids();
  for (const [name, pid] of now) report.watch(`${name} ${pid}`, pid);
  const kept = [...now].filter(([name, pid]) => before.get(name) === pid).map(([name]) => name);
  return { ms, partings: seen.map((tell) => tell()), kept };
}

/** The longest time in which each spectator saw nothing move, ms. */
async function watchPauses(
  watchers: readonly Watcher[],
  report: Report,
  signal: AbortSignal,
): Promise<number[]> {
  const longest = watchers.map(() => 0);
  while (!signal.aborted) {
    const now = Date.now();
    let worst = 0;
    for (const [at, { newest }] of watchers.entries()) {
      if (newest.seenAt === 0) continue;
      const pause = now - newest.seenAt;
      worst = Math.max(worst, pause);
      longest[at] = Math.max(longest[at] ?? 0, pause);
    }
    report.point("since spectators last saw the round move", "slowest", worst, "ms");
    await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return longest;
}

interface Played {
  stage: Stage;
  redis: Redis;
  report: Report;
  polls: Polls;
  reloaded: Reloaded;
  pauses: readonly number[];
}

async function settle({ stage, redis, report, polls, reloaded, pauses }: Played) {
  const { players, round } = stage;
  let ok = true;
  const bound = (name: string, value: number, limit: number, unit: string): void => {
    const holds = value <= limit;
    ok &&= holds;
    report.bound({ name, value, limit, unit, holds });
  };
  const journal = await readStored(redis, round.roundId);
  const promised = players.flatMap((one) => one.promised);
  const { lost, doubled, broken } = judge(promised, journal);
  const refused = players.flatMap((one) => one.refused);
  for (const text of [...lost, ...doubled, ...broken, ...refused, ...polls.failed].slice(0, 20))
    report.note(text);
  const waits = promised.map(({ sentAt, answeredAt }) => answeredAt - sentAt);
  const answers = report.histogram("a boost's answer", "ms");
  for (const ms of waits) answers.record(ms);
  const count = (of: (one: Stage["players"][number]) => number): number =>
    players.reduce((sum, one) => sum + of(one), 0);
  bound("commands refused", refused.length, 0, "");
  bound(
    "commands never answered",
    count(({ unanswered }) => unanswered),
    0,
    "",
  );
  bound("promised commands lost", lost.length, 0, "");
  bound("commands counted twice", doubled.length, 0, "");
  bound("breaks of the journal's chain", broken.length, 0, "");
  bound("REST calls failed", polls.failed.length, 0, "");
  const live = await redis.get("mr:live:main");
  bound("rounds lost", live?.includes(`"${round.roundId}"`) === true && promised.length > 0 ? 0 : 1, 0, "");
  bound("processes that were not replaced", reloaded.kept.length, 0, "");
  const { partings } = reloaded;
  const early = partings.filter(
    ({ unreadyAt, closedAt }) => unreadyAt === undefined || (closedAt !== undefined && closedAt < unreadyAt),
  );
  bound("processes that closed a socket before /readyz said no", early.length, 0, "");
  bound("a boost's answer, worst", Math.max(0, ...waits), PAUSE_MS, "ms");
  bound("a spectator's pause, worst", Math.max(0, ...pauses), PAUSE_MS, "ms");
  return {
    ok,
    figures: {
      promised: promised.length,
      resent: promised.filter(({ sends }) => sends > 1).length,
      seatsTaken: count(({ seats }) => seats),
      polls: polls.asked,
      worstAnswerMs: Math.max(0, ...waits),
      worstPauseMs: Math.max(0, ...pauses),
      reloadMs: reloaded.ms,
      socketsClosedAfterUnreadyMs: Object.fromEntries(
        partings.map(({ name, unreadyAt, closedAt }) => [
          name,
          unreadyAt === undefined || closedAt === undefined ? null : closedAt - unreadyAt,
        ]),
      ),
    },
  };
}
