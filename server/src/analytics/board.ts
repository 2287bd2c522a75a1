/**
 * Who won what, and the business figures (O1). Owns: `mr:board:*` and `mr:stats:*`: sums per UTC day and over all time,
 * made from finished rounds, each counted once. Does not own: a round's result, names. All of it follows from the
 * archive and can be made again from it (M6).
 */
import { type Redis, runScript, script } from "../infra/redis.ts";

/** What of a finished round is counted; amounts in sat, times in ms. */
export interface FinishedRound {
  arena: string;
  roundId: string;
  closesAt: number;
  outcome: "closed" | "voided";
  pot: number;
  players: number;
  memes: number;
  fee: number;
  seatFees: number;
  payouts: readonly { playKey: string; won: number; returned: number }[];
}

export const boardWindows = ["day", "week", "all"] as const;
export type BoardWindow = (typeof boardWindows)[number];

export interface BoardRow {
  playKey: string;
  /** sat won. */
  won: number;
  /** Rounds with winnings. */
  rounds: number;
}

export const statFields = [
  "rounds",
  "voided",
  "seats",
  "memes",
  "pots",
  "won",
  "returned",
  "fees",
  "seatFees",
] as const;
export type Stats = Record<(typeof statFields)[number], number>;

const DAY_MS = 86_400_000;
const WEEK_DAYS = 7;
/** Days stay so long that a week can be shown from any moment of it, s. */
const KEEP_DAY_SECONDS = 10 * 86_400;
/** The sum over a week is made again after this, s. */
const WEEK_FRESH_SECONDS = 30;

const countedKey = (arena: string): string => `mr:board:counted:${arena}`;
const statsKey = (arena: string): string => `mr:stats:${arena}`;
const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);
const wonKey = (arena: string, span: string): string => `mr:board:won:${arena}:${span}`;
const roundsKey = (arena: string, span: string): string => `mr:board:rounds:${arena}:${span}`;

/**
 * KEYS counted, stats, won of the day, rounds of the day, won of all time, rounds of all time.
 * ARGV what is counted, keep s of a day (0: the day is gone already), 1 to count or -1 to take back, the part of it, number
 * of figures, then field and amount of each, then play key and sat of each winner; amounts to take back are negative.
 * Returns 1 where this part was not counted yet.
 */
const COUNT = script(
  "board.count",
  `if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then return 0 end
   if redis.call('SADD', KEYS[1], ARGV[1] .. ' ' .. ARGV[4]) == 0 then return 0 end
   local sign = tonumber(ARGV[3])
   local from = 6
   for i = 1, tonumber(ARGV[5]) do
     redis.call('HINCRBY', KEYS[2], ARGV[from], ARGV[from + 1])
     from = from + 2
   end
   local keep = tonumber(ARGV[2])
   for i = from, #ARGV, 2 do
     redis.call('ZINCRBY', KEYS[5], ARGV[i + 1], ARGV[i])
     redis.call('ZINCRBY', KEYS[6], sign, ARGV[i])
     if keep > 0 then
       redis.call('ZINCRBY', KEYS[3], ARGV[i + 1], ARGV[i])
       redis.call('ZINCRBY', KEYS[4], sign, ARGV[i])
     end
   end
   if sign < 0 then
     for i = 3, 6 do redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', 0) end
   end
   if keep > 0 then
     redis.call('EXPIRE', KEYS[3], keep)
     redis.call('EXPIRE', KEYS[4], keep)
   end
   return 1`,
);

/** KEYS counted. ARGV what was counted, how many parts it had. From now on the whole is one member. */
const COUNTED = script(
  "board.counted",
  `redis.call('SADD', KEYS[1], ARGV[1])
   for part = 0, tonumber(ARGV[2]) - 1 do redis.call('SREM', KEYS[1], ARGV[1] .. ' ' .. part) end
   return 1`,
);

/** Winners that are counted in one step: some 3 ms of Redis. */
const PART = 500;

export class Board {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  /** Counts a finished round; the same round again changes nothing. `now` in ms. */
  async count(round: FinishedRound, now: number): Promise<void> {
    await this.book(round, now, { key: countedKey(round.arena), id: round.roundId, sign: 1 });
  }

