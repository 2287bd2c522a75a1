/**
 * One clock for all processes of a deployment: Redis' (R3). Rounds open, go dark and close, seats and tokens end at the
 * same moment whatever the hosts' clocks say. Owns: asking Redis, how far its answer can be trusted, the metric of how far
 * this host is off. Does not own: keeping time between two answers (steady-time.ts).
 *
 * Time passes by the machine's monotonic clock, so that a host whose clock is set while it runs is not thrown off; with
 * Redis away it goes on as it was. Log lines keep the host's clock, and the auditor judges by its own (M4).
 */
import type { Logger } from "./logger.ts";
import { gauge } from "./metrics.ts";
import type { Redis } from "./redis.ts";
import { SteadyTime } from "./steady-time.ts";

/** Between two measurements, ms; and how often the host's clock is looked at. */
const EVERY_MS = 5_000;
const LOOK_MS = 1_000;
/** Round trips of a measurement: the shortest says most. */
const TRIPS = 5;
/** A round trip this short is good enough, ms. */
const SHORT_MS = 1;
/** The host's clock against the monotonic one in a second, ms: beyond this it was set, or the machine slept. */
const SET_MS = 200;
/** What the first measurement may take, ms. */
const FIRST_MS = 2_000;
/** Said in the log once the host is off by more, ms. */
const WORTH_SAYING_MS = 1_000;

export interface ClusterClockDeps {
  redis: Pick<Redis, "time">;
  logger: Pick<Logger, "warn" | "info">;
  /** The host's clock, ms since the epoch. */
  host(): number;
  /** ms of a clock that never goes back. */
  mono(): number;
  /** Calls back after ms; what it gives back calls it off. */
  after(ms: number, run: () => void): () => void;
}

export interface ClusterClock {
  /** ms since the epoch, whole; never less than it said before. Can be passed on by itself. */
  readonly now: () => number;
  /** Asks Redis now. Does not reject: without an answer time goes on as it did. */
  measure(): Promise<void>;
  stop(): void;
}

interface Trip {
  /** ms of the monotonic clock. */
  sentAt: number;
  heardAt: number;
  /** Redis' time in between, ms. */
  time: number;
}

/** The clock, measured once already where Redis answers. The metric is `mr_clock_offset_seconds`. */
export async function startClusterClock(deps: ClusterClockDeps): Promise<ClusterClock> {
  const clock = new RedisClock(deps);
  // A Redis that is not there yet keeps nobody waiting: its time is asked for again and again.
  await Promise.race([clock.measure(), new Promise<void>((resolve) => deps.after(FIRST_MS, resolve))]);
  clock.start();
  return clock;
}

/** The same by this machine's clocks and timers, which keep no process alive. */
export const startHostClock = (deps: Pick<ClusterClockDeps, "redis" | "logger">): Promise<ClusterClock> =>
  startClusterClock({
    ...deps,
    host: Date.now,
    mono: () => performance.now(),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      timer.unref();
      return () => clearTimeout(timer);
    },
  });

class RedisClock implements ClusterClock {
  private readonly deps: ClusterClockDeps;
  private readonly time: SteadyTime;
  private readonly offset = gauge(
    "mr_clock_offset_seconds",
    "This host's clock less the deployment's, which is Redis'; below zero where the host is behind.",
  );
  private last = 0;
  private isMeasured = false;
  private isSaid = false;
  private measuring: Promise<void> | undefined;
  private callOff = (): void => undefined;
  private stopped = false;
  /** The host's clock against the monotonic one. */
  private hostAhead: number;
  private measuredAt = Number.NEGATIVE_INFINITY;

  constructor(deps: ClusterClockDeps) {
    this.deps = deps;
    const mono = deps.mono();
    this.hostAhead = deps.host() - mono;
    this.time = new SteadyTime(mono, deps.host());
  }

  readonly now = (): number => {
    this.last = Math.max(this.last, Math.floor(this.time.at(this.deps.mono())));
    return this.last;
  };

  start(): void {
    this.callOff = this.deps.after(LOOK_MS, () => {
      this.look();
      if (!this.stopped) this.start();
    });
  }

  stop(): void {
    this.stopped = true;
    this.callOff();
  }

  measure(): Promise<void> {
    this.measuring ??= this.ask().finally(() => {
      this.measuring = undefined;
    });
    return this.measuring;
  }

  private look(): void {
    const { host, mono, logger } = this.deps;
    const ahead = host() - mono();
    const wasSet = Math.abs(ahead - this.hostAhead) > SET_MS;
    if (wasSet)
      logger.warn({ byMs: Math.round(ahead - this.hostAhead) }, "this host's clock was set, or it slept");
    this.hostAhead = ahead;
    if (wasSet || mono() - this.measuredAt >= EVERY_MS) void this.measure();
  }

  private async ask(): Promise<void> {
    const { mono, host, logger } = this.deps;
    this.measuredAt = mono();
    try {
      const { sentAt, heardAt, time } = await this.shortest();
      const at = mono();
      // Redis said it at some moment between the question and the answer.
      const low = time + at - heardAt;
      const high = time + at - sentAt;
      if (this.isMeasured || this.last > 0) this.time.correct(at, low, high);
      else this.time.set(at, (low + high) / 2);
      this.isMeasured = true;
      this.tell(host() - (low + high) / 2);
    } catch (err) {
      logger.warn({ err }, "Redis does not tell its time: this process' clock goes on as it did");
    }
  }

  private async shortest(): Promise<Trip> {
    const { redis, mono } = this.deps;
    let best: Trip | undefined;
    for (let n = 0; n < TRIPS; n++) {
      const sentAt = mono();
      const [seconds = 0, micros = 0] = (await redis.time()).map(Number);
      const trip = { sentAt, heardAt: mono(), time: seconds * 1_000 + micros / 1_000 };
      if (best === undefined || tookOf(trip) < tookOf(best)) best = trip;
      if (tookOf(best) <= SHORT_MS) break;
    }
    if (best === undefined) throw new RangeError("no round trip was made");
    return best;
  }

  /** `aheadMs`: this host's clock less Redis'. */
  private tell(aheadMs: number): void {
    this.offset.set(aheadMs / 1_000);
    const isOff = Math.abs(aheadMs) > WORTH_SAYING_MS;
    if (isOff === this.isSaid) return;
    this.isSaid = isOff;
    const { logger } = this.deps;
    const byMs = { aheadMs: Math.round(aheadMs) };
    if (isOff) logger.warn(byMs, "this host's clock is not Redis': is NTP running on both?");
    else logger.info(byMs, "this host's clock agrees with Redis' again");
  }
}

const tookOf = ({ sentAt, heardAt }: Trip): number => heardAt - sentAt;
