/** Uploaded pictures and their verdicts (C2). Owns: content records in Redis. Does not own: the pictures' bytes. */
import { type contentAnswer, type ModelWish, modelWishSchema } from "@meme-rounds/shared-schema/rest-content";
import { z } from "zod";
import { type Redis, runScript, script } from "../infra/redis.ts";

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
  /** Who had something against it when it was uploaded. */
  judges: z.array(z.enum(["blocked", "picture", "title"])).default([]),
  width: z.number(),
  height: z.number(),
  /** What the creator wants it to become if it wins. */
  mode: modelWishSchema.default("auto"),
  appeal: z.enum(["none", "open", "granted", "refused"]).default("none"),
});
export type Content = z.infer<typeof contentSchema>;

/** What its creator is told. */
export const answerOf = (content: Content): z.input<typeof contentAnswer> => {
  const { contentId, memeId, title, status, reasons, mode, appeal } = content;
  return { contentId, memeId, title, status, reasons, mode, appeal };
};

/** A record that no round refers to is forgotten after a week, s. */
const KEPT_S = 7 * 86_400;
/** Longer than any round, s. */
const ENTERED_S = 2 * 86_400;

const enteredKey = (memeId: string): string => `mr:content:entered:${memeId}`;

/** KEYS record. ARGV what it was, what it becomes, ttl s. Answers 1 when it still was so. */
const SWAP = script(
  "content-swap",
  `if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[2], "EX", ARGV[3])
return 1`,
);

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

  /** Notes that a picture is on its way into a round; the first of several uploads of one picture counts. */
  async entered({ memeId, contentId }: Content): Promise<void> {
    await this.redis.set(enteredKey(memeId), contentId, "EX", ENTERED_S, "NX");
  }

  /** C3: what the creator of an entered picture wants it to become. */
  async wishOf(memeId: string): Promise<ModelWish> {
    const contentId = await this.redis.get(enteredKey(memeId));
    return (contentId === null ? undefined : await this.get(contentId))?.mode ?? "auto";
  }

  /**
   * Changes a record in one step, whoever else changes it at the same time; `change` may be asked more than once.
   * Answers the new record; undefined when there is none.
   */
  async update(contentId: string, change: (content: Content) => Content): Promise<Content | undefined> {
    const key = `mr:content:${contentId}`;
    for (;;) {
      const before = await this.redis.get(key);
      if (before === null) return undefined;
      const after = change(contentSchema.parse(JSON.parse(before)));
      if ((await runScript(this.redis, SWAP, [key], [before, JSON.stringify(after), KEPT_S])) === 1)
        return after;
    }
  }
}
