/**
 * Pictures nobody may see but a moderator (C2): those in review, and rejected ones that may be appealed.
 * Owns: their bytes in Redis and how long they stay. They are not media: /media does not know them.
 */
import type { Redis } from "../../infra/redis.ts";

/** s. As long as the record of the upload itself. */
const REVIEW_S = 7 * 86_400;
/** s. Time to appeal; what was rejected is not kept longer than that. */
const REJECTED_S = 86_400;

/** Rejected pictures kept in a day; nobody's flood of them fills Redis. */
const MAX_REJECTED = 1_000;
const REJECTED_COUNT = "mr:content:held-rejected";

const keyOf = (sha256: string): string => `mr:content:held:${sha256}`;

export class HeldPictures {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  /**
   * The stored WebP. A second upload of the same picture only lengthens its time. After 1,000 rejected ones in a day
   * more are not kept, and cannot be appealed.
   */
  async hold(sha256: string, webp: Uint8Array, status: "review" | "rejected"): Promise<void> {
    const key = keyOf(sha256);
    if (status === "rejected" && (await this.countRejected()) > MAX_REJECTED) return;
    const ttl = status === "review" ? REVIEW_S : REJECTED_S;
    await this.redis
      .multi()
      .set(key, Buffer.from(webp), "KEEPTTL")
      .expire(key, ttl, "NX")
      .expire(key, ttl, "GT")
      .exec();
  }

  /** An appeal is open: a moderator needs the picture longer. */
  async extend(sha256: string): Promise<boolean> {
    return (await this.redis.expire(keyOf(sha256), REVIEW_S)) === 1;
  }

  async get(sha256: string): Promise<Buffer | undefined> {
    return (await this.redis.getBuffer(keyOf(sha256))) ?? undefined;
  }

  async shorten(sha256: string): Promise<void> {
    await this.redis.expire(keyOf(sha256), REJECTED_S, "LT");
  }

  async drop(sha256: string): Promise<void> {
    await this.redis.del(keyOf(sha256));
  }

  private async countRejected(): Promise<number> {
    const results = await this.redis
      .multi()
      .incr(REJECTED_COUNT)
      .expire(REJECTED_COUNT, REJECTED_S, "NX")
      .exec();
    return Number(results?.[0]?.[1] ?? 0);
  }
}
