/**
 * Bounds that people set on their own play (I6): most deposited in 24 h, breaks, self-exclusion. By identity, so that
 * a second play key does not get around them.
 * Owns: `mr:auth:limits:<identity>` (hash: limit, next, nextFrom, coolOffUntil, excludedUntil), the deposits that count
 * `mr:auth:deposits:<identity>` (sorted set of `txid:sats` by time, 24 h), the rounds they went into
 * `mr:auth:rounds:<identity>` (sorted set by time, 30 days), `mr:auth:leaving:<identity>` (no new deposits while
 * everything is being deleted). Does not own: what else a deposit must be (payment), the terms (consent.ts).
 */
import { type Refusal, refuse } from "@meme-rounds/shared-schema/errors";
import type { PlayLimits as LimitsView, PlayLimitsWish } from "@meme-rounds/shared-schema/rest-me";
import { type Redis, runScript, script } from "../infra/redis.ts";
import { runMulti } from "./transaction.ts";

/** A deposit counts so long; a higher limit comes into force after it, ms. */
export const WINDOW_MS = 24 * 3_600_000;
/** Longer than any round stays unpaid, ms. */
const ROUNDS_MS = 30 * 86_400_000;
/** Deleting everything takes seconds; after a crash deposits work again, ms. */
const LEAVING_MS = 60_000;
/** The last moment a Date can name. */
const FOREVER_MS = 8_640_000_000_000_000;

export interface CountedDeposit {
  txid: string;
  /** sat. */
  sats: number;
  roundId: string;
}

export interface PlayLimits {
  view(identity: string): Promise<LimitsView>;
  /** Carries out what was asked; asking again for the same limit changes nothing, breaks only get longer. */
  change(identity: string, wish: PlayLimitsWish): Promise<LimitsView>;
  /** COOLING_OFF or SELF_EXCLUDED with the time it ends, or undefined. */
  bar(identity: string): Promise<Refusal | undefined>;
  /**
   * Counts a deposit before its coins move, once per transaction however often it is sent. Undefined when it may be
   * made; PLAY_LIMIT_REACHED, COOLING_OFF, SELF_EXCLUDED or ACCOUNT_BUSY when not: then it was not counted.
   */
  reserve(identity: string, deposit: CountedDeposit): Promise<Refusal | undefined>;
  /** Gives back the count of a deposit that was refused in the end. */
  release(identity: string, deposit: Omit<CountedDeposit, "roundId">): Promise<void>;
  /** Rounds of the last 30 days that deposits were meant for. */
  rounds(identity: string): Promise<string[]>;
  /** From now on, for a minute, nothing is reserved: everything is being deleted. */
  leave(identity: string): Promise<void>;
  stay(identity: string): Promise<void>;
  /** Deposits and rounds go; breaks and exclusion stay until they end, a limit as long as lifting it would take. */
  forget(identity: string): Promise<void>;
}

/**
 * KEYS limits. ARGV now (ms), wished limit ("" is no wish, "none" lifts it, else sat), cool-off until (ms, 0 is no
 * wish), excluded until (ms, 0 is no wish), window (ms). A lower limit replaces the one in force and any that waits;
 * a higher one waits, and the same wish again does not wait longer. The hash has no end of its own.
 */
const CHANGE = script(
  "auth.limits.change",
  `
local now = tonumber(ARGV[1])
local had = redis.call('HMGET', KEYS[1], 'limit', 'next', 'nextFrom', 'coolOffUntil', 'excludedUntil')
local limit, nextLimit, nextFrom = had[1] or 'none', had[2], had[3]
if nextFrom and tonumber(nextFrom) <= now then limit, nextLimit, nextFrom = nextLimit, false, false end
local function high(text) return text == 'none' and math.huge or tonumber(text) end
if ARGV[2] ~= '' then
  if high(ARGV[2]) <= high(limit) then
    limit, nextLimit, nextFrom = ARGV[2], false, false
  elseif nextLimit ~= ARGV[2] then
    nextLimit, nextFrom = ARGV[2], string.format('%.0f', now + tonumber(ARGV[5]))
  end
end
redis.call('HDEL', KEYS[1], 'limit', 'next', 'nextFrom')
if limit ~= 'none' then redis.call('HSET', KEYS[1], 'limit', limit) end
if nextLimit then redis.call('HSET', KEYS[1], 'next', nextLimit, 'nextFrom', nextFrom) end
if tonumber(ARGV[3]) > tonumber(had[4] or '0') then redis.call('HSET', KEYS[1], 'coolOffUntil', ARGV[3]) end
if tonumber(ARGV[4]) > tonumber(had[5] or '0') then redis.call('HSET', KEYS[1], 'excludedUntil', ARGV[4]) end
redis.call('PERSIST', KEYS[1])
return 1`,
);

/**
 * KEYS limits, deposits, rounds, leaving. ARGV now (ms), member "txid:sats", sat, round id, window (ms), rounds kept (ms).
 * Answers {"ok"}, {"leaving"}, {"excluded", until}, {"cooling", until} or {"limit", limit, left}.
 */
const RESERVE = script(
  "auth.limits.reserve",
  `
local now = tonumber(ARGV[1])
if redis.call('EXISTS', KEYS[4]) == 1 then return {'leaving'} end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[5]))
if redis.call('ZSCORE', KEYS[2], ARGV[2]) then return {'ok'} end
local had = redis.call('HMGET', KEYS[1], 'limit', 'next', 'nextFrom', 'coolOffUntil', 'excludedUntil')
if tonumber(had[5] or '0') > now then return {'excluded', had[5]} end
if tonumber(had[4] or '0') > now then return {'cooling', had[4]} end
local limit = had[1] or 'none'
if had[3] and tonumber(had[3]) <= now then limit = had[2] end
if limit ~= 'none' then
  local sum = 0
  for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    sum = sum + tonumber(string.match(member, ':(%d+)$'))
  end
  local left = tonumber(limit) - sum
  if tonumber(ARGV[3]) > left then return {'limit', limit, string.format('%.0f', math.max(0, left))} end
end
redis.call('ZADD', KEYS[2], now, ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
redis.call('ZADD', KEYS[3], now, ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - tonumber(ARGV[6]))
redis.call('PEXPIRE', KEYS[3], ARGV[6])
return {'ok'}`,
);

