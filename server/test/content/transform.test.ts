/** The local transformer: what it makes of pictures, and what verification makes of its models (C3, C4, C5). */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { type Model, memeToModel, validateGlb, verifyModel } from "../../src/content/transform/index.ts";

type Meme = "doge.png" | "portrait.jpg";
const MEMES: readonly Meme[] = ["doge.png", "portrait.jpg"];
const meme = (name: Meme): Promise<Buffer> => readFile(new URL(`../fixtures/memes/${name}`, import.meta.url));
const plain = (width: number, height: number, background: string): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();
/** Enough to judge a model by, and quick. */
const SMALL = { mode: "auto", maxSide: 384 } as const;

const MAX_GLB_BYTES = 1024 * 1024;
const MAX_TRIANGLES = 60_000;

function jsonOf(glb: Uint8Array): { animations?: unknown[]; extensionsRequired?: string[] } {
  const view = new DataView(glb.buffer, glb.byteOffset, glb.byteLength);
  return JSON.parse(Buffer.from(glb.subarray(20, 20 + view.getUint32(12, true))).toString("utf8"));
}

/** The GLB with its JSON changed; the binary part stays. */
function withJson(glb: Uint8Array, change: (json: Record<string, unknown>) => void): Uint8Array {
  const view = new DataView(glb.buffer, glb.byteOffset, glb.byteLength);
  const end = 20 + view.getUint32(12, true);
  const json = JSON.parse(Buffer.from(glb.subarray(20, end)).toString("utf8"));
  change(json);
  const text = Buffer.from(JSON.stringify(json));
  const padded = Buffer.concat([text, Buffer.alloc((4 - (text.length % 4)) % 4, 0x20)]);
  const out = Buffer.concat([glb.subarray(0, 20), padded, glb.subarray(end)]);
  out.writeUInt32LE(out.length, 8);
  out.writeUInt32LE(padded.length, 12);
  return out;
}

