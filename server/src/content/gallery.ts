/**
 * Published models (C4): per round and over all time. Owns: their keys, and that none of a meme that was taken down is
 * listed (C6). Publishing twice is once.
 */
import { galleryAnswer, type Model } from "@meme-rounds/shared-schema/rest-content";
import { z } from "zod";
import { type Redis, runScript, script } from "../infra/redis.ts";
import { TAKEN } from "./media/store.ts";
import { Standings } from "./takedown/standings.ts";

const itemSchema = galleryAnswer.shape.items.element;
export type GalleryItem = z.infer<typeof itemSchema>;

const ITEMS = "mr:gallery:items";
const ORDER = "mr:gallery";
const roundKey = (roundId: string): string => `mr:models:${roundId}`;

/** KEYS models of the round, items, order, taken. ARGV memeId, field, item, at. Returns 0 when the meme was taken down. */
const PUBLISH = script(
  "gallery.publish",
  `if redis.call('HEXISTS', KEYS[4], ARGV[1]) == 1 then return 0 end
   redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
   redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
   redis.call('ZADD', KEYS[3], 'NX', ARGV[4], ARGV[2])
   return 1`,
);

export class Gallery {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  /** False when the meme was taken down: nothing is published then. */
  async publish(item: GalleryItem): Promise<boolean> {
    const { roundId, memeId, at } = item;
    const keys = [roundKey(roundId), ITEMS, ORDER, TAKEN];
    const args = [memeId, `${roundId}:${memeId}`, JSON.stringify(item), at];
    return (await runScript(this.redis, PUBLISH, keys, args)) === 1;
  }

  /** sha256 of the files of every model of a meme, in whatever round. Complete once the meme counts as taken down. */
  async filesOf(memeId: string): Promise<string[]> {
    const items = await this.itemsOf(memeId);
    const paths = items.flatMap(({ glb, poster, turntable }) => [glb, poster, turntable]);
    return [...new Set(paths.map((path) => path.slice(path.lastIndexOf("/") + 1)))];
  }

  /** Takes every model of a meme out. */
  async remove(memeId: string): Promise<void> {
    for (const { roundId } of await this.itemsOf(memeId)) {
      const field = `${roundId}:${memeId}`;
      await this.redis.multi().hdel(roundKey(roundId), memeId).hdel(ITEMS, field).zrem(ORDER, field).exec();
    }
  }

  async modelsOf(roundId: string): Promise<Model[]> {
    const items = await this.redis.hvals(roundKey(roundId));
    return items.map((text) => {
      const { memeId, glb, poster, turntable, provider } = itemSchema.parse(JSON.parse(text));
      return { memeId, glb, poster, turntable, provider };
    });
  }

  async has(roundId: string, memeId: string): Promise<boolean> {
    return (await this.redis.hexists(roundKey(roundId), memeId)) === 1;
  }

  /** Newest first; `before` is an exclusive time in ms. */
  async page(before: number | undefined, count: number): Promise<GalleryItem[]> {
    const to = before === undefined ? "+inf" : `(${before}`;
    const fields = await this.redis.zrevrangebyscore(ORDER, to, "-inf", "LIMIT", 0, count);
    if (fields.length === 0) return [];
    const texts = await this.redis.hmget(ITEMS, ...fields);
    const items = z
      .array(itemSchema)
      .parse(texts.filter((text) => text !== null).map((text) => JSON.parse(text)));
    const standings = await new Standings(this.redis).of(items.map(({ memeId }) => memeId));
    return items.map((item) => {
      const standing = standings.get(item.memeId);
      return standing === "hidden" || standing === "reported" ? { ...item, blurred: true } : item;
    });
  }

  private async itemsOf(memeId: string): Promise<GalleryItem[]> {
    const items: GalleryItem[] = [];
    let cursor = "0";
    do {
      const [next, found] = await this.redis.hscan(ITEMS, cursor, "MATCH", `*:${memeId}`, "COUNT", 1_000);
      for (const [at, text] of found.entries())
        if (at % 2 === 1) items.push(itemSchema.parse(JSON.parse(text)));
      cursor = next;
    } while (cursor !== "0");
    return items;
  }
}
