/**
 * What each identity has played (O1, dashboard). Owns: `mr:activity:*`: the newest rounds of an identity and its sums over
 * all of them, each round counted once. Does not own: the sums of one round (activity-sums.ts), the routes, titles and
 * pictures. All of it follows from journals and can be made again from them (M6).
 *
 * Per identity: a hash roundId -> row, a sorted set of its roundIds by opening time, a hash of sums. A round is about
 * 0.4 kB (measured); at most KEEP_ROUNDS of them stay, what is older counts in the sums only.
 */
import { z } from "zod";
import { type Redis, runScript, script } from "../infra/redis.ts";
import type { IdentityActivity, RoundActivity } from "./activity-sums.ts";

/** Rounds of an identity that are listed: two weeks of playing every one. */
const KEEP_ROUNDS = 2_000;
/** Identities that are written in one step: some 2 ms of Redis. */
const BATCH = 100;

/** Small on purpose: o and c are times in ms, v is 1 when voided, k [playKey, deposited, staked, seatFees, won, returned]. */
const rowSchema = z.object({
  o: z.number(),
  c: z.number(),
  v: z.union([z.literal(0), z.literal(1)]),
  k: z.array(z.tuple([z.string(), z.number(), z.number(), z.number(), z.number(), z.number()])),
  m: z.array(z.string()),
});

/** One round of one identity. */
export interface PlayedRound extends IdentityActivity {
  roundId: string;
  /** ms. */
  opensAt: number;
  closesAt: number;
  outcome: "closed" | "voided";
}

const totalFields = ["rounds", "voided", "deposited", "staked", "seatFees", "won", "returned"] as const;
/** Over all rounds; sat. */
export type PlayedTotals = Record<(typeof totalFields)[number], number>;

export interface ActivityOptions {
  /** Rounds kept per identity. Default 2,000. */
  keepRounds?: number;
}

const rowsKey = (identity: string): string => `mr:activity:rows:${identity}`;
const orderKey = (identity: string): string => `mr:activity:order:${identity}`;
const totalsKey = (identity: string): string => `mr:activity:totals:${identity}`;
const countedKey = (arena: string): string => `mr:activity:counted:${arena}`;

/**
 * KEYS rows, order, totals of each identity. ARGV roundId, opening time, how many rows stay, then the row of each. Writes
 * the rows and moves the sums by what they change: the same row again moves nothing. A row that is no longer kept must not
 * come again (see `count`).
 */
const RECORD = script(
  "activity.record",
  `local names = {'deposited', 'staked', 'seatFees', 'won', 'returned'}
   local function add(totals, text, sign)
     local row = cjson.decode(text)
     local function move(name, by)
       if by ~= 0 then redis.call('HINCRBY', totals, name, string.format('%.0f', sign * by)) end
     end
     move('rounds', 1)
     move('voided', row.v)
     for at, name in ipairs(names) do
       local sum = 0
       for _, key in ipairs(row.k) do sum = sum + key[at + 1] end
       move(name, sum)
     end
   end
   for i = 4, #ARGV do
     local at = (i - 4) * 3
     local rows, order, totals = KEYS[at + 1], KEYS[at + 2], KEYS[at + 3]
     local before = redis.call('HGET', rows, ARGV[1])
     if before ~= ARGV[i] then
       if before then add(totals, before, -1) end
       add(totals, ARGV[i], 1)
       redis.call('HSET', rows, ARGV[1], ARGV[i])
       redis.call('ZADD', order, ARGV[2], ARGV[1])
       local over = redis.call('ZCARD', order) - tonumber(ARGV[3])
       if over > 0 then
         local gone = redis.call('ZPOPMIN', order, over)
         for j = 1, #gone, 2 do redis.call('HDEL', rows, gone[j]) end
       end
     end
   end
   return 1`,
);

export class ActivityBook {
  private readonly redis: Redis;
  private readonly keep: number;

  constructor(redis: Redis, options: ActivityOptions = {}) {
    this.redis = redis;
    this.keep = options.keepRounds ?? KEEP_ROUNDS;
  }

  /**
   * Writes down a finished round for everybody in it; the same round again changes nothing, and one that is void since
   * (M4) takes the place of its result. Broken off, it is to be asked for again.
   */
  async count(round: RoundActivity): Promise<void> {
    const { roundId, arena, opensAt, closesAt, outcome } = round;
    const id = `${roundId} ${outcome}`;
    if ((await this.redis.sismember(countedKey(arena), id)) === 1) return;
    const players = [...round.players];
    // One step after the other: commands of the next round get their turn in between, here and in Redis.
    for (let from = 0; from < players.length; from += BATCH) {
      const some = players.slice(from, from + BATCH);
      const rows = some.map(([, { keys, memes }]) => {
        const row: z.output<typeof rowSchema> = {
          o: opensAt,
          c: closesAt,
          v: outcome === "voided" ? 1 : 0,
          k: keys.map((key) => [key.playKey, key.deposited, key.staked, key.seatFees, key.won, key.returned]),
          m: memes,
        };
        return JSON.stringify(row);
      });
      const kept = some.flatMap(([identity]) => [rowsKey(identity), orderKey(identity), totalsKey(identity)]);
      await runScript(this.redis, RECORD, kept, [roundId, opensAt, this.keep, ...rows]);
    }
    // Last: until then a round that was broken off is done again, and rows that stand move no sum.
    await this.redis.sadd(countedKey(arena), id);
  }

  /** Newest first, those after the round `after`; none when it is not kept any more. */
  async page(identity: string, after: string | undefined, count: number): Promise<PlayedRound[]> {
    let from = 0;
    if (after !== undefined) {
      const rank = await this.redis.zrevrank(orderKey(identity), after);
      if (rank === null) return [];
      from = rank + 1;
    }
    const ids = await this.redis.zrevrange(orderKey(identity), from, from + count - 1);
    return await this.rowsOf(identity, ids);
  }

  /** All that are kept, oldest first. */
  async all(identity: string): Promise<PlayedRound[]> {
    return await this.rowsOf(identity, await this.redis.zrange(orderKey(identity), 0, -1));
  }

  async totals(identity: string): Promise<PlayedTotals> {
    const values = await this.redis.hmget(totalsKey(identity), ...totalFields);
    const entries = totalFields.map((field, at) => [field, Number(values[at] ?? 0)]);
    return Object.fromEntries(entries) as PlayedTotals;
  }

  /** I6: nothing of it is left here; what is public stays public. */
  async forget(identity: string): Promise<void> {
    await this.redis.del(rowsKey(identity), orderKey(identity), totalsKey(identity));
  }

  private async rowsOf(identity: string, ids: readonly string[]): Promise<PlayedRound[]> {
    if (ids.length === 0) return [];
    const rows = await this.redis.hmget(rowsKey(identity), ...ids);
    return ids.flatMap((roundId, at) => {
      const text = rows[at];
      return text ? [roundOf(roundId, text)] : [];
    });
  }
}

function roundOf(roundId: string, text: string): PlayedRound {
  const { o, c, v, k, m } = rowSchema.parse(JSON.parse(text));
  return {
    roundId,
    opensAt: o,
    closesAt: c,
    outcome: v === 1 ? "voided" : "closed",
    keys: k.map(([playKey, deposited, staked, seatFees, won, returned]) => {
      return { playKey, deposited, staked, seatFees, won, returned };
    }),
    memes: m,
  };
}
