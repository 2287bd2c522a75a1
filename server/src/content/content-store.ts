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

/** Whose an upload is once its creator has deleted everything; no identity string looks like this. */
const NOBODY = "nobody";

/** A record that no round refers to is forgotten after a week, s. */
const KEPT_S = 7 * 86_400;
/** Longer than any round, s. */
const ENTERED_S = 2 * 86_400;

const recordKey = (contentId: string): string => `mr:content:${contentId}`;
const enteredKey = (memeId: string): string => `mr:content:entered:${memeId}`;
/** Content ids of a person by when they were last written; for the person's own export only (I6). */
const uploadsKey = (identity: string): string => `mr:uploads:${identity}`;

/** KEYS record, uploads. ARGV record, ttl s, content id: stores it, and lists it as long as it is stored. */
const WRITE = `redis.call("SET", KEYS[1], ARGV[1], "EX", ARGV[2])
local seconds = tonumber(redis.call("TIME")[1])
redis.call("ZADD", KEYS[2], seconds, ARGV[3])
redis.call("ZREMRANGEBYSCORE", KEYS[2], "-inf", seconds - tonumber(ARGV[2]))
redis.call("EXPIRE", KEYS[2], ARGV[2])
return 1`;
const PUT = script("content-put", WRITE);
/** The same, with what it was as ARGV 4. Answers 1 when it still was so. */
const SWAP = script("content-swap", `if redis.call("GET", KEYS[1]) ~= ARGV[4] then return 0 end\n${WRITE}`);

export class ContentStore {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  async put(content: Content): Promise<void> {
    const { contentId, identity } = content;
    const keys = [recordKey(contentId), uploadsKey(identity)];
    await runScript(this.redis, PUT, keys, [JSON.stringify(content), KEPT_S, contentId]);
  }

  async get(contentId: string): Promise<Content | undefined> {
    const text = await this.redis.get(recordKey(contentId));
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
    const key = recordKey(contentId);
    for (;;) {
      const before = await this.redis.get(key);
      if (before === null) return undefined;
      const after = change(contentSchema.parse(JSON.parse(before)));
      const keys = [key, uploadsKey(after.identity)];
      if ((await runScript(this.redis, SWAP, keys, [JSON.stringify(after), KEPT_S, contentId, before])) === 1)
        return after;
    }
  }

  /** I6: what a person has uploaded lately, oldest first. */
  async uploadsOf(identity: string): Promise<Content[]> {
    const ids = await this.redis.zrange(uploadsKey(identity), 0, -1);
    return (await Promise.all(ids.map((id) => this.get(id)))).filter((content) => content !== undefined);
  }

  /** Whether this upload is the one that a round knows. */
  async isEntered({ memeId, contentId }: Content): Promise<boolean> {
    return (await this.redis.get(enteredKey(memeId))) === contentId;
  }

  async drop({ contentId, identity }: Content): Promise<void> {
    await this.redis.multi().del(recordKey(contentId)).zrem(uploadsKey(identity), contentId).exec();
  }

  /** The record stays for the round that knows it, and names nobody. */
  async anonymise({ contentId, identity }: Content): Promise<void> {
    await this.update(contentId, (now) => ({ ...now, identity: NOBODY }));
    await this.redis.zrem(uploadsKey(identity), contentId);
  }
}
