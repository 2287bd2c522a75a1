/**
 * Bytes that /media serves, by their sha256 (C6). Owns: keys, states and lifetimes of stored media, which ones are taken
 * down. Does not own: what may be stored (intake and moderation decide before), reading the chain (shelf.ts).
 *
 * `mr:media:<sha256>` is a hash: type, bytes, state. The states:
 * - `temporary`: nobody refers to it yet; gone after a day.
 * - `kept`: a round refers to it and the chain does not hold it for good; stays. Listed in `mr:media:kept`.
 * - `hot`: final on the chain, or read back from it; gone when nobody has read it for a while.
 * `mr:media:taken` names what was taken down: it has no bytes here, takes none and is never served.
 */
import { createHash } from "node:crypto";
import { counter } from "../../infra/metrics.ts";
import { type Redis, runScript, script } from "../../infra/redis.ts";

const TYPES = ["image/webp", "image/jpeg", "image/png", "model/gltf-binary"] as const;
export type MediaType = (typeof TYPES)[number];

export interface Media {
  bytes: Buffer;
  type: MediaType;
}

/** The type as we serve it, or undefined for what we do not. */
export const mediaTypeOf = (type: string): MediaType | undefined => TYPES.find((one) => one === type);

/** An upload nobody entered leaves again after a day, s. */
const TEMPORARY_S = 86_400;
/** What the chain holds leaves Redis this long after it was last read, s. */
const HOT_S = 3 * 86_400;

const KEPT = "mr:media:kept";
/** Bytes of everything kept; exact, since kept media leave only through the scripts below. */
const KEPT_BYTES = "mr:media:kept:bytes";
export const TAKEN = "mr:media:taken";

const keyOf = (sha256: string): string => `mr:media:${sha256}`;

/** KEYS file, taken. ARGV sha256, type, bytes, state, ttl s. Stores nothing that was taken down; never shortens a life. */
const PUT = script(
  "media.put",
  `if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 0 end
   local had = redis.call('HGET', KEYS[1], 'state')
   if had == 'kept' then return 1 end
   if had ~= 'hot' then
     redis.call('HSET', KEYS[1], 'type', ARGV[2], 'bytes', ARGV[3], 'state', ARGV[4])
   end
   if redis.call('TTL', KEYS[1]) < tonumber(ARGV[5]) then redis.call('EXPIRE', KEYS[1], ARGV[5]) end
   return 1`,
);
/** KEYS file, kept, kept bytes. ARGV sha256. Returns 0 when there are no bytes to keep. */
const KEEP = script(
  "media.keep",
  `local state = redis.call('HGET', KEYS[1], 'state')
   if not state then return 0 end
   if state == 'kept' then return 1 end
   redis.call('HSET', KEYS[1], 'state', 'kept')
   redis.call('PERSIST', KEYS[1])
   redis.call('SADD', KEYS[2], ARGV[1])
   redis.call('INCRBY', KEYS[3], redis.call('HSTRLEN', KEYS[1], 'bytes'))
   return 1`,
);
/** KEYS file, kept, kept bytes. ARGV sha256, ttl s. kept -> hot; returns 1 when it was kept. */
const COOL = script(
  "media.cool",
  `if redis.call('SREM', KEYS[2], ARGV[1]) == 0 then return 0 end
   redis.call('DECRBY', KEYS[3], redis.call('HSTRLEN', KEYS[1], 'bytes'))
   redis.call('HSET', KEYS[1], 'state', 'hot')
   redis.call('EXPIRE', KEYS[1], ARGV[2])
   return 1`,
);
/** KEYS file, kept, kept bytes, taken. ARGV sha256, note. From here on nobody gets the bytes. */
const TAKE = script(
  "media.take",
  `redis.call('HSETNX', KEYS[4], ARGV[1], ARGV[2])
   if redis.call('SREM', KEYS[2], ARGV[1]) == 1 then
     redis.call('DECRBY', KEYS[3], redis.call('HSTRLEN', KEYS[1], 'bytes'))
   end
   redis.call('DEL', KEYS[1])
   return 1`,
);

export interface MediaStoreOptions {
  /** How long media that the chain holds stay after the last read, s. Default: three days. */
  hotSeconds?: number;
  /** Reads what is not in Redis back from the chain: bytes of exactly this hash, or undefined. */
  fromChain?(sha256: string): Promise<Media | undefined>;
}

export class MediaStore {
  private readonly redis: Redis;
  private readonly options: MediaStoreOptions;
  private readonly hotSeconds: number;
  private readonly reads = counter("mr_media_reads_total", "Media asked for, by where they came from", [
    "from",
  ]);

