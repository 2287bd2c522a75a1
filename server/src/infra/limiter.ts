/**
 * Rate limits shared by every process (I5). Owns: counting per name and caller in Redis, the headers that
 * tell a client where it stands. Does not own: the numbers; each route and message names its own.
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { Response } from "express";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { Redis } from "./redis.ts";

export interface LimitRule {
  /** What is limited: `auth.challenge`, `message.boost`. */
  name: string;
  /** How many in `seconds`. */
  points: number;
  seconds: number;
}

export interface Limiter {
  /** Takes one point. Throws RATE_LIMITED when there is none; sets headers when given an answer to set them on. */
  take(rule: LimitRule, key: string, res?: Response): Promise<void>;
}

/** Memory stays bounded: a counter is one Redis key that expires with its window. */
export function createLimiter(redis: Redis): Limiter {
  const limiters = new Map<string, RateLimiterRedis>();
  const limiterOf = (rule: LimitRule): RateLimiterRedis => {
    const had = limiters.get(rule.name);
    if (had) return had;
    const made = new RateLimiterRedis({
      storeClient: redis,
      keyPrefix: `mr:limit:${rule.name}`,
      points: rule.points,
      duration: rule.seconds,
    });
    limiters.set(rule.name, made);
    return made;
  };
  return {
    async take(rule, key, res) {
      try {
        const left = await limiterOf(rule).consume(key);
        res?.set({
          "RateLimit-Limit": String(rule.points),
          "RateLimit-Remaining": String(left.remainingPoints),
          "RateLimit-Reset": String(Math.ceil(left.msBeforeNext / 1000)),
        });
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused;
        res?.set("Retry-After", String(Math.ceil(refused.msBeforeNext / 1000)));
        throw new CodedError("RATE_LIMITED", `Try again in ${Math.ceil(refused.msBeforeNext / 1000)} s.`);
      }
    },
  };
}
