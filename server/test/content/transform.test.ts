/** The local transformer and its verification (C3, C4, C5), on the project's own memes and on awkward pictures. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Document, NodeIO } from "@gltf-transform/core";
import { KHRMaterialsClearcoat, KHRMeshQuantization } from "@gltf-transform/extensions";
import sharp from "sharp";
import {
  type Model,
  memeToModel,
  type Verification,
  validateGlb,
  verifyModel,
} from "../../src/content/transform/index.ts";

/** Large enough for everything the awkward pictures are about, pixels. */
const SMALL = 320;
const MAX_BYTES = 1024 * 1024;
const MAX_TRIANGLES = 60_000;

const fixture = (name: string): Promise<Buffer> =>
  readFile(new URL(`../fixtures/memes/${name}`, import.meta.url));

const plain = (width: number, height: number, background: string): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();

/** A ball in front of nothing. */
async function transparentBall(): Promise<Buffer> {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><circle cx="200" cy="160" r="90" fill="#c33"/></svg>';
  return sharp(Buffer.from(svg)).png().toBuffer();
}

/** Twelve dark bars on a light band, over a blue picture: what a modern caption looks like from afar. */
async function bandWithPrint(): Promise<Buffer> {
  const bars = Array.from(
    { length: 12 },
    (_, k) => `<rect x="${40 + k * 36}" y="50" width="5" height="30"/>`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="512" height="512"><rect width="512" height="512" fill="#35c"/><rect width="512" height="130" fill="#fff"/>${bars.join("")}</svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

async function open(glb: Uint8Array): Promise<Document> {
  return new NodeIO().registerExtensions([KHRMaterialsClearcoat, KHRMeshQuantization]).readBinary(glb);
}

async function textureOf(glb: Uint8Array, name: string): Promise<Buffer> {
  const texture = (await open(glb))
    .getRoot()
    .listTextures()
    .find((each) => each.getName() === name);
  assert.ok(texture, `the model has a texture ${name}`);
  return Buffer.from(texture.getImage() ?? []);
}

/** A sheet of `copies` quads, with or without a picture on it. */
async function sheet(copies: number, image?: Uint8Array): Promise<Uint8Array> {
  const document = new Document();
  const buffer = document.createBuffer();
  const accessor = (type: "SCALAR" | "VEC2" | "VEC3", array: Float32Array | Uint32Array) =>
    document
      .createAccessor()
      .setBuffer(buffer)
      .setType(type)
      .setArray(array as Float32Array<ArrayBuffer>);
  const material = document.createMaterial("sheet");
  if (image) {
    material.setBaseColorTexture(document.createTexture("sheet").setImage(image).setMimeType("image/png"));
  }
  const quad = [0, 1, 2, 0, 2, 3];
  const primitive = document
    .createPrimitive()
    .setMaterial(material)
    .setIndices(
      accessor(
        "SCALAR",
        Uint32Array.from({ length: copies * 6 }, (_, i) => quad[i % 6] ?? 0),
      ),
    )
    .setAttribute(
      "POSITION",
      accessor("VEC3", new Float32Array([-0.5, -0.5, 0, 0.5, -0.5, 0, 0.5, 0.5, 0, -0.5, 0.5, 0])),
    )
    .setAttribute("NORMAL", accessor("VEC3", new Float32Array([0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1])));
  if (image)
    primitive.setAttribute("TEXCOORD_0", accessor("VEC2", new Float32Array([0, 1, 1, 1, 1, 0, 0, 0])));
  const mesh = document.createMesh().addPrimitive(primitive);
  document.createScene().addChild(document.createNode().setMesh(mesh));
  return new NodeIO().writeBinary(document);
}

function faultOf(verification: Verification): string {
  return verification.ok ? "none" : verification.reason;
}

async function assertSound(model: Model, picture: Uint8Array): Promise<void> {
  assert.deepEqual(await validateGlb(model.glb), { errors: 0, warnings: 0 });
  assert.equal(model.glb.length, model.stats.glbBytes);
  assert.ok(model.glb.length < MAX_BYTES, `${model.glb.length} bytes`);
  assert.ok(model.stats.triangles < MAX_TRIANGLES, `${model.stats.triangles} triangles`);
  const verification = await verifyModel(model.glb, picture);
  assert.equal(faultOf(verification), "none", JSON.stringify(verification.figures));
  assert.equal(verification.figures.triangles, model.stats.triangles);
}

async function meanDifference(a: Uint8Array, b: Uint8Array): Promise<number> {
  const [left, right] = await Promise.all([sharp(a).raw().toBuffer(), sharp(b).raw().toBuffer()]);
  return left.reduce((sum, value, i) => sum + Math.abs(value - (right[i] ?? 0)), 0) / left.length;
}

describe("local transformer", function () {
  this.timeout(30_000);
  let doge: Buffer;
  let portrait: Buffer;
  let dogeModel: Model;
  let portraitModel: Model;

  before(async () => {
    [doge, portrait] = await Promise.all([fixture("doge.png"), fixture("portrait.jpg")]);
    dogeModel = await memeToModel(doge, { mode: "auto" });
    portraitModel = await memeToModel(portrait, { mode: "auto" });
  });

  describe("the project's memes", () => {
    it("C4: doge becomes a sound diorama within the budgets", async () => {
      assert.equal(dogeModel.stats.mode, "diorama");
      await assertSound(dogeModel, doge);
    });

    it("C4: portrait becomes a sound diorama within the budgets", async () => {
      assert.equal(portraitModel.stats.mode, "diorama");
      await assertSound(portraitModel, portrait);
    });

    it("C4: letters are solids of their own, in front of the subject", async () => {
      for (const { glb } of [dogeModel, portraitModel]) {
        const nodes = (await open(glb)).getRoot().listNodes();
        const heightOf = (name: string): number =>
          nodes.find((node) => node.getName() === name)?.getTranslation()[2] ?? Number.NaN;
        assert.ok(heightOf("caption-rig") > heightOf("subject-rig"));
      }
    });

    it("C4: any viewer opens it: no compression extension, one animation, our generator", async () => {
      const root = (await open(dogeModel.glb)).getRoot();
      const extensions = root.listExtensionsUsed().map((extension) => extension.extensionName);
      assert.deepEqual(extensions.sort(), ["KHR_materials_clearcoat", "KHR_mesh_quantization"]);
      assert.equal(root.listAnimations().length, 1);
      assert.ok(Buffer.from(dogeModel.glb).includes('"generator":"meme-rounds"'));
    });

    it("C4: the poster is a 720 px WebP, the turntable an animated one of 24 different pages", async () => {
      const poster = await sharp(dogeModel.poster).metadata();
      assert.deepEqual([poster.format, poster.width, poster.height], ["webp", 720, 720]);
      const turntable = await sharp(dogeModel.turntable, { pages: -1 }).metadata();
      assert.deepEqual(
        [turntable.format, turntable.pages, turntable.width, turntable.pageHeight],
        ["webp", 24, 320, 320],
      );
      const page = (index: number): Promise<Buffer> =>
        sharp(dogeModel.turntable, { page: index }).png().toBuffer();
      assert.ok(
        (await meanDifference(await page(0), await page(6))) > 5,
        "the pages show it from other sides",
      );
    });

    it("C5: the views differ and the surface stands out", async () => {
      const { figures } = await verifyModel(dogeModel.glb, doge);
      assert.ok((figures.parallax ?? 0) > 20, `parallax ${figures.parallax}`);
      assert.ok((figures.relief ?? 0) > 0.1, `relief ${figures.relief}`);
    });

    it("C3: the same picture gives the same bytes", async () => {
      const again = await memeToModel(portrait, { mode: "auto" });
      assert.ok(Buffer.from(again.glb).equals(portraitModel.glb));
    });
  });

  describe("options", () => {
    it("C5: a wanted mode is obeyed, for the retry with other parameters", async () => {
      const relief = await memeToModel(doge, { mode: "relief", maxSide: SMALL });
      assert.equal(relief.stats.mode, "relief");
      await assertSound(relief, doge);
      const noisy = await sharp(doge).resize(400, 400).blur(40).png().toBuffer();
      assert.equal((await memeToModel(noisy, { mode: "diorama", maxSide: SMALL })).stats.mode, "diorama");
    });

    it("C4: a texture paints the model; raised letters keep the source's pixels", async () => {
      const texture = await sharp(doge).resize(300, 300).modulate({ hue: 120 }).png().toBuffer();
      const painted = await memeToModel(doge, { mode: "auto", texture });
      await assertSound(painted, doge);
      assert.ok((await meanDifference(dogeModel.poster, painted.poster)) > 15);
      assert.ok((await textureOf(dogeModel.glb, "caption")).equals(await textureOf(painted.glb, "caption")));
      assert.ok(!(await textureOf(dogeModel.glb, "subject")).equals(await textureOf(painted.glb, "subject")));
    });

    it("C4: a texture leaves printed letters legible", async () => {
      const picture = await bandWithPrint();
      const texture = await plain(200, 200, "#d02020");
      const { glb } = await memeToModel(picture, { mode: "relief", maxSide: SMALL, texture });
      const band = { left: 50, top: 25, width: 220, height: 30 };
      const { channels } = await sharp(await textureOf(glb, "stage"))
        .extract(band)
        .stats();
      const green = channels[1];
      assert.ok(
        green && green.max > 180 && green.min < 60,
        `light and dark in the band: ${green?.min}..${green?.max}`,
      );
    });
  });

  describe("awkward pictures", () => {
    const cases: [name: string, picture: () => Promise<Buffer>, mode: "diorama" | "relief" | undefined][] = [
      ["one of a single colour", () => plain(500, 400, "#ffffff"), "relief"],
      ["a transparent PNG", transparentBall, undefined],
      [
        "a very wide one",
        async () => sharp(doge).resize(1600, 200, { fit: "cover" }).png().toBuffer(),
        undefined,
      ],
      [
        "a strip of 8 pixels",
        async () => sharp(doge).resize(1000, 8, { fit: "fill" }).png().toBuffer(),
        undefined,
      ],
      ["a tiny one", async () => sharp(portrait).resize(64, 64, { fit: "fill" }).png().toBuffer(), undefined],
    ];
    for (const [name, picture, mode] of cases) {
      it(`C4: ${name} becomes a sound model`, async () => {
        const bytes = await picture();
        const model = await memeToModel(bytes, { mode: "auto", maxSide: SMALL });
        if (mode) assert.equal(model.stats.mode, mode);
        await assertSound(model, bytes);
      });
    }

    it("C4: a diorama of a picture without any subject is a sound relief", async () => {
      const black = await plain(200, 200, "#000000");
      const model = await memeToModel(black, { mode: "diorama", maxSide: SMALL });
      assert.equal(model.stats.mode, "relief");
      await assertSound(model, black);
    });

    it("C4: of an animated GIF of 10 MB the first frame counts, and nothing else is decoded", async () => {
      const [side, frames] = [360, 56];
      const noise = randomBytes(side * side * frames * 3);
      const strip = { width: side, height: side * frames, channels: 3 as const, pageHeight: side };
      const gif = await sharp(noise, { raw: strip }).gif({ effort: 1 }).toBuffer();
      assert.ok(gif.length > 9_500_000, String(gif.length));
      const before = process.resourceUsage().maxRSS;
      await assertSound(await memeToModel(gif, { mode: "auto", maxSide: SMALL }), gif);
      // All 56 frames as pixels would be 29 MB a copy; kB.
      assert.ok(process.resourceUsage().maxRSS - before < 300_000);
    });

    it("C4: a picture of 12,000 pixels a side is refused before it is decoded", async () => {
      const huge = await sharp({
        create: { width: 12_000, height: 12_000, channels: 3, background: "#246" },
      })
        .png()
        .toBuffer();
      const before = process.resourceUsage().maxRSS;
      await assert.rejects(memeToModel(huge, { mode: "auto" }), /pixel limit/);
      assert.ok(process.resourceUsage().maxRSS - before < 100_000, "432 MB of pixels were not made");
    });

    it("C4: what is no picture, or one cut short, is refused", async () => {
      await assert.rejects(memeToModel(Buffer.from("no picture"), { mode: "auto" }));
      await assert.rejects(memeToModel(doge.subarray(0, 20_000), { mode: "auto" }));
      await assert.rejects(memeToModel(doge, { mode: "auto", texture: Buffer.from("no picture") }));
    });
  });

  describe("verification", () => {
    it("C5: a model of another picture is unrelated", async () => {
      const right = await verifyModel(dogeModel.glb, doge);
      const wrong = await verifyModel(dogeModel.glb, portrait);
      assert.equal(faultOf(wrong), "unrelated");
      assert.ok((wrong.figures.similarity ?? 1) < (right.figures.similarity ?? 0) - 0.15);
    });

    it("C5: broken bytes are invalid", async () => {
      const broken = Buffer.from(dogeModel.glb);
      broken.writeUInt32LE(999_999, 12);
      assert.equal(faultOf(await verifyModel(broken, doge)), "invalid");
      assert.equal(faultOf(await verifyModel(dogeModel.glb.subarray(0, 5_000), doge)), "invalid");
      assert.equal(faultOf(await verifyModel(Buffer.from("no model"), doge)), "invalid");
      assert.ok((await validateGlb(broken)).errors > 0);
    });

    it("C5: a model without the picture is blank, the picture on a flat sheet is flat", async () => {
      const white = await memeToModel(await plain(300, 300, "#ffffff"), { mode: "auto", maxSide: 256 });
      assert.equal(faultOf(await verifyModel(white.glb, doge)), "blank");
      assert.equal(faultOf(await verifyModel(await sheet(1), doge)), "blank");
      assert.equal(faultOf(await verifyModel(await sheet(1, doge), doge)), "flat");
    });

    it("C5: too many triangles and too many bytes are refused", async () => {
      assert.equal(faultOf(await verifyModel(await sheet(MAX_TRIANGLES / 2), doge)), "too many triangles");
      assert.equal(faultOf(await verifyModel(await sheet(150_000), doge)), "too large");
    });
  });
});
