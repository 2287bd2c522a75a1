/**
 * Bytes that /media serves, by their sha256 (C6). Owns: keys, lifetimes and types of stored media.
 * Does not own: what may be stored (intake and moderation decide before).
 */
import { createHash } from "node:crypto";
import type { Redis } from "../infra/redis.ts";

const TYPES = ["image/webp", "image/jpeg", "image/png", "model/gltf-binary"] as const;
export type MediaType = (typeof TYPES)[number];

export interface Media {
  bytes: Buffer;
  type: MediaType;
}

/** An upload nobody entered leaves again after a day, s. */
const TEMPORARY_S = 86_400;

const keyOf = (sha256: string): string => `mr:media:${sha256}`;

export class MediaStore {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  /** Stores bytes for a day and returns their sha256, hex. Storing the same bytes twice is once. */
  async put(bytes: Uint8Array, type: MediaType): Promise<string> {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const key = keyOf(sha256);
    await this.redis.hset(key, { type, bytes: Buffer.from(bytes) });
    if ((await this.redis.hexists(key, "kept")) === 0) await this.redis.expire(key, TEMPORARY_S);
    return sha256;
  }

  /** Makes stored media permanent: a round refers to it. */
  async keep(sha256: string): Promise<void> {
    await this.redis.multi().hset(keyOf(sha256), "kept", "1").persist(keyOf(sha256)).exec();
  }

  async get(sha256: string): Promise<Media | undefined> {
    const [bytes, type] = await Promise.all([
      this.redis.hgetBuffer(keyOf(sha256), "bytes"),
      this.redis.hget(keyOf(sha256), "type"),
    ]);
    const known = TYPES.find((one) => one === type);
    return bytes === null || known === undefined ? undefined : { bytes, type: known };
  }
}
