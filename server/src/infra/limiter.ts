/**
 * Rate limits shared by every process (I5). Owns: counting per rule and caller in Redis (`mr:limit:*`, each with the
 * TTL of its window), the verdict, throwing out who goes on far beyond a limit, the headers that tell a client where
 * it stands. Does not own: the numbers (limits.ts), a process's own count (limit-windows.ts).
 */
import { randomBytes } from "node:crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { Response } from "express";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { canonicalIp, isLoopbackIp } from "./client-ip.ts";
import { createIpHash, type IpHash } from "./ip-hash.ts";
import { LimitWindows, type Standing } from "./limit-windows.ts";
import { KICK_SECONDS, type LimitRule } from "./limits.ts";
import type { Logger } from "./logger.ts";
import { counter } from "./metrics.ts";
import type { Redis } from "./redis.ts";

export type { Standing } from "./limit-windows.ts";
export type { LimitRule } from "./limits.ts";

/** Who is counted: an identity string, or an address (which never becomes part of a key as it is). */
export type LimitKey = string | { ip: string };

export interface Limiter {
  /**
   * Takes one point. Throws RATE_LIMITED when there is none, UNAVAILABLE when Redis is away and the rule does not go
   * on without it; sets the RateLimit headers, and Retry-After in s, when given an answer to set them on.
   */
  take(rule: LimitRule, key: LimitKey, res?: Response): Promise<void>;
}

export interface SharedLimiter extends Limiter {
  /** Takes one point and says where the caller stands. Throws UNAVAILABLE as `take` does, nothing else. */
  judge(rule: LimitRule, key: LimitKey): Standing | Promise<Standing>;
  /**
   * How long somebody who was thrown out may not join yet, ms; 0 for everybody else, and while Redis is away. Other
   * processes hear of the first who is thrown out a quarter of a second later.
   */
  kickedFor(keys: readonly LimitKey[]): Promise<number>;
}

export interface LimiterOptions {
  /** By how much limits by address are wider for this machine's own addresses. 1 by default. */
  loopbackFactor?: number;
  /** Callers a process remembers at most. */
  cap?: number;
  /** Redis is taken for away when it has not answered after this, ms. */
  answerMs?: number;
}

export interface LimiterDeps {
  ipHash?: IpHash;
  /** Addresses to which limits by address do not apply (the allow list). */
  isExempt?(ip: string): boolean;
  /** ms since the epoch. */
  now?(): number;
  logger?: Logger;
}

const CAP = 50_000;
const ANSWER_MS = 2_000;
/** Between two lines in the log that Redis is away, ms. */
const COMPLAIN_MS = 10_000;
const OK: Standing = { verdict: "ok", remaining: Number.POSITIVE_INFINITY, resetMs: 0 };

/** A caller as it is counted under one rule. */
interface Counted {
  /** In Redis. */
  subject: string;
  /** In this process. */
  local: string;
  factor: number;
}

const kickedKey = (subject: string): string => `mr:limit:kicked:${subject}`;
/** There while anybody is thrown out. */
const ANY_KICKED_KEY = "mr:limit:kicked";
/** What was heard of it is believed for this long, ms: a crowd that arrives is not a crowd of questions to Redis. */
const ANY_KICKED_MS = 250;

/** As the IETF's draft has them now, and as its older versions and most clients do. */
const headersOf = ({ name, seconds }: LimitRule, limit: number, left: number, reset: number) => ({
  "RateLimit-Policy": `"${name}";q=${limit};w=${seconds}`,
  RateLimit: `"${name}";r=${left};t=${reset}`,
  "RateLimit-Limit": String(limit),
  "RateLimit-Remaining": String(left),
  "RateLimit-Reset": String(reset),
});

