/**
 * The circuit breaker before AITubo, one for the whole cluster (C3). Owns: when AITubo is not asked at all, its state in
 * Redis (`mr:aitubo:breaker`), the metrics mr_aitubo_*. Does not own: what an error means (answers.ts), and what a job
 * does while the breaker is open (look.ts).
 *
 * closed: calls go through. open: none does, until a time. half-open: after that time one call at a time goes through
 * as a probe; its success closes the breaker, its failure opens it for twice as long.
 */
import { z } from "zod";
import type { Logger } from "../../infra/logger.ts";
import { counter, gauge } from "../../infra/metrics.ts";
import { type Redis, runScript, script } from "../../infra/redis.ts";
import { AituboError, type AituboErrorKind } from "./answers.ts";

export interface BreakerState {
  state: "closed" | "open" | "half-open";
  /** Why it opened last; absent when closed. */
  reason?: AituboErrorKind;
  /** When calls are tried again, ms; absent when closed. */
  until?: number;
}

export interface BreakerOptions {
  /** Failures in a row that open it. */
  failures?: number;
  /** First opening, ms; doubled by every failed probe, up to `maxOpenMs`. */
  openMs?: number;
  maxOpenMs?: number;
  /** When the credit is used up or the key refused, ms: a person has to do something. */
  longOpenMs?: number;
  /** A probe that does not come back within this, ms, does not keep others from probing. Longer than a call may take. */
  probeMs?: number;
}

export interface BreakerDeps {
  redis: Redis;
  logger: Logger;
  now(): number;
}

const KEY = "mr:aitubo:breaker";
/** A state nobody touched for so long is forgotten, ms: what went wrong then says nothing about now. */
const FORGET_MS = 86_400_000;

/**
 * KEYS[1] breaker. ARGV: now, probeMs, call, lookMs. Answers {ms to wait, why it is open}; 0 when the call may go. After
 * an opening has passed, one caller is let through until its probe time ends; the others look again every lookMs. Jobs
 * that are paid for are asked about even where there is no credit for more.
 */
const enter = script(
  "aitubo-breaker-enter",
  `local till = tonumber(redis.call('hget', KEYS[1], 'until') or '0')
  if till == 0 then return {0, ''} end
  local why = redis.call('hget', KEYS[1], 'reason') or ''
  if ARGV[3] == 'poll' and why == 'credit' then return {0, ''} end
  local now = tonumber(ARGV[1])
  if now < till then return {till - now, why} end
  local probe = tonumber(redis.call('hget', KEYS[1], 'probe') or '0')
  if now < probe then return {math.min(probe - now, tonumber(ARGV[4])), why} end
  redis.call('hset', KEYS[1], 'probe', string.format('%d', now + tonumber(ARGV[2])))
  return {0, ''}`,
);

/**
 * KEYS[1] breaker. ARGV: now. A call went well: answers 1 when that closed it. While it is open the call was under way
 * before that, or is of the kind that may go on: it says nothing about what opened it.
 */
const succeed = script(
  "aitubo-breaker-succeed",
  `local till = tonumber(redis.call('hget', KEYS[1], 'until') or '0')
  if till > tonumber(ARGV[1]) then return 0 end
  redis.call('del', KEYS[1])
  if till > 0 then return 1 end
  return 0`,
);

/**
 * KEYS[1] breaker. ARGV: now, failures that open, openMs, maxOpenMs, fixedMs (0, or how long this failure opens it
 * whatever came before), reason, forgetMs. Answers the time until which it is open, 0 when it is not. What fails while
 * it is open already was under way before: only a fixed time longer than the rest changes anything.
 */
const fail = script(
  "aitubo-breaker-fail",
  `local key, now, fixed = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[5])
  local till = tonumber(redis.call('hget', key, 'until') or '0')
  local ms = fixed
  if fixed == 0 then
    if till > now then return till end
    local count = redis.call('hincrby', key, 'failures', 1)
    redis.call('pexpire', key, ARGV[7])
    local had = tonumber(redis.call('hget', key, 'ms') or '0')
    if had > 0 then ms = math.min(had * 2, tonumber(ARGV[4]))
    elseif count >= tonumber(ARGV[2]) then ms = tonumber(ARGV[3])
    else
      redis.call('hdel', key, 'probe')
      return 0
    end
    redis.call('hset', key, 'ms', string.format('%d', ms))
  end
  if now + ms <= till then return till end
  redis.call('hset', key, 'until', string.format('%d', now + ms), 'reason', ARGV[6])
  redis.call('hdel', key, 'probe')
  redis.call('pexpire', key, ms + tonumber(ARGV[7]))
  return now + ms`,
);

