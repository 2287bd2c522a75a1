/** R12, C6: what a moderator takes down is gone everywhere at once, and what is hidden comes back. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import sharp from "sharp";
import { Gallery, type GalleryItem } from "../../src/content/gallery.ts";
import type { MediaStoreOptions } from "../../src/content/media/store.ts";
import { BlockList } from "../../src/content/moderation/blocks.ts";
import { Standings } from "../../src/content/takedown/standings.ts";
import { type ModerationOrder, Takedowns } from "../../src/content/takedown/takedown.ts";
import { phashOf } from "../../src/content/upload/picture.ts";
import type { AuditedAction } from "../../src/infra/audit.ts";
import { type MediaRig, quiet, someBytes, startMedia } from "./media-kit.ts";

const NOW = 1_800_000_000_000;
const by = "ecdsa-secp256k1:02ab";

describe("takedown", () => {
  let rig: MediaRig;
  let picture: Buffer;
  let told: ModerationOrder[];
  let onChain: string[];
  let noted: AuditedAction[];
  let refuseNotes: Error | undefined;
  let previews: string[];
  before(async () => {
    rig = await startMedia();
    const noise = { create: { width: 64, height: 64, channels: 3 as const, background: "#123456" } };
    const dot = await sharp({ create: { width: 20, height: 30, channels: 3, background: "#ffee00" } })
      .png()
      .toBuffer();
    picture = await sharp(noise)
      .composite([{ input: dot, left: 5, top: 9 }])
      .webp()
      .toBuffer();
  });
  after(() => rig?.stop());
  beforeEach(async () => {
    await rig.redis.flushall();
    rig.serve(rig.store());
    told = [];
    onChain = [];
    noted = [];
    refuseNotes = undefined;
    previews = [];
  });

  const desk = (options: MediaStoreOptions = {}, tell = async () => ["main-1"]) =>
    new Takedowns({
      redis: rig.redis,
      media: rig.store(options),
      gallery: new Gallery(rig.redis),
      blocks: new BlockList(rig.redis, { now: () => NOW }),
      previewsOf: async () => previews,
      async tellRounds(order) {
        told.push(order);
        return await tell();
      },
      async publishTakedown(memeId) {
        onChain.push(memeId);
      },
      audit: {
        async note(action) {
          if (refuseNotes) throw refuseNotes;
          noted.push(action);
        },
      },
      logger: quiet,
      now: () => NOW,
    });
  const standing = async (memeId: string) => (await new Standings(rig.redis).of([memeId])).get(memeId);
  const status = async (sha256: string) => (await fetch(`${rig.url}/${sha256}`)).status;
  const keep = async (bytes: Uint8Array, type: "image/webp" | "model/gltf-binary" = "image/webp") => {
    const sha256 = await rig.store().put(bytes, type);
    await rig.store().keep(sha256);
    return sha256;
  };
  /** A meme of two rounds with its models. */
  async function published(): Promise<{ memeId: string; files: string[] }> {
    const memeId = await keep(picture);
    const files: string[] = [];
    for (const roundId of ["main-1", "main-2"]) {
      const three = [
        await keep(someBytes(), "model/gltf-binary"),
        await keep(someBytes()),
        await keep(someBytes()),
      ];
      files.push(...three);
      assert.equal(await new Gallery(rig.redis).publish(item(roundId, memeId, three)), true);
    }
    return { memeId, files };
  }
  const item = (
    roundId: string,
    memeId: string,
    [glb = "", poster = "", turntable = ""]: string[],
  ): GalleryItem => ({
    roundId,
    memeId,
    title: "A cat",
    image: `/media/${memeId}`,
    glb: `/media/${glb}`,
    poster: `/media/${poster}`,
    turntable: `/media/${turntable}`,
    provider: "local",
    at: NOW + Number(roundId.at(-1)),
  });

  it("C6 picture, models, gallery and round pages lose it at once, in a process that knows nothing of it", async () => {
    const { memeId, files } = await published();
    const other = await keep(someBytes());
    previews = [await rig.store().put(someBytes(), "model/gltf-binary")];
    files.push(...previews);
    assert.equal(await status(memeId), 200);
    const answer = await desk().carryOut({ kind: "takedown", memeId, by, reason: "gore" });
    for (const sha256 of [memeId, ...files]) assert.equal(await status(sha256), 410);
    assert.equal(await status(other), 200);
    const gallery = new Gallery(rig.redis);
    assert.deepEqual(await gallery.page(undefined, 10), []);
    assert.deepEqual([...(await gallery.modelsOf("main-1")), ...(await gallery.modelsOf("main-2"))], []);
    assert.equal(await standing(memeId), "taken");
    assert.deepEqual(new Set(answer.purge), new Set([memeId, ...files].map((one) => `/media/${one}`)));
    assert.deepEqual(answer.rounds, ["main-1"]);
    assert.deepEqual((await rig.store().keptSize()).files, 1, "only the other one is kept");
  });

  it("R12 the live round is told, with who and why", async () => {
    const { memeId } = await published();
    const order = { kind: "takedown" as const, memeId, by, reason: "gore" };
    await desk().carryOut(order);
    assert.deepEqual(told, [order]);
    assert.deepEqual(onChain, [memeId]);
  });

  it("I4 the audit log knows of an order before anything is done, and of none that is refused", async () => {
    const { memeId } = await published();
    const kinds = ["hide", "unhide", "takedown"] as const;
    for (const kind of kinds) {
      refuseNotes = new Error("the log is away");
      const before = await standing(memeId);
      await assert.rejects(desk().carryOut({ kind, memeId, by, reason: "gore" }), /away/);
      assert.equal(await status(memeId), 200);
      assert.equal(await standing(memeId), before);
      refuseNotes = undefined;
      await desk().carryOut({ kind, memeId, by, reason: "gore" });
    }
    await assert.rejects(desk().carryOut({ kind: "hide", memeId, by, reason: "gore" }));
    assert.deepEqual(
      noted,
      kinds.map((kind) => ({ by, action: `meme.${kind}`, target: memeId, reason: "gore" })),
    );
    assert.deepEqual(
      told.map(({ kind }) => kind),
      kinds,
    );
  });

  it("C2 the picture and what looks like it are blocked, also when Redis has forgotten its bytes", async () => {
    const phash = await phashOf(picture);
    for (const isGone of [false, true]) {
      await rig.redis.flushall();
      const memeId = await keep(picture);
      if (isGone) await rig.redis.del(`mr:media:${memeId}`);
      const fromChain = async () => ({ bytes: picture, type: "image/webp" as const });
      await desk({ fromChain }).carryOut({ kind: "takedown", memeId, by, reason: "gore" });
      const blocks = new BlockList(rig.redis, { now: () => NOW });
      assert.equal(await blocks.find(memeId, [phash]), "exact");
      assert.equal(await blocks.find("ab".repeat(32), [phash]), "near");
    }
  });

  it("C6 a chain that does not answer keeps nothing from being taken down", async () => {
    const memeId = createHash("sha256").update(picture).digest("hex");
    const fromChain = async () => {
      throw new CodedError("UNAVAILABLE");
    };
    await desk({ fromChain }).carryOut({ kind: "takedown", memeId, by, reason: "gore" });
    assert.equal(await status(memeId), 410);
    assert.equal(told.length, 1);
  });

  it("C6 a model that is finished after the takedown is not published", async () => {
    const memeId = await keep(picture);
    await desk().carryOut({ kind: "takedown", memeId, by, reason: "gore" });
    const gallery = new Gallery(rig.redis);
    assert.equal(await gallery.publish(item("main-1", memeId, ["a", "b", "c"])), false);
    assert.deepEqual(await gallery.modelsOf("main-1"), []);
    assert.deepEqual(await gallery.page(undefined, 10), []);
  });

  it("R12 broken off at the round and done again: everything is gone, the round is told", async () => {
    const { memeId, files } = await published();
    const order = { kind: "takedown" as const, memeId, by, reason: "gore" };
    const broken = desk({}, async () => {
      throw new Error("Redis is away");
    });
    await assert.rejects(broken.carryOut(order), /away/);
    assert.equal(await status(memeId), 410, "it is not served from the first step on");
    await desk().carryOut(order);
    await desk().carryOut(order);
    for (const sha256 of [memeId, ...files]) assert.equal(await status(sha256), 410);
    const blocks = new BlockList(rig.redis, { now: () => NOW });
    assert.equal(await blocks.find("ab".repeat(32), [await phashOf(picture)]), "near");
    assert.equal(await rig.redis.exists(`mr:media:${memeId}`), 0);
  });

  it("R12 hidden: blurred but served; unhidden: shown, and later reports change nothing", async () => {
    const { memeId } = await published();
    const gallery = new Gallery(rig.redis);
    const blurred = async () => (await gallery.page(undefined, 10)).map((one) => one.blurred === true);
    assert.equal((await desk().carryOut({ kind: "hide", memeId, by, reason: "look" })).standing, "hidden");
    assert.equal(await standing(memeId), "hidden");
    assert.deepEqual(await blurred(), [true, true]);
    assert.equal(await status(memeId), 200);
    await desk().carryOut({ kind: "unhide", memeId, by, reason: "harmless" });
    await new Standings(rig.redis).report(memeId);
    assert.equal(await standing(memeId), "shown");
    assert.deepEqual(await blurred(), [false, false]);
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ["hide", "unhide"],
    );
    assert.deepEqual(onChain, []);
  });

  it("R12 a reported meme stays blurred when its round is over, until a moderator looks", async () => {
    const { memeId } = await published();
    await new Standings(rig.redis).report(memeId);
    assert.equal(await standing(memeId), "reported");
    assert.ok((await new Gallery(rig.redis).page(undefined, 10)).every((one) => one.blurred));
    await desk().carryOut({ kind: "unhide", memeId, by, reason: "harmless" });
    assert.equal(await standing(memeId), "shown");
  });

  it("R12 what was taken down is neither hidden nor shown any more", async () => {
    const { memeId } = await published();
    await desk().carryOut({ kind: "takedown", memeId, by, reason: "gore" });
    for (const kind of ["hide", "unhide"] as const)
      await assert.rejects(
        desk().carryOut({ kind, memeId, by, reason: "x" }),
        (error) => error instanceof CodedError && error.code === "MEME_TAKEN_DOWN",
      );
    assert.equal(await standing(memeId), "taken");
    assert.equal(told.length, 1);
  });
});