const limitsKey = (identity: string): string => `mr:auth:limits:${identity}`;
const depositsKey = (identity: string): string => `mr:auth:deposits:${identity}`;
const roundsKey = (identity: string): string => `mr:auth:rounds:${identity}`;
const leavingKey = (identity: string): string => `mr:auth:leaving:${identity}`;
const memberOf = ({ txid, sats }: Omit<CountedDeposit, "roundId">): string => `${txid}:${sats}`;

const satsOf = (text: string): number | null => (text === "none" ? null : Number(text));
const wishOf = (sats: number | null | undefined): string =>
  sats === undefined ? "" : sats === null ? "none" : String(sats);
const excluded = (until: number): Refusal =>
  refuse(
    "SELF_EXCLUDED",
    until >= FOREVER_MS
      ? "You have excluded yourself from playing, for good."
      : `You have excluded yourself from playing until ${new Date(until).toISOString()}.`,
  );
const cooling = (until: number): Refusal =>
  refuse("COOLING_OFF", `You are taking a break until ${new Date(until).toISOString()}.`);

export function createPlayLimits(deps: { redis: Redis; now: () => number }): PlayLimits {
  const { redis, now } = deps;

  const view = async (identity: string): Promise<LimitsView> => {
    const at = now();
    const {
      limit = "none",
      next,
      nextFrom,
      coolOffUntil,
      excludedUntil,
    } = await redis.hgetall(limitsKey(identity));
    const counted = await redis.zrangebyscore(depositsKey(identity), `(${at - WINDOW_MS}`, "+inf");
    const from = Number(nextFrom ?? Number.POSITIVE_INFINITY);
    const inForce = next !== undefined && from <= at ? next : limit;
    const excludedTo = Number(excludedUntil ?? 0);
    return {
      depositPerDaySats: satsOf(inForce),
      ...(next !== undefined && from > at ? { next: { depositPerDaySats: satsOf(next), from } } : {}),
      depositedSats: counted.reduce((sum, member) => sum + Number(member.split(":")[1]), 0),
      ...(Number(coolOffUntil ?? 0) > at ? { coolOffUntil: Number(coolOffUntil) } : {}),
      ...(excludedTo > at ? { excludedUntil: excludedTo >= FOREVER_MS ? "forever" : excludedTo } : {}),
    };
  };

  return {
    view,

    async change(identity, { depositPerDaySats, coolOffHours, selfExclusion }) {
      const at = now();
      const exclusion =
        selfExclusion === undefined
          ? 0
          : selfExclusion.days === "forever"
            ? FOREVER_MS
            : at + selfExclusion.days * 86_400_000;
      const coolOff = coolOffHours === undefined ? 0 : at + coolOffHours * 3_600_000;
      await runScript(
        redis,
        CHANGE,
        [limitsKey(identity)],
        [at, wishOf(depositPerDaySats), coolOff, exclusion, WINDOW_MS],
      );
      return await view(identity);
    },

    async bar(identity) {
      const [cool, exclusion] = await redis.hmget(limitsKey(identity), "coolOffUntil", "excludedUntil");
      const at = now();
      if (Number(exclusion ?? 0) > at) return excluded(Number(exclusion));
      if (Number(cool ?? 0) > at) return cooling(Number(cool));
      return undefined;
    },

    async reserve(identity, deposit) {
      const [word, figure, left] = (await runScript(
        redis,
        RESERVE,
        [limitsKey(identity), depositsKey(identity), roundsKey(identity), leavingKey(identity)],
        [now(), memberOf(deposit), deposit.sats, deposit.roundId, WINDOW_MS, ROUNDS_MS],
      )) as [string, string?, string?];
      switch (word) {
        case "ok":
          return undefined;
        case "leaving":
          return refuse("ACCOUNT_BUSY", "Your data are being deleted.");
        case "excluded":
          return excluded(Number(figure));
        case "cooling":
          return cooling(Number(figure));
        default:
          return refuse(
            "PLAY_LIMIT_REACHED",
            `Your limit is ${figure} sat in 24 hours; ${left} sat of it are left.`,
          );
      }
    },

    async release(identity, deposit) {
      await redis.zrem(depositsKey(identity), memberOf(deposit));
    },

    rounds: (identity) => redis.zrange(roundsKey(identity), 0, -1),

    async leave(identity) {
      await redis.set(leavingKey(identity), "1", "PX", LEAVING_MS);
    },

    async stay(identity) {
      await redis.del(leavingKey(identity));
    },

    async forget(identity) {
      const { limit, coolOffUntil, excludedUntil } = await redis.hgetall(limitsKey(identity));
      const until = Math.max(
        Number(coolOffUntil ?? 0),
        Number(excludedUntil ?? 0),
        limit === undefined ? 0 : now() + WINDOW_MS,
      );
      const multi = redis.multi().del(roundsKey(identity));
      // The count of the last 24 h ends by itself; without it coming back at once would lift the limit.
      if (until <= now()) multi.del(limitsKey(identity));
      else if (until < FOREVER_MS) multi.pexpire(limitsKey(identity), until - now(), "NX");
      await runMulti(multi);
    },
  };
}
