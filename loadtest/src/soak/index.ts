/**
 * A game that runs for long: round after round with the same players and spectators, and whether anything grows. Owns: the
 * order and the bounds on growth a round, over the second half of the run. Does not own: playing (players/), reading what
 * may grow (gauges.ts).
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import { createRedis, type Redis } from "../../../server/src/infra/redis.ts";
import { type Game, gameFor } from "../game.ts";
import type { Values } from "../options.ts";
import { Backers } from "../players/backers.ts";
import { Boosting } from "../players/boosting.ts";
import { missingIn } from "../players/kept.ts";
import type { Report } from "../report/index.ts";
import type { Outcome } from "../run.ts";
import { readSnapshot } from "../smoke/outside.ts";
import { Audience } from "./audience.ts";
import { Lowest, type Reading, readMetrics, readProcesses, readRedis } from "./gauges.ts";
import { ENOUGH_ROUNDS, slopeOf, steadyPart } from "./growth.ts";

const options = {
  minutes: { value: 10, min: 1, max: 10_080, help: "how long, min" },
  players: { value: 20, min: 4, max: 500, help: "players, the same in every round" },
  spectators: { value: 100, min: 0, max: 2_000, help: "spectators" },
  rate: { value: 20, min: 1, max: 500, help: "boosts a second, of all players" },
  "round-seconds": { value: 20, min: 20, max: 600, help: "length of a round, s" },
} as const;
type Wanted = Values<typeof options>;

export const soak = {
  summary: "players and spectators in round after round; memory, descriptors, Redis and handles may not grow",
  options,
  run,
};

const BLOCK_SECONDS = 2;
const LOOK_MS = 200;
/** A round is joined when at least this share of it is left. */
const FRESH = 0.75;
/** Boosts end this long before the close, so that every one is answered in its round, ms. */
const LAST_MS = 2_000;
/** After the close, before anything is read: settling and leaving are part of a round, ms. */
const SETTLE_MS = 3_000;

const KB = 1_024;
/** What a finished round may leave in Redis for its result, its picture's row, its payouts; and for each record. */
const KEPT_OF_ROUND = 64 * KB;
const KEPT_OF_RECORD = 1.5 * KB;
const LOOK_AT_HEAP_MS = 2_000;

/** Growth a round that is too much; undefined for what may grow. */
function limitOf(name: string, recordsOfRound: number): number | undefined {
  if (/^heap|^memory outside/.test(name)) return 256 * KB;
  if (name.startsWith("memory of")) return 1_024 * KB;
  if (/^descriptors|^connections/.test(name)) return 0.25;
  if (name.startsWith("timers")) return 0.5;
  return name === "data in Redis" ? KEPT_OF_ROUND + KEPT_OF_RECORD * recordsOfRound : undefined;
}

interface Soak {
  wanted: Wanted;
  game: Game;
  backers: Backers;
  audience: Audience;
  redis: Redis;
  redisUrl: string;
  report: Report;
  signal: AbortSignal;
  lowest: Lowest;
  /** One list a gauge, one value a round. */
  seen: Map<string, { unit: string; values: number[] }>;
  counts: { rounds: number; boosts: number; refused: number; unanswered: number; missing: number };
}

async function run(wanted: Wanted, signal: AbortSignal, report: Report): Promise<Outcome> {
  const game = await gameFor(
    "",
    { roundSeconds: wanted["round-seconds"], blockSeconds: BLOCK_SECONDS, games: 1, workers: 1 },
    signal,
    report,
  );
  const redisUrl = game.own?.redisUrl ?? "";
  const redis = createRedis(redisUrl);
  const soaking: Soak = {
    wanted,
    game,
    backers: new Backers(game.url, signal, () => undefined),
    audience: new Audience(game.url, wanted.spectators),
    redis,
    redisUrl,
    report,
    signal,
    lowest: new Lowest(),
    seen: new Map(),
    counts: { rounds: 0, boosts: 0, refused: 0, unanswered: 0, missing: 0 },
  };
  let ok = false;
  try {
    await playRounds(soaking);
    ok = judge(soaking);
    return { ok, figures: figuresOf(soaking) };
  } finally {
    redis.disconnect();
    await game.stop(!ok && !signal.aborted);
  }
}

