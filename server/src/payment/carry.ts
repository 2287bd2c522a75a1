/**
 * The jackpot's coins between rounds (E11). Owns: which finished rounds' carries are free, which round has claimed
 * which, giving them on. Does not own: what a carry is worth (payout.ts). A carry is free only once the settlement
 * that makes its coin has been sent; each is consumed by one round.
 */
import type { CarryCoin } from "@meme-rounds/shared-schema/settlement";
import { z } from "zod";
import { type Redis, runScript, script } from "../infra/redis.ts";

const coinsSchema = z.array(
  z.object({
    roundId: z.string(),
    sats: z.number().int().positive(),
    txid: z.string(),
    vout: z.number().int().nonnegative(),
    script: z.string().optional(),
    auditorKey: z.string().optional(),
  }),
);

const freeKey = (arena: string): string => `mr:carry:free:${arena}`;
const claimKey = (roundId: string): string => `mr:carry:claim:${roundId}`;
const doneKey = (roundId: string): string => `mr:carry:done:${roundId}`;
/** Claims not given on yet: sorted set of `<arena>|<roundId>` by the ms of the claim. */
const OPEN_CLAIMS = "mr:carry:open";
/** How long a finished claim can still be asked for; far longer than any retry. */
const KEEP_SECONDS = 30 * 86_400;
/** A round writes record 1 right after its claim; with none after this long, it never will. */
const ABANDONED_MS = 3_600_000;

/**
 * KEYS free, claim, done, open claims. ARGV ms, member of open claims. All free carries become this round's, once:
 * a second call returns the first one's answer. Returns a JSON array of coins.
 */
const CLAIM = script(
  "carry.claim",
  `local had = redis.call('GET', KEYS[2])
   if had then return had end
   if redis.call('EXISTS', KEYS[3]) == 1 then return '[]' end
   local coins = redis.call('HVALS', KEYS[1])
   local text = '[' .. table.concat(coins, ',') .. ']'
   redis.call('SET', KEYS[2], text)
   redis.call('DEL', KEYS[1])
   redis.call('ZADD', KEYS[4], ARGV[1], ARGV[2])
   return text`,
);
/**
 * KEYS free, claim, done, open claims. ARGV member, keep s, 'moved' or 'consumed', then pairs of roundId and coin.
 * Frees the given coins, once; 'moved' is for a voided round, whose claim is what moves on. Returns 1 the first time.
 */
const RELEASE = script(
  "carry.release",
  `if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
   for i = 4, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
   redis.call('SET', KEYS[3], ARGV[3], 'EX', ARGV[2])
   redis.call('EXPIRE', KEYS[2], ARGV[2])
   redis.call('ZREM', KEYS[4], ARGV[1])
   return 1`,
);

export class CarryBook {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  private keys(arena: string, roundId: string): string[] {
    return [freeKey(arena), claimKey(roundId), doneKey(roundId), OPEN_CLAIMS];
  }

  /** E11: all free carries of the arena become this round's, oldest first; the same answer for the same round. */
  async claim(arena: string, roundId: string, now: number): Promise<CarryCoin[]> {
    const text = await runScript(this.redis, CLAIM, this.keys(arena, roundId), [now, `${arena}|${roundId}`]);
    return parseCoins(String(text));
  }

  /** What the round claimed; empty when nothing, or when it never claimed. */
  async claimedBy(roundId: string): Promise<CarryCoin[]> {
    return parseCoins((await this.redis.get(claimKey(roundId))) ?? "[]");
  }

  /** The round has consumed its claim; `made` is the coin of its own carry, when it has one. Idempotent. */
  async consumed(arena: string, roundId: string, made: CarryCoin | undefined): Promise<void> {
    await this.release(arena, roundId, "consumed", made ? [made] : []);
  }

  /** E10: the round was voided, or never opened: what it claimed is free again, the same coins. Idempotent. */
  async movedOn(arena: string, roundId: string): Promise<void> {
    await this.release(arena, roundId, "moved", await this.claimedBy(roundId));
  }

  private async release(arena: string, roundId: string, how: string, coins: CarryCoin[]): Promise<void> {
    const pairs = coins.flatMap((coin) => [coin.roundId, JSON.stringify(coin)]);
    const args = [`${arena}|${roundId}`, KEEP_SECONDS, how, ...pairs];
    await runScript(this.redis, RELEASE, this.keys(arena, roundId), args);
  }

  /** M6: the free carries as a rebuild found them, where nothing stands yet. */
  async restore(arena: string, coins: readonly CarryCoin[]): Promise<void> {
    for (const coin of coins) await this.redis.hsetnx(freeKey(arena), coin.roundId, JSON.stringify(coin));
  }

  /** Frees what was claimed for rounds that never wrote record 1 (their process died in between). */
  async freeAbandoned(now: number, hasJournal: (roundId: string) => Promise<boolean>): Promise<void> {
    for (const member of await this.redis.zrangebyscore(OPEN_CLAIMS, 0, now - ABANDONED_MS)) {
      const cut = member.indexOf("|");
      const [arena, roundId] = [member.slice(0, cut), member.slice(cut + 1)];
      if (!(await hasJournal(roundId))) await this.movedOn(arena, roundId);
    }
  }
}

const startOf = (roundId: string): number => Number(roundId.slice(roundId.lastIndexOf("-") + 1));

function parseCoins(text: string): CarryCoin[] {
  return coinsSchema.parse(JSON.parse(text)).sort((a, b) => startOf(a.roundId) - startOf(b.roundId));
}
