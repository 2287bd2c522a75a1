/**
 * The bytes of deposits and of their unmined ancestors (M1, M3). Owns: `mr:deposit:tx:*`: what the network might forget
 * is kept until long after the round, so that it can be sent again, and so that a dead deposit can be shown to be dead.
 */
import type { Redis } from "../../infra/redis.ts";

/** Refunds are open after a day; nothing is settled later than that. */
const KEEP_SECONDS = 7 * 86_400;
const keyOf = (txid: string): string => `mr:deposit:tx:${txid}`;

export class DepositTxs {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  async keep(txid: string, rawHex: string): Promise<void> {
    await this.redis.set(keyOf(txid), rawHex, "EX", KEEP_SECONDS);
  }

  /** Raw transaction, hex; undefined when it was never kept, or long ago. */
  async get(txid: string): Promise<string | undefined> {
    return (await this.redis.get(keyOf(txid))) ?? undefined;
  }
}
