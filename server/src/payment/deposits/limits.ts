/**
 * What unmined deposits are trusted with (M1). Owns: `mr:deposit:*`: how much unmined value a round has taken, and
 * which identities may use mined deposits only. Does not own: whether a deposit is mined (the caller asks the chain).
 */
import { type Redis, runScript, script } from "../../infra/redis.ts";

const unminedKey = (roundId: string): string => `mr:deposit:unmined:${roundId}`;
const sumKey = (roundId: string): string => `mr:deposit:unmined-sats:${roundId}`;
const barredKey = (identity: string): string => `mr:deposit:barred:${identity}`;
/** A round is over long before. */
const KEEP_SECONDS = 2 * 86_400;
/** M1: after a dropped deposit. */
const BARRED_SECONDS = 7 * 86_400;

/** KEYS unmined, sum. ARGV txid, sat, cap in sat, keep s. Returns 1 when it fits under the cap, or is counted already. */
const TAKE = script(
  "deposit.take",
  `if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 1 end
   local sum = tonumber(redis.call('GET', KEYS[2]) or '0')
   if sum + tonumber(ARGV[2]) > tonumber(ARGV[3]) then return 0 end
   redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
   redis.call('INCRBY', KEYS[2], ARGV[2])
   redis.call('EXPIRE', KEYS[1], ARGV[4])
   redis.call('EXPIRE', KEYS[2], ARGV[4])
   return 1`,
);
/** KEYS unmined, sum. ARGV txids. They count no more. */
const FREE = script(
  "deposit.free",
  `for i = 1, #ARGV do
     local sats = redis.call('HGET', KEYS[1], ARGV[i])
     if sats then
       redis.call('HDEL', KEYS[1], ARGV[i])
       redis.call('DECRBY', KEYS[2], sats)
     end
   end
   return 1`,
);

export class DepositLimits {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  private keys(roundId: string): string[] {
    return [unminedKey(roundId), sumKey(roundId)];
  }

  /** Counts an unmined deposit of `sats`; false when the round's unmined deposits would pass `capSats`. Idempotent. */
  async take(roundId: string, txid: string, sats: number, capSats: number): Promise<boolean> {
    return (await runScript(this.redis, TAKE, this.keys(roundId), [txid, sats, capSats, KEEP_SECONDS])) === 1;
  }

  /** Mined by now, or refused after all. */
  async free(roundId: string, txids: readonly string[]): Promise<void> {
    if (txids.length > 0) await runScript(this.redis, FREE, this.keys(roundId), [...txids]);
  }

  /** txids that count towards the round's cap. */
  async unmined(roundId: string): Promise<string[]> {
    return await this.redis.hkeys(unminedKey(roundId));
  }

  /** A deposit of theirs was dropped: mined ones only, for 7 days. */
  async bar(identity: string): Promise<void> {
    await this.redis.set(barredKey(identity), "1", "EX", BARRED_SECONDS);
  }

  async isBarred(identity: string): Promise<boolean> {
    return (await this.redis.exists(barredKey(identity))) === 1;
  }
}
