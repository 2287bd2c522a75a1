/**
 * Players who back memes at a steady pace: real play wallets, signed vouchers, receipts, everything a page does. Owns: the
 * order, the bounds (500 a second acknowledged with a p99 under 100 ms, REST under 500 ms). Does not own: the parts.
 */
import { setTimeout as delay } from "node:timers/promises";
import { isGenuineReceipt } from "@meme-rounds/shared-schema/receipt";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import { type Game, gameFor } from "../game.ts";
import type { Values } from "../options.ts";
import type { Histogram, Report } from "../report/index.ts";
import type { Outcome } from "../run.ts";
import { readSnapshot } from "../smoke/outside.ts";
import { targetOptions } from "../target.ts";
import { Backers } from "./backers.ts";
import { Boosting } from "./boosting.ts";
import { measureFloor } from "./floor.ts";
import { missingIn } from "./kept.ts";
import { readAlong } from "./reads.ts";

const options = {
  count: { value: 200, min: 4, max: 2_000, help: "players" },
  rate: { value: 500, min: 1, max: 5_000, help: "boosts a second, of all of them" },
  seconds: { value: 30, min: 2, max: 400, help: "how long they boost, s" },
  ...targetOptions,
} as const;
type Wanted = Values<typeof options>;

export const players = {
  summary: "players with real play wallets boost at a steady pace; acknowledgements and REST under that load",
  options,
  run,
};

const ACK_P99_MS = 100;
/** The pace at which the bound on acknowledgements is stated. */
const ACK_RATE = 500;
const REST_P99_MS = 500;
const READS_PER_SECOND = 40;
/** Share of the pace that has to be accepted in its time. */
const KEPT_UP = 0.98;
const FLOOR_SECONDS = 5;
/** One receipt in so many is checked against the round's key. */
const CHECKED = 20;
/** How long a player takes to get into a room with a deposit, generously, s. */
const SEAT_S = 0.08;
const LOOK_MS = 250;
const MIN_ROUND_S = 20;
const MAX_ROUND_S = 600;

/** What has to be left of a round before anybody takes a seat, s. */
const neededSeconds = ({ count, seconds }: Wanted): number => Math.ceil(10 + count * SEAT_S + seconds);

async function run(wanted: Wanted, signal: AbortSignal, report: Report): Promise<Outcome> {
  const roundSeconds = Math.min(MAX_ROUND_S, Math.max(MIN_ROUND_S, neededSeconds(wanted) + 10));
  const game = await gameFor(
    wanted.target,
    { roundSeconds, blockSeconds: 0, games: 1, workers: 1 },
    signal,
    report,
  );
  let ok = false;
  try {
    const outcome = await play(game, wanted, signal, report);
    ok = outcome.ok;
    return outcome;
  } finally {
    await game.stop(!ok && !signal.aborted);
  }
}

