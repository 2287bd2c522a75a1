/**
 * What waits for a moderator (C2, R12). Owns: the queue in Redis, its bound, who is deciding what right now.
 * Does not own: what a decision does (decisions.ts), the page.
 */
import { z } from "zod";
import { type Redis, runScript, script } from "../../infra/redis.ts";

export const reviewItem = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("content"), contentId: z.string() }),
  z.strictObject({
    kind: z.literal("report"),
    roundId: z.string(),
    memeId: z.string(),
    reason: z.string(),
  }),
  z.strictObject({ kind: z.literal("model"), roundId: z.string(), memeId: z.string(), reason: z.string() }),
  z.strictObject({ kind: z.literal("appeal"), contentId: z.string(), text: z.string() }),
]);
export type ReviewItem = z.output<typeof reviewItem>;

const stored = z.object({ at: z.number(), item: reviewItem });
export interface QueuedItem {
  id: string;
  /** When it was put there, ms. */
  at: number;
  item: ReviewItem;
}

const QUEUE = "mr:review:queue";
const ITEMS = "mr:review:items";
const COUNT = "mr:review:count";
const claimKey = (id: string): string => `mr:review:claim:${id}`;
const doneKey = (id: string): string => `mr:review:done:${id}`;

/** A moderator's decision takes effect within this time, or the next one may decide, s. */
const CLAIM_S = 60;
/** An item that was decided does not come back for so long, s. */
const DONE_S = 90 * 86_400;
const PAGE = 50;
/** Longer than this the queue takes no uploads and appeals, whose pictures weigh; then no reports and models either. */
const MAX_PICTURES = 2_000;
const MAX_ITEMS = 10_000;

/**
 * KEYS queue, items, count, done. ARGV id, item as JSON, most items.
 * Answers 1 when it is queued (now or before), 0 when it was decided already, -1 when the queue is full.
 */
const ADD = script(
  "review-add",
  `if redis.call("EXISTS", KEYS[4]) == 1 then return 0 end
if redis.call("HEXISTS", KEYS[2], ARGV[1]) == 1 then return 1 end
if redis.call("ZCARD", KEYS[1]) >= tonumber(ARGV[3]) then return -1 end
redis.call("ZADD", KEYS[1], redis.call("INCR", KEYS[3]), ARGV[1])
redis.call("HSET", KEYS[2], ARGV[1], ARGV[2])
return 1`,
);

/** An item's name: the same thing twice is one item. */
function reviewId(item: ReviewItem): string {
  switch (item.kind) {
    case "content":
    case "appeal":
      return `${item.kind}.${item.contentId}`;
    case "report":
    case "model":
      return `${item.kind}.${item.roundId}.${item.memeId}`;
  }
}

export class ReviewQueue {
  private readonly redis: Redis;
  private readonly now: () => number;

  constructor(redis: Redis, deps: { now(): number }) {
    this.redis = redis;
    this.now = deps.now;
  }

  /** `full`: the item was not taken, and whoever brought it must live without. Adding twice is once. */
  async add(item: ReviewItem): Promise<"queued" | "decided" | "full"> {
    const id = reviewId(item);
    const text = JSON.stringify({ at: this.now(), item });
    const most = item.kind === "content" || item.kind === "appeal" ? MAX_PICTURES : MAX_ITEMS;
    const result = await runScript(this.redis, ADD, [QUEUE, ITEMS, COUNT, doneKey(id)], [id, text, most]);
    return result === 1 ? "queued" : result === 0 ? "decided" : "full";
  }

  /** Oldest first, 50 at a time; `next` is the cursor of those after. */
  async list(cursor?: number): Promise<{ items: QueuedItem[]; next?: number }> {
    const flat = await this.redis.zrangebyscore(
      QUEUE,
      cursor === undefined ? "-inf" : `(${cursor}`,
      "+inf",
      "WITHSCORES",
      "LIMIT",
      0,
      PAGE,
    );
    const ids = flat.filter((_, index) => index % 2 === 0);
    const last = Number(flat.at(-1));
    const items = (await Promise.all(ids.map((id) => this.get(id)))).filter((item) => item !== undefined);
    return { items, ...(ids.length === PAGE ? { next: last } : {}) };
  }

  async get(id: string): Promise<QueuedItem | undefined> {
    const text = await this.redis.hget(ITEMS, id);
    return text === null ? undefined : { id, ...stored.parse(JSON.parse(text)) };
  }

  async size(): Promise<number> {
    return await this.redis.zcard(QUEUE);
  }

  /**
   * The item, for one moderator at a time: undefined when another is deciding it now, or it is gone. End with
   * `close`; without it the item is free again after a minute.
   */
  async take(id: string): Promise<QueuedItem | undefined> {
    if ((await this.redis.set(claimKey(id), "1", "EX", CLAIM_S, "NX")) === null) return undefined;
    const item = await this.get(id);
    if (item === undefined) await this.redis.del(claimKey(id));
    return item;
  }

  /** I6: whose upload or appeal it was has deleted everything. */
  async withdraw(contentId: string): Promise<void> {
    const ids = [`content.${contentId}`, `appeal.${contentId}`];
    await this.redis
      .multi()
      .zrem(QUEUE, ...ids)
      .hdel(ITEMS, ...ids)
      .exec();
  }

  /** Gives an item back undecided. */
  async release(id: string): Promise<void> {
    await this.redis.del(claimKey(id));
  }

  /** The item is decided, and does not come back. */
  async close(id: string): Promise<void> {
    await this.redis
      .multi()
      .zrem(QUEUE, id)
      .hdel(ITEMS, id)
      .set(doneKey(id), "1", "EX", DONE_S)
      .del(claimKey(id))
      .exec();
  }
}
