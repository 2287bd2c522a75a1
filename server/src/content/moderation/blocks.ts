/**
 * Pictures that may not come back (C2). Owns: the block list in Redis, exact and by perceptual hash, and the list of
 * those a moderator let through. Does not own: who puts a picture there.
 *
 * A perceptual hash is kept under each of its seven parts. Two hashes that differ in six bits at most agree in one
 * part at least, so a look-up reads seven small sets, however long the list is.
 */
import { z } from "zod";
import type { Redis } from "../../infra/redis.ts";
import { phashDistance } from "../upload/picture.ts";

/** R7's distance. The seven parts make it exact up to here, and no further. */
const NEAR = 6;
const PARTS = NEAR + 1;
/** Pictures on the list; beyond it the oldest hashes leave, the exact list stays. */
const MAX_NEAR = 50_000;
/** How long a moderator's "yes" to a picture spares it the classifier, s. */
const CLEARED_S = 30 * 86_400;

const SHA_KEY = "mr:block:sha256";
const NEAR_KEY = "mr:block:near";
const partKey = (index: number, part: bigint): string => `mr:block:part:${index}:${part.toString(16)}`;
const clearedKey = (sha256: string): string => `mr:block:cleared:${sha256}`;

const phashSchema = z.string().regex(/^[0-9a-f]{16}$/);

export interface KnownPicture {
  /** Of the stored bytes, hex. */
  sha256: string;
  /** 16 hex. */
  phash: string;
}

export class BlockList {
  private readonly redis: Redis;
  private readonly now: () => number;

  constructor(redis: Redis, deps: { now(): number }) {
    this.redis = redis;
    this.now = deps.now;
  }

  /** Adding twice is once. */
  async add({ sha256, phash }: KnownPicture): Promise<void> {
    const hash = phashSchema.parse(phash);
    const adding = this.redis.multi().sadd(SHA_KEY, sha256).zadd(NEAR_KEY, this.now(), hash);
    for (const key of keysOf(hash)) adding.sadd(key, hash);
    await adding.del(clearedKey(sha256)).exec();
    const excess = (await this.redis.zcard(NEAR_KEY)) - MAX_NEAR;
    if (excess > 0)
      for (const old of await this.redis.zrange(NEAR_KEY, 0, excess - 1)) await this.forget(old);
  }

  /** Takes a picture, and what looks like it, off the list again. */
  async remove({ sha256, phash }: KnownPicture): Promise<void> {
    await this.redis.srem(SHA_KEY, sha256);
    for (const near of await this.nearOf([phash])) await this.forget(near);
  }

  /** `exact`: these very bytes; `near`: a listed picture within 6 bits of one of the hashes; undefined: neither. */
  async find(sha256: string, phashes: readonly string[]): Promise<"exact" | "near" | undefined> {
    if ((await this.redis.sismember(SHA_KEY, sha256)) === 1) return "exact";
    return (await this.nearOf(phashes)).length > 0 ? "near" : undefined;
  }

  /** A moderator has seen this picture and said yes. */
  async clear(sha256: string): Promise<void> {
    await this.redis.set(clearedKey(sha256), "1", "EX", CLEARED_S);
  }

  async isCleared(sha256: string): Promise<boolean> {
    return (await this.redis.exists(clearedKey(sha256))) === 1;
  }

  private async nearOf(phashes: readonly string[]): Promise<string[]> {
    const wanted = phashes.map((phash) => phashSchema.parse(phash));
    const listed = await this.redis.sunion(...wanted.flatMap(keysOf));
    return listed.filter((hash) => wanted.some((phash) => phashDistance(hash, phash) <= NEAR));
  }

  private async forget(hash: string): Promise<void> {
    const removing = this.redis.multi().zrem(NEAR_KEY, hash);
    for (const key of keysOf(hash)) removing.srem(key, hash);
    await removing.exec();
  }
}

/** 64 bits in seven parts: one of ten and six of nine. */
function keysOf(phash: string): string[] {
  let rest = BigInt(`0x${phash}`);
  return Array.from({ length: PARTS }, (_, index) => {
    const bits = index === 0 ? 10n : 9n;
    const part = BigInt.asUintN(Number(bits), rest);
    rest >>= bits;
    return partKey(index, part);
  });
}