  /**
   * M4: a round that was counted with its result and is void since. The first is taken back, the second counted
   * instead; again changes nothing. `now` in ms.
   */
  async recount(before: FinishedRound, after: FinishedRound, now: number): Promise<void> {
    const key = countedKey(before.arena);
    await this.book(before, now, { key, id: `${before.roundId} taken back`, sign: -1 });
    await this.book(after, now, { key, id: `${after.roundId} void`, sign: 1 });
  }

  private async book(
    round: FinishedRound,
    now: number,
    how: { key: string; id: string; sign: 1 | -1 },
  ): Promise<void> {
    const { arena, closesAt } = round;
    const sum = (pick: (payout: { won: number; returned: number }) => number): number =>
      round.payouts.reduce((total, payout) => total + pick(payout), 0);
    const stats: Stats = {
      rounds: 1,
      voided: round.outcome === "voided" ? 1 : 0,
      seats: round.players,
      memes: round.memes,
      pots: round.outcome === "voided" ? 0 : round.pot,
      won: sum(({ won }) => won),
      returned: sum(({ returned }) => returned),
      fees: round.fee,
      seatFees: round.seatFees,
    };
    const day = String(dayOf(closesAt));
    const keep = dayOf(now) - dayOf(closesAt) < WEEK_DAYS ? KEEP_DAY_SECONDS : 0;
    const winners = round.payouts.filter(({ won }) => won > 0);
    const keys = [
      how.key,
      statsKey(arena),
      wonKey(arena, day),
      roundsKey(arena, day),
      wonKey(arena, "all"),
      roundsKey(arena, "all"),
    ];
    const figures = statFields.flatMap((field) => [field, how.sign * stats[field]]);
    const parts = Math.max(1, Math.ceil(winners.length / PART));
    for (let part = 0; part < parts; part++) {
      const some = winners.slice(part * PART, (part + 1) * PART);
      const shown = part === 0 ? figures : [];
      await runScript(this.redis, COUNT, keys, [
        how.id,
        keep,
        how.sign,
        part,
        shown.length / 2,
        ...shown,
        ...some.flatMap(({ playKey, won }) => [playKey, how.sign * won]),
      ]);
    }
    // Last: broken off, it is done again, and the parts that stand count no more.
    await runScript(this.redis, COUNTED, [how.key], [how.id, parts]);
  }

  /** The best `count` of this UTC day, of the last 7, or of all time: most won first, then by play key. */
  async top(arena: string, window: BoardWindow, count: number, now: number): Promise<BoardRow[]> {
    const span = await this.spanOf(arena, window, now);
    const found = await this.redis.zrevrange(wonKey(arena, span), 0, count - 1, "WITHSCORES");
    const keys = found.filter((_, at) => at % 2 === 0);
    if (keys.length === 0) return [];
    const rounds = await this.redis.zmscore(roundsKey(arena, span), ...keys);
    return keys
      .map((playKey, at) => ({
        playKey,
        won: Number(found[at * 2 + 1]),
        rounds: Number(rounds[at] ?? 0),
      }))
      .sort((a, b) => b.won - a.won || (a.playKey < b.playKey ? -1 : 1));
  }

  private async spanOf(arena: string, window: BoardWindow, now: number): Promise<string> {
    if (window === "all") return "all";
    const today = dayOf(now);
    if (window === "day") return String(today);
    const span = `week-${today}`;
    if ((await this.redis.exists(wonKey(arena, span))) === 1) return span;
    const days = Array.from({ length: WEEK_DAYS }, (_, back) => String(today - back));
    const multi = this.redis.multi();
    for (const keyOf of [wonKey, roundsKey]) {
      multi.zunionstore(keyOf(arena, span), days.length, ...days.map((day) => keyOf(arena, day)));
      multi.expire(keyOf(arena, span), WEEK_FRESH_SECONDS);
    }
    await multi.exec();
    return span;
  }

  async stats(arena: string): Promise<Stats> {
    const values = await this.redis.hmget(statsKey(arena), ...statFields);
    return Object.fromEntries(statFields.map((field, at) => [field, Number(values[at] ?? 0)])) as Stats;
  }
}
