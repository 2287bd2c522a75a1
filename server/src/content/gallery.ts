/** Published models (C4): per round and over all time. Owns: their keys. Publishing twice is once. */
import { galleryAnswer, type Model } from "@meme-rounds/shared-schema/rest";
import { z } from "zod";
import type { Redis } from "../infra/redis.ts";

const itemSchema = galleryAnswer.shape.items.element;
export type GalleryItem = z.infer<typeof itemSchema>;

export class Gallery {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  async publish(item: GalleryItem): Promise<void> {
    const { roundId, memeId } = item;
    const field = `${roundId}:${memeId}`;
    await this.redis
      .multi()
      .hset(`mr:models:${roundId}`, memeId, JSON.stringify(item))
      .hset("mr:gallery:items", field, JSON.stringify(item))
      .zadd("mr:gallery", "NX", item.at, field)
      .exec();
  }

  async modelsOf(roundId: string): Promise<Model[]> {
    const items = await this.redis.hvals(`mr:models:${roundId}`);
    return items.map((text) => {
      const { memeId, glb, poster, turntable, provider } = itemSchema.parse(JSON.parse(text));
      return { memeId, glb, poster, turntable, provider };
    });
  }

  async has(roundId: string, memeId: string): Promise<boolean> {
    return (await this.redis.hexists(`mr:models:${roundId}`, memeId)) === 1;
  }

  /** Newest first; `before` is an exclusive time in ms. */
  async page(before: number | undefined, count: number): Promise<GalleryItem[]> {
    const to = before === undefined ? "+inf" : `(${before}`;
    const fields = await this.redis.zrevrangebyscore("mr:gallery", to, "-inf", "LIMIT", 0, count);
    if (fields.length === 0) return [];
    const items = await this.redis.hmget("mr:gallery:items", ...fields);
    return z.array(itemSchema).parse(items.filter((text) => text !== null).map((text) => JSON.parse(text)));
  }
}