const entered = z.tuple([z.number(), z.string()]);
/** While another's probe is under way, ms. */
const LOOK_MS = 1_000;

/** Errors that say AITubo is not well, or not for us. The others are answers to one request. */
const FAILURES: readonly AituboErrorKind[] = ["retry", "rate", "credit", "key"];
const DEFAULT_RATE_MS = 5_000;
const VALUE = { closed: 0, "half-open": 1, open: 2 } as const;

export class Breaker {
  private readonly options: Required<BreakerOptions>;
  private readonly deps: BreakerDeps;

  constructor(options: BreakerOptions, deps: BreakerDeps) {
    this.options = {
      failures: 5,
      openMs: 15_000,
      maxOpenMs: 300_000,
      longOpenMs: 3_600_000,
      probeMs: 30_000,
      ...options,
    };
    this.deps = deps;
  }

  /**
   * Makes the call when the breaker lets it through, and counts how it ended. Throws what the call throws, or
   * AituboError with the ms until it may be asked again: `rate` where AITubo limits us, `open` where it is not well.
   * Then nothing was sent.
   */
  async run<T>(name: "submit" | "poll", call: () => Promise<T>): Promise<T> {
    const { redis, now } = this.deps;
    const args = [now(), this.options.probeMs, name, LOOK_MS];
    const [waitMs, why] = entered.parse(await runScript(redis, enter, [KEY], args));
    if (waitMs > 0) {
      this.count(name, "open");
      throw new AituboError(
        why === "rate" ? "rate" : "open",
        `AITubo is not asked for now: the circuit breaker is open (${why})`,
        { retryAfterMs: waitMs },
      );
    }
    try {
      const answer = await call();
      await this.succeeded();
      this.count(name, "ok");
      return answer;
    } catch (error) {
      if (!(error instanceof AituboError)) throw error;
      this.count(name, error.kind);
      if (FAILURES.includes(error.kind)) await this.failed(error);
      // It answered, and sensibly: the request was wrong.
      else await this.succeeded();
      throw error;
    }
  }

  /** For /readyz and the admin page. */
  async state(): Promise<BreakerState> {
    const [until, reason] = await this.deps.redis.hmget(KEY, "until", "reason");
    const known = FAILURES.find((kind) => kind === reason);
    const at = Number(until ?? 0);
    const state: BreakerState =
      at === 0
        ? { state: "closed" }
        : {
            state: this.deps.now() < at ? "open" : "half-open",
            until: at,
            ...(known ? { reason: known } : {}),
          };
    this.show(state.state);
    return state;
  }

  private async succeeded(): Promise<void> {
    const { redis, logger, now } = this.deps;
    const closed = Number(await runScript(redis, succeed, [KEY], [now()])) === 1;
    if (!closed) return;
    this.show("closed");
    logger.info("AITubo answers again: the circuit breaker is closed");
  }

  private async failed(error: AituboError): Promise<void> {
    const { failures, openMs, maxOpenMs, longOpenMs } = this.options;
    const fixedMs =
      error.kind === "rate"
        ? Math.max(1, error.retryAfterMs ?? DEFAULT_RATE_MS)
        : error.kind === "retry"
          ? 0
          : longOpenMs;
    const args = [this.deps.now(), failures, openMs, maxOpenMs, fixedMs, error.kind, FORGET_MS];
    const until = Number(await runScript(this.deps.redis, fail, [KEY], args));
    this.show(until > 0 ? "open" : "closed");
    if (until > 0)
      this.deps.logger.warn(
        { reason: error.kind, until, answer: error.message },
        "AITubo is not asked for a while: the circuit breaker is open",
      );
  }

  private show(state: BreakerState["state"]): void {
    gauge(
      "mr_aitubo_breaker",
      "The circuit breaker before AITubo as this process saw it last: 0 closed, 1 half-open, 2 open.",
    ).set(VALUE[state]);
  }

  private count(call: "submit" | "poll", outcome: "ok" | AituboErrorKind): void {
    counter("mr_aitubo_calls_total", "Calls to AITubo by how they ended; open: not made.", [
      "call",
      "outcome",
    ]).inc({ call, outcome });
  }
}