  constructor(redis: Redis, options: MediaStoreOptions = {}) {
    this.redis = redis;
    this.options = options;
    this.hotSeconds = options.hotSeconds ?? HOT_S;
  }

  /**
   * Stores bytes for a day and returns their sha256, hex. Storing the same bytes twice is once; what was taken down is
   * not stored again.
   */
  async put(bytes: Uint8Array, type: MediaType): Promise<string> {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    await this.write(sha256, { bytes: Buffer.from(bytes), type }, "temporary", TEMPORARY_S);
    return sha256;
  }

  /**
   * A round refers to it: it stays until the chain holds it for good. False when the bytes are nowhere: never stored,
   * gone after a day, or taken down.
   */
  async keep(sha256: string): Promise<boolean> {
    const kept = () => runScript(this.redis, KEEP, [keyOf(sha256), KEPT, KEPT_BYTES], [sha256]);
    if ((await kept()) === 1) return true;
    return (await this.get(sha256)) !== undefined && (await kept()) === 1;
  }

  /** From Redis, else from the chain; undefined for what is nowhere or was taken down. Throws UNAVAILABLE. */
  async get(sha256: string): Promise<Media | undefined> {
    const key = keyOf(sha256);
    const [taken, fields, life] = await Promise.all([
      this.isTaken(sha256),
      this.redis.hmgetBuffer(key, "type", "bytes", "state"),
      this.redis.ttl(key),
    ]);
    if (taken) return this.read("taken", undefined);
    const [name, bytes, state] = fields;
    const type = mediaTypeOf(String(name));
    if (bytes && type !== undefined) {
      if (String(state) === "hot" && life < this.hotSeconds / 2)
        await this.redis.expire(key, this.hotSeconds);
      return this.read("redis", { bytes, type });
    }
    const found = await this.options.fromChain?.(sha256);
    // It may have been taken down while the chain was read: then nothing is stored.
    if (found === undefined || !(await this.write(sha256, found, "hot", this.hotSeconds)))
      return this.read("nowhere", undefined);
    return this.read("chain", found);
  }

  async isTaken(sha256: string): Promise<boolean> {
    return (await this.redis.hexists(TAKEN, sha256)) === 1;
  }

  /** Which of these were taken down. */
  async takenOf(sha256s: readonly string[]): Promise<Set<string>> {
    if (sha256s.length === 0) return new Set();
    const notes = await this.redis.hmget(TAKEN, ...sha256s);
    return new Set(sha256s.filter((_, at) => notes[at] !== null));
  }

  /** From here on nobody gets these bytes; they are still here for `bytesOfTaken`, until `take`. */
  async ban(sha256: string, note: string): Promise<void> {
    await this.redis.hsetnx(TAKEN, sha256, note);
  }

  /** What was banned, for nobody but the block list: from Redis, else from the chain. Throws UNAVAILABLE. */
  async bytesOfTaken(sha256: string): Promise<Buffer | undefined> {
    const stored = await this.redis.hgetBuffer(keyOf(sha256), "bytes");
    return stored ?? (await this.options.fromChain?.(sha256))?.bytes;
  }

  /** Takes bytes down for good: they leave Redis and are not served, stored or read back any more. */
  async take(sha256: string, note: string): Promise<void> {
    await runScript(this.redis, TAKE, [keyOf(sha256), KEPT, KEPT_BYTES, TAKEN], [sha256, note]);
  }

  /** The chain holds it for good: from now on it stays only while it is read. True when it was kept before. */
  async cool(sha256: string): Promise<boolean> {
    const keys = [keyOf(sha256), KEPT, KEPT_BYTES];
    return (await runScript(this.redis, COOL, keys, [sha256, this.hotSeconds])) === 1;
  }

  /** A page of what is kept; `cursor` "0" begins, and comes back when all were seen. */
  async keptPage(cursor: string, count: number): Promise<{ cursor: string; sha256s: string[] }> {
    const [next, sha256s] = await this.redis.sscan(KEPT, cursor, "COUNT", count);
    return { cursor: next, sha256s };
  }

  /** How much is kept because the chain does not hold it. */
  async keptSize(): Promise<{ files: number; bytes: number }> {
    const [files, bytes] = await Promise.all([this.redis.scard(KEPT), this.redis.get(KEPT_BYTES)]);
    return { files, bytes: Number(bytes ?? 0) };
  }

  private async write(sha256: string, media: Media, state: string, ttl: number): Promise<boolean> {
    const args = [sha256, media.type, media.bytes, state, ttl];
    return (await runScript(this.redis, PUT, [keyOf(sha256), TAKEN], args)) === 1;
  }

  private read(from: "redis" | "chain" | "nowhere" | "taken", media: Media | undefined): Media | undefined {
    this.reads.inc({ from });
    return media;
  }
}
