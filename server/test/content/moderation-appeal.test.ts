/** C2: a creator asks for a second look. */
import assert from "node:assert/strict";
import { problemSchema } from "@meme-rounds/shared-schema/rest";
import { contentAnswer, reviewQueueAnswer } from "@meme-rounds/shared-schema/rest-content";
import { DOUBTFUL, EXPLICIT, type ModerationRig, picture, startModeration } from "./moderation-kit.ts";

describe("moderation: appeals", () => {
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
  const appeal = (id: string, text = "It is a peach.", as = "ann") =>
    rig.call("POST", `/content/${id}/appeal`, as, { text });
  const codeOf = async (response: Response) => problemSchema.parse(await response.json()).code;

  it("C2: of a flood of rejected pictures a thousand a day are kept", async () => {
    rig.say(EXPLICIT);
    await rig.redis.set("mr:content:held-rejected", "999");
    const kept = await upload(28);
    const dropped = await upload(29);
    assert.ok(await rig.moderation.held.get(kept.memeId));
    assert.equal(await rig.moderation.held.get(dropped.memeId), undefined);
    assert.equal(await codeOf(await appeal(dropped.contentId)), "APPEAL_NOT_POSSIBLE");
  });

  it("C2: the creator of a rejected picture may appeal once; granted, it is approved", async () => {
    rig.say(EXPLICIT);
    const { contentId, memeId, appeal: before } = await upload(20);
    assert.equal(before, "none");
    const answer = contentAnswer.parse(await (await appeal(contentId)).json());
    assert.equal(answer.appeal, "open");
    assert.equal(await codeOf(await appeal(contentId)), "APPEAL_NOT_POSSIBLE");
    const [item] = (await list()).items;
    assert.equal(item?.text, "It is a peach.");
    assert.match(item?.reasons.join() ?? "", /explicit/);
    assert.ok((await rig.call("GET", item?.picture.replace(/^\/api/, "") ?? "", "mod")).ok);
    await decide(item?.id ?? "", "approve");
    const content = await contentOf(contentId);
    assert.equal(content.appeal, "granted");
    assert.equal(content.status, "approved");
    assert.ok(await rig.media.get(memeId));
    assert.equal(await codeOf(await appeal(contentId)), "APPEAL_NOT_POSSIBLE");
  });

  it("C2: refused, it stays rejected for good, and the picture is not kept", async () => {
    rig.say(EXPLICIT);
    const { contentId, memeId } = await upload(21);
    await appeal(contentId);
    await decide(`appeal.${contentId}`, "reject", "It is no peach.");
    const content = await contentOf(contentId);
    assert.equal(content.appeal, "refused");
    assert.equal(content.status, "rejected");
    assert.deepEqual(content.reasons, ["It is no peach."]);
    assert.equal(await rig.moderation.held.get(memeId), undefined);
    assert.equal(await codeOf(await appeal(contentId)), "APPEAL_NOT_POSSIBLE");
  });

  it("C2: granted against the block list, the picture leaves the list", async () => {
    const first = await upload(22);
    const content = await rig.contents.get(first.contentId);
    await rig.moderation.blocks.add({ sha256: first.memeId, phash: content?.phash ?? "" });
    const { contentId, status } = await upload(22, "Mine", "bob");
    assert.equal(status, "rejected");
    await appeal(contentId, "Mine is another.", "bob");
    await decide(`appeal.${contentId}`, "approve");
    assert.equal((await contentOf(contentId, "bob")).status, "approved");
    assert.equal((await upload(22, "Again", "cat")).status, "approved");
  });

  it("C2: nothing else can be appealed: approved, in review, somebody else's, unknown, too old", async () => {
    const approved = await upload(23);
    assert.equal(await codeOf(await appeal(approved.contentId)), "APPEAL_NOT_POSSIBLE");
    rig.say(DOUBTFUL);
    const review = await upload(24);
    assert.equal(await codeOf(await appeal(review.contentId)), "APPEAL_NOT_POSSIBLE");
    rig.say(EXPLICIT);
    const rejected = await upload(25);
    assert.equal(await codeOf(await appeal(rejected.contentId, "Mine", "bob")), "CONTENT_UNKNOWN");
    assert.equal(await codeOf(await appeal("nothing")), "CONTENT_UNKNOWN");
    assert.equal(await codeOf(await appeal(rejected.contentId, "")), "BAD_REQUEST");
    await rig.moderation.held.drop(rejected.memeId);
    assert.equal(await codeOf(await appeal(rejected.contentId)), "APPEAL_NOT_POSSIBLE");
    assert.equal((await contentOf(rejected.contentId)).appeal, "none");
  });

  it("C2: a rejected picture is kept for a day, one under appeal for a week", async () => {
    rig.say(EXPLICIT);
    const { contentId, memeId } = await upload(26);
    const ttl = () => rig.redis.ttl(`mr:content:held:${memeId}`);
    assert.ok((await ttl()) > 86_000 && (await ttl()) <= 86_400);
    await appeal(contentId);
    assert.ok((await ttl()) > 6 * 86_400);
  });

  it("C2: changing the wish for a shape at the same time loses neither change", async () => {
    rig.say(EXPLICIT);
    const { contentId } = await upload(27);
    await Promise.all([
      appeal(contentId),
      ...Array.from({ length: 5 }, () =>
        rig.contents.update(contentId, (content) => ({ ...content, mode: "relief" })),
      ),
    ]);
    const content = await contentOf(contentId);
    assert.equal(content.mode, "relief");
    assert.equal(content.appeal, "open");
  });
});
