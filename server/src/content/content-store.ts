/** Uploaded pictures and their verdicts (C2). Owns: content records and the block list in Redis. */
import { modelWishSchema } from "@meme-rounds/shared-schema/rest";
import { z } from "zod";
import type { Redis } from "../infra/redis.ts";

const contentSchema = z.object({
  contentId: z.string(),
  memeId: z.string(),
  title: z.string(),
  /** Of the bytes /media serves. */
  mime: z.string(),
  phash: z.string(),
  identity: z.string(),
  status: z.enum(["approved", "review", "rejected"]),
  reasons: z.array(z.string()),
  width: z.number(),
  height: z.number(),
  /** What the creator wants it to become if it wins. */
  mode: modelWishSchema.default("auto"),
  appeal: z.enum(["none", "open", "granted", "refused"]).default("none"),
});
export type Content = z.infer<typeof contentSchema>;

/** A record that no round refers to is forgotten after a week, s. */
const KEPT_S = 7 * 86_400;

export class ContentStore {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  async put(content: Content): Promise<void> {
    await this.redis.set(`mr:content:${content.contentId}`, JSON.stringify(content), "EX", KEPT_S);
  }

  async get(contentId: string): Promise<Content | undefined> {
    const text = await this.redis.get(`mr:content:${contentId}`);
    return text === null ? undefined : contentSchema.parse(JSON.parse(text));
  }

  /** Perceptual hashes (16 hex) that may not be uploaded any more. */
  async blocked(): Promise<string[]> {
    return await this.redis.smembers("mr:content:blocked");
  }

  async block(phash: string): Promise<void> {
    await this.redis.sadd("mr:content:blocked", phash);
  }
}
