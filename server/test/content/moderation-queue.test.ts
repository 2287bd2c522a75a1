/** C2, R12: the moderators' queue and their decisions. */
import assert from "node:assert/strict";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { problemSchema } from "@meme-rounds/shared-schema/rest";
import { contentAnswer, reviewQueueAnswer } from "@meme-rounds/shared-schema/rest-content";
import { DOUBTFUL, EXPLICIT, type ModerationRig, picture, startModeration } from "./moderation-kit.ts";

const MEME = "ab".repeat(32);

describe("moderation: the queue", () => {
  let rig: ModerationRig;
  before(async () => {
    rig = await startModeration();
  });
  after(() => rig?.stop());
  beforeEach(() => rig.reset());

  const upload = async (seed: number, title = "Such wow", as = "ann") =>
    contentAnswer.parse(await (await rig.upload(await picture(seed), title, as)).json());
  const contentOf = async (id: string, as = "ann") =>
    contentAnswer.parse(await (await rig.call("GET", `/content/${id}`, as)).json());
  const list = async (cursor?: number) => {
    const path = `/admin/queue${cursor === undefined ? "" : `?cursor=${cursor}`}`;
    return reviewQueueAnswer.parse(await (await rig.call("GET", path, "mod")).json());
  };
  const decide = (id: string, verdict: "approve" | "reject", reason = "looked at") =>
    rig.call("POST", `/admin/queue/${id}`, "mod", { verdict, reason });
  const codeOf = async (response: Response) => problemSchema.parse(await response.json()).code;
  const report = (memeId = MEME, roundId = "main-600") =>
    rig.moderation.reported({ roundId, memeId, reason: "rude" });

  describe("what is in it", () => {
    it("C2: is for moderators only", async () => {
      const paths = [
        ["GET", "/admin/queue"],
        ["GET", "/admin/queue/x/picture"],
        ["POST", "/admin/queue/x"],
      ] as const;
      for (const [method, path] of paths) {
        const body = method === "POST" ? { verdict: "approve", reason: "x" } : undefined;
        assert.equal(await codeOf(await rig.call(method, path, "ann", body)), "ROLE_REQUIRED");
        assert.equal(await codeOf(await rig.call(method, path, undefined, body)), "AUTH_REQUIRED");
      }
    });

    it("C2: names the picture and the reasons, oldest first, and nobody's creator", async () => {
      rig.say(DOUBTFUL);
      const first = await upload(1, "One", "ann");
      const second = await upload(2, "Two", "bob");
      await report();
      const { items, size } = await list();
      assert.equal(size, 3);
      assert.deepEqual(
        items.map(({ kind, title, memeId }) => [kind, title, memeId]),
        [
          ["content", "One", first.memeId],
          ["content", "Two", second.memeId],
          ["report", undefined, MEME],
        ],
      );
      assert.deepEqual(items[2]?.reasons, ["rude"]);
      assert.doesNotMatch(JSON.stringify(items), /ann|bob/);
    });

    it("C2: a moderator sees a picture nobody else can see", async () => {
      rig.say(DOUBTFUL);
      await upload(3);
      const [item] = (await list()).items;
      const path = item?.picture.replace(/^\/api/, "") ?? "";
      const response = await rig.call("GET", path, "mod");
      assert.equal(response.headers.get("content-type"), "image/webp");
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.ok((await response.arrayBuffer()).byteLength > 100);
      assert.equal(await codeOf(await rig.call("GET", "/admin/queue/unknown/picture", "mod")), "NOT_FOUND");
    });

    it("R12: many reports of a meme are one item; another round's are another", async () => {
      for (let i = 0; i < 3; i++) await report();
      await report(MEME, "main-1200");
      assert.equal((await list()).size, 2);
    });

    it("R12: once decided, a meme's reports of that round do not come back", async () => {
      await report();
      const [item] = (await list()).items;
      assert.equal((await decide(item?.id ?? "", "approve")).status, 200);
      await report();
      assert.equal((await list()).size, 0);
    });

    it("C2: pages of 50, without loss or repetition while items are decided", async () => {
      const queue = rig.moderation.queue;
      const ids = Array.from({ length: 120 }, (_, i) => i.toString(16).padStart(64, "0"));
      for (const memeId of ids) await report(memeId);
      const seen: string[] = [];
      let cursor: number | undefined;
      for (let page = 0; page < 3; page++) {
        const { items, next } = await list(cursor);
        seen.push(...items.map((item) => item.memeId));
        for (const { id } of items.slice(0, 10)) await queue.close(id);
        cursor = next;
      }
      assert.equal(cursor, undefined);
      assert.deepEqual(seen, ids);
    });

    it("C2: takes no more than it may hold, and uploads do not crowd out reports", async () => {
      const { queue } = rig.moderation;
      const add = (contentId: string) => queue.add({ kind: "content", contentId });
      const fill = (count: number) =>
        rig.redis.zadd("mr:review:queue", ...Array.from({ length: count }, (_, i) => [-i, `x${i}`]).flat());
      assert.equal(await add("a"), "queued");
      await fill(1_999);
      assert.deepEqual([await add("b"), await add("a")], ["full", "queued"]);
      await report();
      assert.equal(await queue.size(), 2_001);
      await fill(9_998);
      await report("cd".repeat(32));
      assert.equal(await queue.size(), 10_000);
      await queue.close("content.a");
      assert.equal(await add("a"), "decided");
    });

    it("C2: an upload whose record is forgotten leaves the queue", async () => {
      rig.say(DOUBTFUL);
      const { contentId } = await upload(4);
      await rig.redis.del(`mr:content:${contentId}`);
      await list();
      assert.equal((await list()).size, 0);
    });
  });

  describe("decisions", () => {
    it("C2: yes to an upload approves it, brings it to /media, and spares its next upload the wait", async () => {
      rig.say(DOUBTFUL);
      const { contentId, memeId } = await upload(5);
      assert.equal((await decide(`content.${contentId}`, "approve")).status, 200);
      const content = await contentOf(contentId);
      assert.equal(content.status, "approved");
      assert.deepEqual(content.reasons, []);
      assert.ok(await rig.media.get(memeId));
      assert.equal((await upload(5, "Again", "bob")).status, "approved");
    });

    it("C2: no to an upload rejects it with the moderator's reason, and the picture does not come back", async () => {
      rig.say(DOUBTFUL);
      const { contentId, memeId } = await upload(6);
      await decide(`content.${contentId}`, "reject", "This is a person who did not agree.");
      const content = await contentOf(contentId);
      assert.equal(content.status, "rejected");
      assert.deepEqual(content.reasons, ["This is a person who did not agree."]);
      assert.equal(await rig.media.get(memeId), undefined);
      assert.equal((await upload(6, "Again", "bob")).status, "rejected");
    });

    it("C2: no to a title does not block the picture", async () => {
      const { contentId } = await upload(7, "f u c k");
      await decide(`content.${contentId}`, "reject", "Not this title.");
      assert.equal((await upload(7, "Friendly")).status, "approved");
    });

    it("C2: yes to a title does not clear the picture", async () => {
      const { contentId } = await upload(8, "f u c k");
      await decide(`content.${contentId}`, "approve");
      assert.equal((await contentOf(contentId)).status, "approved");
      rig.say(EXPLICIT);
      assert.equal((await upload(8, "Friendly")).status, "rejected");
    });

    it("R12: no to a reported meme takes it down, yes shows it again; the journal gets who and why", async () => {
      await report(MEME);
      await report("cd".repeat(32));
      await decide(`report.main-600.${MEME}`, "reject", "rude");
      await decide(`report.main-600.${"cd".repeat(32)}`, "approve", "fine");
      assert.deepEqual(rig.effects, [
        `takedown ${MEME} by mod: rude`,
        `unhide ${"cd".repeat(32)} by mod: fine`,
      ]);
    });

    it("R12: a report of what was taken down meanwhile is done with", async () => {
      await report();
      rig.failNext(new CodedError("MEME_TAKEN_DOWN"));
      assert.equal((await decide(`report.main-600.${MEME}`, "approve")).status, 200);
      assert.equal((await list()).size, 0);
    });

    it("C5: a model that waits is handed to the pipeline with the verdict", async () => {
      await rig.moderation.queue.add({ kind: "model", roundId: "main-600", memeId: MEME, reason: "flat" });
      await decide(`model.main-600.${MEME}`, "approve");
      assert.deepEqual(rig.effects, [`model main-600 ${MEME} approve`]);
    });

    it("C2: what fails leaves the item in the queue, and it can be decided again at once", async () => {
      await report();
      rig.failNext(new Error("Redis is away"));
      assert.equal((await decide(`report.main-600.${MEME}`, "reject")).status, 500);
      assert.equal((await list()).size, 1);
      assert.equal((await decide(`report.main-600.${MEME}`, "reject")).status, 200);
      assert.equal(rig.effects.length, 1);
    });

    it("I4: the audit log knows of each decision before anything is done; without it nothing is done", async () => {
      rig.say(DOUBTFUL);
      const { contentId } = await upload(10);
      const id = `content.${contentId}`;
      rig.failNote(new Error("the log is away"));
      assert.equal((await decide(id, "approve")).status, 500);
      assert.equal((await contentOf(contentId)).status, "review");
      assert.equal((await decide(id, "approve")).status, 200);
      await report();
      assert.equal((await decide(`report.main-600.${MEME}`, "reject", "rude")).status, 200);
      assert.equal((await decide(id, "reject")).status, 409);
      assert.deepEqual(rig.noted, [
        {
          by: "mod",
          action: "review.approve",
          target: contentId,
          reason: "looked at",
          details: { item: id, kind: "content" },
        },
        {
          by: "mod",
          action: "review.reject",
          target: MEME,
          reason: "rude",
          details: { item: `report.main-600.${MEME}`, kind: "report" },
        },
      ]);
    });

    it("C2: of two moderators at once one decides, and a decided item is gone", async () => {
      rig.say(DOUBTFUL);
      const { contentId } = await upload(9);
      const id = `content.${contentId}`;
      const both = await Promise.all([decide(id, "approve"), decide(id, "reject", "no")]);
      assert.deepEqual(both.map(({ status }) => status).sort(), [200, 409]);
      const expected = both[0]?.status === 200 ? "approved" : "rejected";
      assert.equal((await contentOf(contentId)).status, expected);
      assert.equal(await codeOf(await decide(id, "approve")), "REVIEW_ITEM_UNKNOWN");
      assert.equal(await codeOf(await decide("nothing", "approve")), "REVIEW_ITEM_UNKNOWN");
    });

    it("C2: a yes that comes after the picture is gone says so", async () => {
      rig.say(DOUBTFUL);
      const { contentId, memeId } = await upload(10);
      await rig.moderation.held.drop(memeId);
      await decide(`content.${contentId}`, "approve");
      const content = await contentOf(contentId);
      assert.equal(content.status, "rejected");
      assert.match(content.reasons.join(), /upload it again/);
      assert.equal((await upload(10)).status, "approved");
    });
  });
});
