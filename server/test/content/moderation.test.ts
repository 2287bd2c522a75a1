/** C2: the verdict on an upload, who may see what, the block list. */
import assert from "node:assert/strict";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { problemSchema } from "@meme-rounds/shared-schema/rest";
import { contentAnswer } from "@meme-rounds/shared-schema/rest-content";
import sharp from "sharp";
import { BlockList } from "../../src/content/moderation/blocks.ts";
import { createJudge } from "../../src/content/moderation/judge.ts";
import { phashDistance } from "../../src/content/upload/picture.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRandom } from "../support/random.ts";
import {
  DOUBTFUL,
  EXPLICIT,
  HARMLESS,
  type ModerationRig,
  picture,
  startModeration,
  THRESHOLDS,
} from "./moderation-kit.ts";

describe("moderation", () => {
  let rig: ModerationRig;
  before(async () => {
    rig = await startModeration();
  });
  after(() => rig?.stop());
  beforeEach(() => rig.reset());

  const upload = async (bytes: Uint8Array, title: string, as?: string) => {
    const response = await rig.upload(bytes, title, as);
    assert.equal(response.status, 201, await response.clone().text());
    return contentAnswer.parse(await response.json());
  };

  describe("the verdict on an upload", () => {
    it("C2: a harmless picture with a harmless title is approved, and /media has it", async () => {
      const { status, reasons, memeId } = await upload(await picture(1), "Such wow");
      assert.equal(status, "approved");
      assert.deepEqual(reasons, []);
      assert.ok(await rig.media.get(memeId));
      assert.equal(await rig.moderation.queue.size(), 0);
    });

    it("C2: the classifier sees what would be stored, not what was sent", async () => {
      const { memeId } = await upload(await picture(1), "Such wow");
      const stored = await rig.media.get(memeId);
      assert.deepEqual(Buffer.from(rig.asked[0] ?? []), stored?.bytes);
    });

    it("C2: a doubtful picture waits for a moderator, and /media does not have it", async () => {
      rig.say(DOUBTFUL);
      const { status, reasons, memeId } = await upload(await picture(2), "Such wow");
      assert.equal(status, "review");
      assert.match(reasons.join(), /moderator looks at it first/);
      assert.equal(await rig.media.get(memeId), undefined);
      assert.ok(await rig.moderation.held.get(memeId));
      assert.equal(await rig.moderation.queue.size(), 1);
    });

    it("C2: an explicit picture is rejected with a reason, nobody has to look, and /media does not have it", async () => {
      rig.say(EXPLICIT);
      const { status, reasons, memeId } = await upload(await picture(3), "Such wow");
      assert.equal(status, "rejected");
      assert.match(reasons.join(), /sexually explicit/);
      assert.equal(await rig.media.get(memeId), undefined);
      assert.equal(await rig.moderation.queue.size(), 0);
    });

    it("C2: when the classifier fails the picture waits for a moderator", async () => {
      rig.say(new Error("the thread ended"));
      const { status, reasons } = await upload(await picture(4), "Such wow");
      assert.equal(status, "review");
      assert.match(reasons.join(), /could not look/);
    });

    it("C2: when the classifier has too much to do the creator is asked to come back, and nothing is kept", async () => {
      rig.say(new CodedError("UNAVAILABLE"));
      const response = await rig.upload(await picture(5), "Such wow");
      assert.equal(problemSchema.parse(await response.json()).code, "UNAVAILABLE");
      assert.deepEqual(await rig.redis.keys("mr:content:*"), []);
    });

    it("C2: without a classifier no picture is approved", async () => {
      const judge = createJudge(THRESHOLDS, {
        blocks: rig.moderation.blocks,
        logger: createLogger("test", "silent"),
      });
      const webp = await sharp(await picture(6))
        .webp()
        .toBuffer();
      const { verdict } = await judge({ webp, sha256: "ab".repeat(32), phash: "0".repeat(16), title: "Wow" });
      assert.equal(verdict, "review");
    });

    it("C2: the title counts as much as the picture, and the worst verdict wins", async () => {
      assert.equal((await upload(await picture(7), "f u c k")).status, "review");
      const slur = await upload(await picture(8), "n1gger");
      assert.equal(slur.status, "rejected");
      assert.match(slur.reasons.join(), /slur/);
      rig.say(DOUBTFUL);
      const both = await upload(await picture(9), "n1gger");
      assert.equal(both.status, "rejected");
      assert.equal(both.reasons.length, 1);
      const crude = await upload(await picture(10), "f u c k");
      assert.equal(crude.status, "review");
      assert.equal(crude.reasons.length, 2);
    });

    it("C2: a full queue refuses what would have to wait in it", async () => {
      rig.say(DOUBTFUL);
      await rig.redis.zadd(
        "mr:review:queue",
        ...Array.from({ length: 10_000 }, (_, i) => [i, `x${i}`]).flat(),
      );
      const response = await rig.upload(await picture(11), "Such wow");
      assert.equal(problemSchema.parse(await response.json()).code, "UNAVAILABLE");
    });

    it("C6: once a moderator has taken the picture down its creator is told so", async () => {
      const { contentId, memeId } = await upload(await picture(8), "Such wow", "ann");
      await rig.media.take(memeId, "test");
      const answer = contentAnswer.parse(
        await (await rig.call("GET", `/content/${contentId}`, "ann")).json(),
      );
      assert.equal(answer.status, "rejected");
      assert.match(answer.reasons.join(), /taken down/);
    });

    it("C2: only its creator reads the verdict", async () => {
      const { contentId } = await upload(await picture(12), "Such wow", "ann");
      assert.equal((await rig.call("GET", `/content/${contentId}`, "ann")).status, 200);
      assert.equal((await rig.call("GET", `/content/${contentId}`, "bob")).status, 404);
    });
  });

  describe("the block list", () => {
    const known = async (bytes: Uint8Array) => {
      const { contentId, memeId } = await upload(bytes, "Such wow");
      const content = await rig.contents.get(contentId);
      return { sha256: memeId, phash: content?.phash ?? assert.fail("no content") };
    };

    it("C2: the very picture, a smaller one, a recompressed one and its mirror image are rejected", async () => {
      const original = await picture(20, 800, 600);
      await rig.moderation.blocks.add(await known(original));
      rig.asked.length = 0;
      const copies = [
        original,
        await sharp(original).resize(400).toBuffer(),
        await sharp(original).jpeg({ quality: 40 }).toBuffer(),
        await sharp(original).flop().toBuffer(),
        await sharp(original).flop().resize(500).jpeg({ quality: 50 }).toBuffer(),
      ];
      for (const [index, copy] of copies.entries()) {
        const { status, reasons } = await upload(copy, "Innocent", "bob");
        assert.equal(status, "rejected", `copy ${index}`);
        assert.match(reasons.join(), /taken down before/);
      }
      assert.equal(rig.asked.length, 0);
    });

    it("C2: another picture passes", async () => {
      await rig.moderation.blocks.add(await known(await picture(21)));
      assert.equal((await upload(await picture(22), "Innocent")).status, "approved");
    });

    it("C2: finds every hash within 6 bits and none beyond, among many", async () => {
      const random = createRandom(4);
      const blocks = new BlockList(rig.redis, { now: () => 1 });
      const hash = () => Buffer.from(random.bytes(8)).toString("hex");
      const listed = Array.from({ length: 150 }, hash);
      for (const phash of listed) await blocks.add({ sha256: phash.repeat(4), phash });
      for (const phash of listed)
        for (const bits of [0, 1, 6, 7, 12]) {
          let flipped = BigInt(`0x${phash}`);
          for (const bit of random.shuffle(Array.from({ length: 64 }, (_, at) => at)).slice(0, bits))
            flipped ^= 1n << BigInt(bit);
          const near = flipped.toString(16).padStart(16, "0");
          const expected = listed.some((one) => phashDistance(one, near) <= 6);
          assert.equal(
            await blocks.find("f".repeat(64), [near]),
            expected ? "near" : undefined,
            `${bits} bits`,
          );
        }
    });

    it("C2: what is taken off the list passes again, and adding twice is once", async () => {
      const one = await known(await picture(23));
      await rig.moderation.blocks.add(one);
      await rig.moderation.blocks.add(one);
      assert.equal(await rig.moderation.blocks.find(one.sha256, [one.phash]), "exact");
      await rig.moderation.blocks.remove(one);
      assert.equal(await rig.moderation.blocks.find(one.sha256, [one.phash]), undefined);
      assert.equal(await rig.redis.keys("mr:block:part:*").then((keys) => keys.length), 0);
    });

    it("C2: a picture a moderator said yes to is not judged by the classifier again, its title is", async () => {
      const original = await picture(24);
      const { sha256 } = await known(original);
      await rig.moderation.blocks.clear(sha256);
      rig.say(EXPLICIT);
      assert.equal((await upload(original, "Such wow", "bob")).status, "approved");
      assert.equal((await upload(original, "n1gger", "bob")).status, "rejected");
      rig.say(HARMLESS);
    });
  });
});