/** Until the time is over or somebody ends it; what was seen until then stays. */
async function playRounds(soaking: Soak): Promise<void> {
  const { wanted, backers, audience, report, signal, counts } = soaking;
  const end = performance.now() + wanted.minutes * 60_000;
  const leaving = new AbortController();
  const both = AbortSignal.any([signal, leaving.signal]);
  const watching = audience.watch(both);
  const telling = setInterval(() => {
    report.point("connections", "spectators", audience.seated);
    report.point("boosts", "accepted so far", counts.boosts);
  }, 1_000);
  const looking = lookAtHeap(soaking, both);
  try {
    report.phase("signing in, coins, pictures");
    await backers.gather(wanted.players);
    while (performance.now() < end && !signal.aborted) {
      const left = Math.round((end - performance.now()) / 1_000);
      report.phase(`round ${counts.rounds + 1}, ${Math.ceil(left / 60)} min left`, wanted["round-seconds"]);
      await playRound(soaking, await freshRound(soaking));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(telling);
    leaving.abort();
    await watching;
    await looking;
  }
}

async function lookAtHeap({ game, lowest }: Soak, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // One that is not answered is as good as one less: the rounds themselves tell when the game is gone.
    lowest.see(await readMetrics(game.url).catch(() => []));
    await delay(LOOK_AT_HEAP_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function freshRound({ game, wanted, signal }: Soak): Promise<Snapshot> {
  const needed = wanted["round-seconds"] * 1_000 * FRESH;
  for (;;) {
    // Between two rounds there is none for a moment.
    const round = await readSnapshot(game.url).catch(() => undefined);
    if (round !== undefined && round.closesAt - round.serverTime >= needed) return round;
    await delay(LOOK_MS, undefined, { signal });
  }
}

async function playRound(soaking: Soak, round: Snapshot): Promise<void> {
  const { wanted, backers, report, signal, counts, redisUrl } = soaking;
  const { rate, players } = wanted;
  try {
    const seconds = (round.closesAt - round.serverTime) / 1_000;
    await backers.takeSeats(round, Math.ceil((rate * seconds) / players), round.minBoost);
    const leftMs = round.closesAt - Date.now() - LAST_MS;
    const boosting = new Boosting(backers.all, report.histogram("acknowledgement", "ms"), report);
    await boosting.run({ rate, seconds: Math.max(1, leftMs / 1_000) }, signal);
    counts.boosts += boosting.kept.length;
    counts.refused += boosting.refused;
    counts.unanswered += boosting.unanswered;
    counts.missing += await missingIn(redisUrl, round.roundId, boosting.kept);
    await delay(Math.max(0, round.closesAt - Date.now()) + SETTLE_MS, undefined, { signal });
    counts.rounds++;
  } finally {
    await backers.leave();
  }
  await read(soaking);
  await backers.comeBack();
}

/** Everything that may grow, once. */
async function read({ game, redis, report, seen, lowest }: Soak): Promise<void> {
  const watched = (game.own?.services ?? []).map(({ child }) => ({
    name: child.options.name,
    pid: child.pid,
  }));
  const readings: Reading[] = [
    ...(await readProcesses(watched)),
    ...lowest.take(),
    ...(await readRedis(redis)),
  ];
  for (const { name, value, unit } of readings) {
    const known = seen.get(name) ?? { unit, values: [] };
    known.values.push(value);
    seen.set(name, known);
    if (!/^(memory|descriptors) of/.test(name))
      report.point(
        unit === "bytes" ? "memory after each round" : "counts after each round",
        name,
        value,
        unit,
      );
  }
}

function judge({ seen, counts, audience, report, wanted }: Soak): boolean {
  const none = (name: string, value: number): void =>
    report.bound({ name, value, limit: 0, unit: "", holds: value === 0 });
  none("boosts refused", counts.refused);
  none("boosts that nobody answered", counts.unanswered);
  none("acknowledged boosts that the journal does not hold", counts.missing);
  none("times a spectator found no seat for 15 s", audience.leftOut);
  const steady = Math.ceil(counts.rounds / 2);
  if (steady < ENOUGH_ROUNDS) {
    report.note(`Growth is not judged: ${steady} rounds in the second half, ${ENOUGH_ROUNDS} are needed.`);
    return counts.rounds > 0;
  }
  for (const [name, { unit, values }] of seen) {
    const limit = limitOf(name, counts.boosts / counts.rounds + wanted.players);
    const value = slopeOf(steadyPart(values));
    if (limit !== undefined)
      report.bound({ name: `growth a round: ${name}`, value, limit, unit, holds: value <= limit });
  }
  return counts.rounds > 0;
}

function figuresOf({ seen, counts, audience, wanted }: Soak): object {
  const { seats, updates } = audience;
  const growth = [...seen].map(([name, { values }]) => [
    name,
    Number(slopeOf(steadyPart(values)).toPrecision(3)),
  ]);
  return {
    ...counts,
    players: wanted.players,
    spectators: wanted.spectators,
    seats,
    updates,
    growth: Object.fromEntries(growth),
  };
}