async function play(game: Game, wanted: Wanted, signal: AbortSignal, report: Report): Promise<Outcome> {
  const { count, rate, seconds } = wanted;
  const floor = report.histogram("floor: bare socket and durable append", "ms");
  const backers = new Backers(game.url, signal, (what, done) => report.point("players", what, done));
  report.phase("signing in, coins, pictures", count);
  await backers.gather(count);
  report.phase("the floor", FLOOR_SECONDS);
  const redisUrl = game.own?.redisUrl;
  const floorRedis = redisUrl === undefined ? {} : { redisUrl };
  await measureFloor({ sockets: count, rate, seconds: FLOOR_SECONDS, ...floorRedis }, floor, signal);
  report.phase("waiting for a round with time enough", MAX_ROUND_S);
  const round = await roomyRound(game.url, neededSeconds(wanted), signal);
  report.phase("joining and depositing", count * SEAT_S);
  await backers.takeSeats(round, Math.ceil((rate * seconds) / count), round.minBoost);

  report.phase("boosting", seconds);
  const times = {
    reads: report.histogram("REST read", "ms"),
    floor: report.histogram("floor: empty route", "ms"),
  };
  const boosting = new Boosting(backers.all, report.histogram("acknowledgement", "ms"), report);
  // A few of the floor's messages beside the load: they tell what the machine's other work costs anybody at that time.
  const beside = report.histogram("floor beside the load", "ms");
  const probing = measureFloor({ ...probe(wanted), ...floorRedis }, beside, signal);
  const reading = readAlong(game.url, { rate: READS_PER_SECOND, seconds }, times, signal);
  await boosting.run({ rate, seconds }, signal);
  const failedReads = await reading;
  await probing;
  report.phase("comparing receipts with the journal", 30);
  const missing =
    redisUrl === undefined ? undefined : await missingIn(redisUrl, round.roundId, boosting.kept);
  const forged = boosting.kept.filter(
    (kept, at) => at % CHECKED === 0 && !isGenuineReceipt(round.roundTag, kept, round.receiptKey),
  ).length;
  await backers.leave();

  const acks = report.histogram("acknowledgement", "ms");
  const none = (name: string, value: number): void =>
    report.bound({ name, value, limit: 0, unit: "", holds: value === 0 });
  const perSecond = boosting.acceptedInTime / seconds;
  report.bound({
    name: `boosts accepted a second, of ${rate}`,
    value: perSecond,
    limit: rate * KEPT_UP,
    unit: "/s",
    holds: perSecond >= rate * KEPT_UP,
  });
  if (rate <= ACK_RATE)
    report.bound({
      name: `acknowledgement, p99, at ${rate} a second`,
      value: acks.percentile(0.99),
      limit: ACK_P99_MS,
      unit: "ms",
      holds: acks.percentile(0.99) < ACK_P99_MS,
      floor: floor.percentile(0.99),
    });
  report.bound({
    name: "REST read under this load, p99",
    value: times.reads.percentile(0.99),
    limit: REST_P99_MS,
    unit: "ms",
    holds: times.reads.percentile(0.99) < REST_P99_MS,
    floor: times.floor.percentile(0.99),
  });
  none("boosts refused", boosting.refused);
  none("boosts that nobody answered", boosting.unanswered);
  none("REST reads that failed", failedReads);
  none("receipts not signed by the round", forged);
  if (missing !== undefined) none("acknowledged boosts that the journal does not hold", missing);
  return {
    ok: boosting.kept.length > 0,
    figures: {
      players: count,
      acceptedPerSecond: Number(perSecond.toFixed(1)),
      accepted: boosting.kept.length,
      ack: latencyOf(acks),
      floor: latencyOf(floor),
      floorBesideTheLoad: latencyOf(beside),
      rest: latencyOf(times.reads),
      restFloor: latencyOf(times.floor),
    },
  };
}

/** A tenth of the load's pace, on a tenth of its sockets. */
const probe = ({ count, rate, seconds }: Wanted) => ({
  sockets: Math.ceil(count / 10),
  rate: Math.ceil(rate / 10),
  seconds,
});

const latencyOf = (times: Histogram) => ({
  p50Ms: Number(times.percentile(0.5).toPrecision(3)),
  p99Ms: Number(times.percentile(0.99).toPrecision(3)),
});

/** A round with `seconds` left for boosts, the live one or the next. */
async function roomyRound(url: string, seconds: number, signal: AbortSignal): Promise<Snapshot> {
  const end = performance.now() + (MAX_ROUND_S + 60) * 1_000;
  for (;;) {
    signal.throwIfAborted();
    // Between two rounds there is none for a moment.
    const round = await readSnapshot(url).catch(() => undefined);
    if (round !== undefined && round.closesAt - round.serverTime > seconds * 1_000) return round;
    if (performance.now() > end) throw new Error(`no round is long enough for ${seconds} s`);
    await delay(LOOK_MS, undefined, { signal });
  }
}