/** Memory stays bounded: a counter is one Redis key that expires with its window; a process remembers `cap` callers. */
export function createLimiter(
  redis: Redis,
  options: LimiterOptions = {},
  deps: LimiterDeps = {},
): SharedLimiter {
  const { loopbackFactor = 1, cap = CAP, answerMs = ANSWER_MS } = options;
  const now = deps.now ?? Date.now;
  const ipHash = deps.ipHash ?? createIpHash({ secret: randomBytes(32).toString("hex") }, { now });
  const verdicts = counter("mr_limit_verdicts_total", "Refusals by rate limits.", ["rule", "verdict"]);
  const windows = new LimitWindows({ cap });
  const limiters = new Map<string, RateLimiterRedis>();
  let complainedAt = 0;
  let anyKicked: { at: number; answer: Promise<boolean> } | undefined;

  const limiterOf = (rule: LimitRule): RateLimiterRedis => {
    const had = limiters.get(rule.name);
    if (had) return had;
    const made = new RateLimiterRedis({
      storeClient: redis,
      keyPrefix: `mr:limit:${rule.name}`,
      points: rule.points,
      duration: rule.seconds,
      rejectIfRedisNotReady: true,
    });
    limiters.set(rule.name, made);
    return made;
  };

  /** A connection waits for Redis to come back; a limit does not. */
  const within = async <T>(answer: Promise<T>): Promise<T> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`Redis did not answer within ${answerMs} ms`)), answerMs);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  };

  const complain = (err: unknown, rule: string): void => {
    if (now() - complainedAt < COMPLAIN_MS) return;
    complainedAt = now();
    deps.logger?.warn({ err, rule }, "Redis is away: limits are counted by each process alone, or refuse");
  };

  const subjectOf = (key: LimitKey): string =>
    typeof key === "string" ? `id.${key}` : `ip.${ipHash(key.ip)}`;

  /** undefined: not limited at all. */
  const factorOf = (key: LimitKey): number | undefined => {
    if (typeof key === "string") return 1;
    if (deps.isExempt?.(key.ip)) return undefined;
    return loopbackFactor > 1 && isLoopbackIp(canonicalIp(key.ip) ?? "") ? loopbackFactor : 1;
  };

  /**
   * For `ms` other processes refuse the rest at once, and joins of the same caller are refused everywhere for a minute.
   */
  const throwOut = async (rule: LimitRule, who: Counted, ms: number): Promise<void> => {
    const { subject, local, factor } = who;
    windows.kick(local, rule, now() + ms, now());
    try {
      if (redis.status !== "ready") return;
      await within(
        Promise.all([
          limiterOf(rule).set(subject, rule.points * factor + 1, Math.ceil(ms / 1_000)),
          redis.set(kickedKey(subject), rule.name, "EX", KICK_SECONDS),
          redis.set(ANY_KICKED_KEY, "", "EX", KICK_SECONDS),
        ]),
      );
      anyKicked = undefined;
    } catch (err) {
      complain(err, rule.name);
    }
  };

  const settle = async (rule: LimitRule, who: Counted, due: number): Promise<Standing> => {
    const { subject, local, factor } = who;
    try {
      const shared = await within(limiterOf(rule).consume(subject, due)).catch((refused: unknown) => {
        if (refused instanceof RateLimiterRes) return refused;
        throw refused;
      });
      const { consumedPoints: consumed, msBeforeNext: msLeft } = shared;
      return windows.settled(local, rule, factor, { consumed, msLeft }, now());
    } catch (err) {
      complain(err, rule.name);
      if (rule.away === "open") return windows.alone(local, rule, factor, now());
      windows.giveBack(local, due);
      throw new CodedError("UNAVAILABLE", undefined, { cause: err });
    }
  };

  const noted = (rule: LimitRule, who: Counted, standing: Standing): Standing | Promise<Standing> => {
    if (standing.verdict === "ok") return standing;
    verdicts.inc({ rule: rule.name, verdict: standing.verdict });
    if (!standing.kicked) return standing;
    deps.logger?.warn({ rule: rule.name, subject: who.subject }, "thrown out: far beyond the limit");
    // Never shorter than what is left of the window: flooding must not open a new one.
    const resetMs = Math.max(KICK_SECONDS * 1_000, standing.resetMs);
    return throwOut(rule, who, resetMs).then(() => ({ ...standing, resetMs }));
  };

  const judge = (rule: LimitRule, key: LimitKey): Standing | Promise<Standing> => {
    const factor = factorOf(key);
    if (factor === undefined) return OK;
    const subject = subjectOf(key);
    const who = { subject, factor, local: `${rule.name} ${subject}` };
    const taken = windows.take(who.local, rule, factor, now());
    if ("standing" in taken) return noted(rule, who, taken.standing);
    return settle(rule, who, taken.due).then((standing) => noted(rule, who, standing));
  };

  const isAnyKicked = (): Promise<boolean> => {
    const since = anyKicked === undefined ? Number.POSITIVE_INFINITY : now() - anyKicked.at;
    if (anyKicked !== undefined && since >= 0 && since < ANY_KICKED_MS) return anyKicked.answer;
    const asked = { at: now(), answer: within(redis.exists(ANY_KICKED_KEY)).then((count) => count > 0) };
    anyKicked = asked;
    asked.answer.catch(() => {
      if (anyKicked === asked) anyKicked = undefined;
    });
    return asked.answer;
  };

  return {
    judge,

    async take(rule, key, res) {
      const { verdict, remaining, resetMs } = await judge(rule, key);
      if (remaining !== Number.POSITIVE_INFINITY)
        res?.set(headersOf(rule, rule.points * (factorOf(key) ?? 1), remaining, Math.ceil(resetMs / 1_000)));
      if (verdict === "ok") return;
      const seconds = Math.max(1, Math.ceil(resetMs / 1_000));
      res?.set("Retry-After", String(seconds));
      throw new CodedError("RATE_LIMITED", `Try again in ${seconds} s.`);
    },

    async kickedFor(keys) {
      const subjects = keys.filter((key) => factorOf(key) !== undefined).map(subjectOf);
      if (subjects.length === 0 || redis.status !== "ready") return 0;
      try {
        if (!(await isAnyKicked())) return 0;
        const left = await within(Promise.all(subjects.map((subject) => redis.pttl(kickedKey(subject)))));
        return Math.max(0, ...left);
      } catch (err) {
        complain(err, "join");
        return 0;
      }
    },
  };
}
