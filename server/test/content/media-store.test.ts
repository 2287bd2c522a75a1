/** C6: how long bytes stay, and that what comes back from the chain is what was asked for. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { createShelf, type ShelfDeps, type ShelfOptions } from "../../src/content/media/shelf.ts";
import { type MediaRig, quiet, someBytes, startMedia } from "./media-kit.ts";

const DAY_S = 86_400;
const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("stored media", () => {
  let rig: MediaRig;
  before(async () => {
    rig = await startMedia();
  });
  after(() => rig?.stop());
  beforeEach(() => rig.redis.flushall());

  const life = (sha256: string) => rig.redis.ttl(`mr:media:${sha256}`);
  const state = (sha256: string) => rig.redis.hget(`mr:media:${sha256}`, "state");

  it("C6 an upload stays a day; the same bytes again are one file", async () => {
    const store = rig.store();
    const bytes = someBytes();
    const sha256 = await store.put(bytes, "image/webp");
    assert.equal(sha256, hashOf(bytes));
    assert.equal(await store.put(bytes, "image/webp"), sha256);
    const left = await life(sha256);
    assert.ok(left > DAY_S - 10 && left <= DAY_S);
    assert.deepEqual((await store.get(sha256))?.bytes, Buffer.from(bytes));
  });

  it("C6 what a round refers to stays, is counted, and is not shortened by another upload", async () => {
    const store = rig.store();
    const bytes = someBytes(700);
    const sha256 = await store.put(bytes, "image/webp");
    assert.equal(await store.keep(sha256), true);
    assert.equal(await store.keep(sha256), true);
    await store.put(bytes, "image/webp");
    assert.equal(await life(sha256), -1);
    assert.deepEqual(await store.keptSize(), { files: 1, bytes: 700 });
    assert.deepEqual(await store.keptPage("0", 10), { cursor: "0", sha256s: [sha256] });
  });

  it("C6 what is nowhere cannot be kept, and leaves nothing behind", async () => {
    const store = rig.store();
    assert.equal(await store.keep("ab".repeat(32)), false);
    assert.deepEqual(await rig.redis.keys("*"), []);
  });

  it("C6 once the chain holds it for good it has a life, that reading renews", async () => {
    const store = rig.store({ hotSeconds: 1_000 });
    const sha256 = await store.put(someBytes(700), "image/webp");
    assert.equal(await store.cool(sha256), false, "a temporary one is none of the chain's");
    await store.keep(sha256);
    assert.equal(await store.cool(sha256), true);
    assert.equal(await state(sha256), "hot");
    assert.deepEqual(await store.keptSize(), { files: 0, bytes: 0 });
    await rig.redis.expire(`mr:media:${sha256}`, 700);
    await store.get(sha256);
    assert.ok((await life(sha256)) <= 700, "more than half is left: not worth a write");
    await rig.redis.expire(`mr:media:${sha256}`, 400);
    await store.get(sha256);
    assert.ok((await life(sha256)) > 990);
  });

  it("C6 a miss is read from the chain once, then it is hot; it can be kept again", async () => {
    const bytes = someBytes();
    const sha256 = hashOf(bytes);
    let read = 0;
    const store = rig.store({
      async fromChain(asked) {
        read += 1;
        return asked === sha256 ? { bytes: Buffer.from(bytes), type: "image/webp" } : undefined;
      },
    });
    assert.deepEqual((await store.get(sha256))?.bytes, Buffer.from(bytes));
    assert.deepEqual((await rig.store().get(sha256))?.bytes, Buffer.from(bytes));
    assert.equal(await state(sha256), "hot");
    assert.ok((await life(sha256)) > DAY_S);
    await rig.redis.del(`mr:media:${sha256}`);
    assert.equal(await store.keep(sha256), true);
    assert.equal(await life(sha256), -1);
    assert.equal(read, 2);
  });

  it("C6 what was taken down is gone, is not stored, kept or read back again", async () => {
    const bytes = someBytes(700);
    let read = 0;
    const store = rig.store({
      async fromChain() {
        read += 1;
        return { bytes: Buffer.from(bytes), type: "image/webp" };
      },
    });
    const sha256 = await store.put(bytes, "image/webp");
    await store.keep(sha256);
    await store.take(sha256, "{}");
    await store.take(sha256, "{}");
    assert.equal(await rig.redis.exists(`mr:media:${sha256}`), 0);
    assert.deepEqual(await store.keptSize(), { files: 0, bytes: 0 });
    assert.equal(await store.put(bytes, "image/webp"), sha256);
    assert.equal(await store.keep(sha256), false);
    assert.equal(await store.get(sha256), undefined);
    assert.equal(read, 0);
    assert.deepEqual(await store.takenOf([sha256, "ab".repeat(32)]), new Set([sha256]));
    assert.deepEqual(await store.takenOf([]), new Set());
  });

  it("C6 a takedown while the chain is being read wins", async () => {
    const bytes = someBytes();
    const sha256 = hashOf(bytes);
    const store = rig.store({
      async fromChain() {
        await rig.store().take(sha256, "{}");
        return { bytes: Buffer.from(bytes), type: "image/webp" };
      },
    });
    assert.equal(await store.get(sha256), undefined);
    assert.equal(await rig.redis.exists(`mr:media:${sha256}`), 0);
  });
});

describe("media read back from the chain", () => {
  const bytes = someBytes();
  const sha256 = hashOf(bytes);
  let now = 1_000;
  const shelf = (fetchFromChain: ShelfDeps["fetchFromChain"], options: ShelfOptions = {}) =>
    createShelf(options, { fetchFromChain, logger: quiet, now: () => now });
  const unavailable = (error: unknown) => error instanceof CodedError && error.code === "UNAVAILABLE";

  it("C6 many who ask for one file at once make one reading", async () => {
    let read = 0;
    const get = shelf(async () => {
      read += 1;
      return { bytes, type: "image/webp" };
    });
    const all = await Promise.all(Array.from({ length: 20 }, () => get(sha256)));
    assert.ok(all.every((media) => media?.bytes.equals(bytes)));
    assert.equal(read, 1);
    await get(sha256);
    assert.equal(read, 2, "nothing is remembered beyond the reading");
  });

  it("C6 bytes with another hash, or of a type we do not serve, never come out", async () => {
    assert.equal(await shelf(async () => ({ bytes: someBytes(), type: "image/webp" }))(sha256), undefined);
    assert.equal(await shelf(async () => ({ bytes, type: "text/html" }))(sha256), undefined);
  });

  it("C6 what is not on the chain is not looked for again for a while", async () => {
    let read = 0;
    const get = shelf(
      async () => {
        read += 1;
        return undefined;
      },
      { absentMs: 500 },
    );
    assert.equal(await get(sha256), undefined);
    assert.equal(await get(sha256), undefined);
    assert.equal(read, 1);
    now += 501;
    assert.equal(await get(sha256), undefined);
    assert.equal(read, 2);
  });

  it("C6 a chain that does not answer is UNAVAILABLE, and is asked again", async () => {
    let read = 0;
    const get = shelf(async () => {
      read += 1;
      if (read === 1) throw new Error("down");
      return { bytes, type: "image/webp" };
    });
    await assert.rejects(get(sha256), unavailable);
    assert.ok(await get(sha256));
  });

  it("C6 only so many are read at once, and only so many wait", async () => {
    let running = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    const get = shelf(
      async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise<void>((resolve) => gates.push(resolve));
        running -= 1;
        return undefined;
      },
      { readings: 2, waiting: 3 },
    );
    const asked = Array.from({ length: 5 }, (_, at) => get(hashOf(Uint8Array.of(at))));
    await assert.rejects(get(sha256), unavailable);
    for (let done = 0; done < 5; done++) {
      while (gates.length === 0) await new Promise((resolve) => setImmediate(resolve));
      gates.shift()?.();
    }
    assert.deepEqual(await Promise.all(asked), Array(5).fill(undefined));
    assert.equal(most, 2);
  });
});
