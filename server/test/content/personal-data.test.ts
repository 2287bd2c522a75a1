/** Uploads and appeals of a person: told whole, forgotten where no round needs them (I6). Against a real Redis. */
import assert from "node:assert/strict";
import { type Content, ContentStore } from "../../src/content/content-store.ts";
import { ReviewQueue } from "../../src/content/moderation/review.ts";
import { uploadsData } from "../../src/content/personal-data.ts";
import type { Redis } from "../../src/infra/redis.ts";
import { connected } from "../support/redis.ts";

const ann = { identity: "ecdsa-secp256k1:ann", playKeys: ["02aa"] };
const content = (contentId: string, identity: string, more: Partial<Content> = {}): Content => ({
  contentId,
  memeId: contentId.padStart(64, "0"),
  title: `title of ${contentId}`,
  mime: "image/webp",
  phash: "0".repeat(16),
  identity,
  status: "approved",
  reasons: [],
  judges: [],
  width: 100,
  height: 100,
  mode: "auto",
  appeal: "none",
  ...more,
});

describe("content: a person's uploads (I6)", () => {
  let redis: Redis;
  let contents: ContentStore;
  let queue: ReviewQueue;

  connected((one) => {
    redis = one;
  });
  beforeEach(async () => {
    await redis.flushall();
    contents = new ContentStore(redis);
    queue = new ReviewQueue(redis, { now: () => 1_000 });
    await contents.put(content("a1", ann.identity));
    await contents.put(content("a2", ann.identity, { status: "rejected", appeal: "open" }));
    await contents.put(content("b1", "ecdsa-secp256k1:bob"));
    await queue.add({ kind: "appeal", contentId: "a2", text: "it is my own cat" });
    await contents.entered(content("a1", ann.identity));
  });

  it("I6: the export has every upload with its verdict and the words of an open appeal, and nobody else's", async () => {
    const told = JSON.stringify(await uploadsData({ contents, queue }).exportOf(ann));
    for (const part of ["title of a1", "title of a2", "rejected", "it is my own cat"])
      assert.ok(told.includes(part), part);
    assert.ok(!told.includes("b1"));
  });

  it("I6: forgotten, twice is once: the entered one names nobody, the other and its appeal are gone", async () => {
    const data = uploadsData({ contents, queue });
    for (let time = 0; time < 2; time++) await data.forget(ann);
    assert.equal((await contents.get("a1"))?.identity, "nobody");
    assert.equal((await contents.get("a1"))?.title, "title of a1");
    assert.equal(await contents.get("a2"), undefined);
    assert.equal((await queue.list()).items.length, 0);
    assert.equal(await queue.size(), 0);
    assert.deepEqual(await data.exportOf(ann), []);
    assert.equal((await contents.get("b1"))?.identity, "ecdsa-secp256k1:bob");
  });

  it("I6: the list of uploads ends with the uploads", async () => {
    await contents.update("a1", (now) => ({ ...now, mode: "relief" }));
    const [record, list] = [await redis.ttl("mr:content:a1"), await redis.ttl(`mr:uploads:${ann.identity}`)];
    assert.ok(list >= record - 1 && list <= 7 * 86_400, `${list} s, the record ${record} s`);
  });
});