describe("local transformer", function () {
  this.timeout(30_000);

  for (const name of MEMES) {
    describe(name, () => {
      let source: Buffer;
      let model: Model;
      before(async () => {
        source = await meme(name);
        model = await memeToModel(source, { mode: "auto" });
      });

      it("C4: becomes a diorama that gltf-validator finds nothing wrong with, within the budgets", async () => {
        assert.equal(model.stats.mode, "diorama");
        assert.deepEqual(await validateGlb(model.glb), { errors: 0, warnings: 0 });
        assert.ok(model.glb.length < MAX_GLB_BYTES, `${model.glb.length} bytes`);
        assert.equal(model.stats.glbBytes, model.glb.length);
        const { triangles } = model.stats;
        assert.ok(triangles > 2_000 && triangles < MAX_TRIANGLES, `${triangles} triangles`);
      });

      it("C4: opens in any viewer: what it requires needs no decoder; it moves", () => {
        const { animations, extensionsRequired = [] } = jsonOf(model.glb);
        assert.deepEqual(extensionsRequired, ["KHR_mesh_quantization"]);
        assert.equal(animations?.length, 1);
      });

      it("C4: comes with a poster and a turntable that turns", async () => {
        const poster = await sharp(model.poster).metadata();
        assert.deepEqual([poster.format, poster.width, poster.height], ["webp", 720, 720]);
        const turntable = await sharp(model.turntable, { animated: true }).metadata();
        assert.equal(turntable.format, "webp");
        assert.deepEqual([turntable.pages, turntable.width, turntable.pageHeight], [24, 320, 320]);
        assert.equal(turntable.loop, 0);
        const frame = (page: number) => sharp(model.turntable, { page }).removeAlpha().raw().toBuffer();
        const [left, right] = await Promise.all([frame(6), frame(18)]);
        const apart =
          left.reduce((sum, value, i) => sum + Math.abs(value - (right[i] ?? 0)), 0) / left.length;
        assert.ok(apart > 8, `its sides differ by ${apart} only`);
        assert.ok(model.turntable.length < 500_000);
      });

      it("C5: passes verification against its own source, is solid, and fails against another", async () => {
        const own = await verifyModel(model.glb, source);
        assert.ok(own.ok, JSON.stringify(own));
        assert.ok(own.figures.parallax > 10 && own.figures.relief > 0.1, JSON.stringify(own.figures));
        const other = await verifyModel(
          model.glb,
          await meme(name === "doge.png" ? "portrait.jpg" : "doge.png"),
        );
        assert.equal(other.ok, false);
        assert.equal(other.ok ? "" : other.reason, "unrelated");
      });
    });
  }

  it("C3: the same picture gives the same mode and the same bytes", async () => {
    const source = await meme("portrait.jpg");
    const [one, two] = [await memeToModel(source, SMALL), await memeToModel(source, SMALL)];
    assert.equal(one.stats.mode, two.stats.mode);
    assert.ok(Buffer.from(one.glb).equals(two.glb));
    assert.ok(Buffer.from(one.poster).equals(two.poster));
    assert.ok(Buffer.from(one.turntable).equals(two.turntable));
  });

  it("C3: what was asked for is made: a relief of a picture that has a subject", async () => {
    const source = await meme("doge.png");
    const { glb, stats } = await memeToModel(source, { ...SMALL, mode: "relief" });
    assert.equal(stats.mode, "relief");
    assert.equal((await verifyModel(glb, source)).ok, true);
  });

  it("C4: another picture as texture changes the colours and not the shapes", async () => {
    const source = await meme("doge.png");
    // Another size and turned colours: what an image service may send back.
    const texture = await sharp(source)
      .resize(200, 230, { fit: "fill" })
      .modulate({ hue: 120 })
      .jpeg()
      .toBuffer();
    const [own, painted] = [
      await memeToModel(source, SMALL),
      await memeToModel(source, { ...SMALL, texture }),
    ];
    assert.equal(painted.stats.mode, own.stats.mode);
    assert.equal((await validateGlb(painted.glb)).errors, 0);
    const colours = async (model: Model) =>
      (await sharp(model.poster).stats()).channels.map(({ mean }) => mean);
    const [before, after] = [await colours(own), await colours(painted)];
    const apart = Math.max(...before.map((mean, i) => Math.abs(mean - (after[i] ?? 0))));
    assert.ok(apart > 15, `colours differ by ${apart} only`);
    const ratio = painted.stats.triangles / own.stats.triangles;
    assert.ok(ratio > 0.8 && ratio < 1.25, `${ratio} times the triangles`);
  });

  for (const [what, picture] of [
    ["all white", () => plain(200, 150, "#fff")],
    ["all black", () => plain(150, 200, "#000")],
    [
      "a thin strip",
      async () =>
        sharp(await meme("portrait.jpg"))
          .resize(1_000, 64, { fit: "fill" })
          .png()
          .toBuffer(),
    ],
    [
      "the smallest there is",
      async () =>
        sharp(await meme("doge.png"))
          .resize(64, 64)
          .png()
          .toBuffer(),
    ],
    [
      "transparent",
      () =>
        sharp({ create: { width: 90, height: 90, channels: 4, background: "#0000" } })
          .png()
          .toBuffer(),
    ],
    [
      "grey of 16 bits",
      async () =>
        sharp(await meme("doge.png"))
          .resize(300)
          .toColourspace("grey16")
          .png()
          .toBuffer(),
    ],
  ] as const) {
    it(`C4: a picture that is ${what} gives a valid model`, async () => {
      const source = await picture();
      for (const mode of ["auto", "diorama"] as const) {
        const { glb } = await memeToModel(source, { ...SMALL, mode });
        assert.deepEqual(await validateGlb(glb), { errors: 0, warnings: 0 });
      }
    });
  }

  it("C4: a picture with nothing in it is a relief, even where a diorama is asked for", async () => {
    const { stats } = await memeToModel(await plain(200, 150, "#888"), { ...SMALL, mode: "diorama" });
    assert.equal(stats.mode, "relief");
  });

  it("bytes that are no picture, or half of one, are refused", async () => {
    const doge = await meme("doge.png");
    for (const bytes of [new Uint8Array(), Buffer.from("hello"), doge.subarray(0, doge.length >> 1)])
      await assert.rejects(memeToModel(bytes, SMALL));
    await assert.rejects(memeToModel(doge, { ...SMALL, texture: Buffer.from("hello") }));
  });

  describe("C5: models that must not be shown", () => {
    let source: Buffer;
    let glb: Uint8Array;
    before(async () => {
      source = await meme("portrait.jpg");
      glb = (await memeToModel(source, SMALL)).glb;
    });
    const fault = async (bytes: Uint8Array): Promise<string> => {
      const verdict = await verifyModel(bytes, source);
      return verdict.ok ? "none" : verdict.reason;
    };

    it("broken bytes", async () => {
      const broken = Uint8Array.from(glb);
      broken.fill(0xff, 12, 16);
      assert.equal(await fault(broken), "invalid");
      assert.equal(await fault(glb.subarray(0, glb.length >> 1)), "invalid");
      assert.equal(await fault(Buffer.from("hello")), "invalid");
    });

    it("one with nothing in its scene", async () => {
      const empty = withJson(glb, (json) => {
        json.scenes = [{ nodes: [] }];
        json.scene = 0;
      });
      assert.notEqual(await fault(empty), "none");
    });

    it("one that is flat", async () => {
      const flat = withJson(glb, (json) => {
        for (const node of json.nodes as { scale?: number[]; name?: string }[])
          if (node.name === "swing") node.scale = [1, 1, 0.001];
      });
      assert.notEqual(Buffer.compare(flat, glb), 0);
      assert.equal(await fault(flat), "flat");
    });

    it("one that is far too large for the scene", async () => {
      const huge = withJson(glb, (json) => {
        for (const node of json.nodes as { scale?: number[]; name?: string }[])
          if (node.name === "swing") node.scale = [0.2, 0.2, 0.2];
      });
      assert.notEqual(await fault(huge), "none");
    });
  });
});
