/** Verification of models (C5): what it must catch, one sample for each way to be wrong, and what it must let pass. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import type { Document } from "@gltf-transform/core";
import { writeGlb } from "../../src/content/transform/gltf.ts";
import {
  type Model,
  memeToModel,
  type Verification,
  verifyModel,
} from "../../src/content/transform/index.ts";
import { loadPeopleFinder, type PeopleFinder } from "../../src/content/transform/people/index.ts";
import { decodePicture } from "../../src/content/transform/picture.ts";
import { composeScene } from "../../src/content/transform/scene.ts";
import {
  CHUNK_HEADER,
  changed,
  HEADER,
  imageRange,
  JSON_LENGTH_AT,
  noise,
  plain,
  rewritten,
  scribbled,
} from "./glb.ts";

const PICTURES = new URL("pictures/", import.meta.url);
/** Large enough to work on, small enough for forty-five of them, pixels. */
const SIDE = 384;

const pictureOf = (name: string): Promise<Buffer> => readFile(new URL(name, PICTURES));
const namesOfPictures = async (): Promise<string[]> =>
  (await readdir(PICTURES)).filter((name) => !name.endsWith(".md")).sort();

/** What memeToModel makes, without poster and turntable: they take as long as the model. */
async function glbOf(picture: Uint8Array, finder: PeopleFinder): Promise<Uint8Array> {
  const scene = await composeScene(await decodePicture(picture, SIDE), undefined, "auto", finder);
  return (await writeGlb(scene)).glb;
}

type Fault = Extract<Verification, { ok: false }>["reason"] | "none";
const faultOf = (verification: Verification): Fault => (verification.ok ? "none" : verification.reason);

function paint(document: Document, image: Uint8Array): void {
  for (const texture of document.getRoot().listTextures()) texture.setImage(image).setMimeType("image/png");
}

function scale(document: Document, size: [number, number, number]): void {
  const swing = document
    .getRoot()
    .listNodes()
    .find((node) => node.getName() === "swing");
  assert.ok(swing, "the model has a node that carries all others");
  swing.setScale(size);
}

describe("verification of models", function () {
  this.timeout(120_000);
  let meme: Buffer;
  let model: Model;

  before(async () => {
    meme = await pictureOf("robot-cartoon.png");
    model = await memeToModel(meme, { mode: "auto", maxSide: SIDE });
  });

  const check = async (glb: Uint8Array, picture: Uint8Array = meme): Promise<Fault> =>
    faultOf(await verifyModel(glb, picture));

  it("C5: the model that all samples below are made from passes", async () => {
    const verification = await verifyModel(model.glb, meme);
    assert.equal(faultOf(verification), "none", JSON.stringify(verification.figures));
    assert.equal(await check(await changed(model.glb, () => undefined)), "none");
    const shifted = new Uint8Array(model.glb.length + 1);
    shifted.set(model.glb, 1);
    assert.equal(await check(shifted.subarray(1)), "none", "wherever in memory its bytes begin");
  });

  describe("blank", () => {
    it("C5: a model painted in one colour", async () => {
      const grey = await plain(256, "#808080");
      assert.equal(await check(await changed(model.glb, (document) => paint(document, grey))), "blank");
    });

    it("C5: a model whose textures are missing", async () => {
      const bare = await changed(model.glb, (document) => {
        for (const texture of document.getRoot().listTextures()) texture.dispose();
      });
      assert.equal(await check(bare), "blank");
      assert.equal(await check(bare, await plain(300, "#ffffff")), "blank", "of a plain picture, too");
    });

    it("C5: a model with nothing in it", async () => {
      const empty = await changed(model.glb, (document) => {
        for (const mesh of document.getRoot().listMeshes()) mesh.dispose();
      });
      assert.equal(await check(empty), "blank");
    });

    it("C5: a frame with a hole where the picture should be", async () => {
      const hollow = await changed(model.glb, (document) => {
        for (const node of document.getRoot().listNodes())
          if (node.getName() === "stage" || node.getName() === "back") node.setMesh(null);
      });
      assert.equal(await check(hollow), "blank");
    });

    it("C5: a model that looks the other way", async () => {
      const turned = await changed(model.glb, (document) => scale(document, [-1, 1, -1]));
      assert.notEqual(await check(turned), "none");
    });
  });

  describe("flat", () => {
    it("C5: a model pressed to a sheet", async () => {
      assert.equal(
        await check(await changed(model.glb, (document) => scale(document, [1, 1, 0.02]))),
        "flat",
      );
    });

    it("C5: the picture handed back on a thick board", async () => {
      const board = await changed(model.glb, (document) => {
        for (const node of document.getRoot().listNodes()) {
          const [material] =
            node
              .getMesh()
              ?.listPrimitives()
              .map((each) => each.getMaterial()?.getName()) ?? [];
          if (material === "stage") node.setScale([node.getScale()[0], node.getScale()[1], 0.001]);
          else if (material === "subject" || material === "caption") node.setMesh(null);
        }
      });
      assert.equal(await check(board), "flat");
    });
  });

  describe("unrelated", () => {
    it("C5: a model of another picture of the same shape", async () => {
      for (const name of ["logo.png", "comic-four.png", "text-quote.jpg"])
        assert.equal(await check(model.glb, await pictureOf(name)), "unrelated", name);
    });

    it("C5: a model of a picture of another shape", async () => {
      assert.equal(await check(model.glb, await pictureOf("train-very-wide.webp")), "unrelated");
      const narrow = await changed(model.glb, (document) => scale(document, [0.9, 1, 1]));
      assert.equal(await check(narrow), "unrelated");
    });

    it("C5: the right shape painted with another picture", async () => {
      const texture = await pictureOf("citrus.jpg");
      const painted = await memeToModel(meme, { mode: "auto", maxSide: SIDE, texture });
      assert.equal(await check(painted.glb), "unrelated");
    });
  });

  describe("too large, too many", () => {
    it("C5: more than 3 MB", async () => {
      const heavy = await noise(1_100);
      assert.equal(await check(await changed(model.glb, (document) => paint(document, heavy))), "too large");
    });

    it("C5: a small file with a texture that unpacks to 64 million pixels", async () => {
      const vast = await plain(8_000, "#808080");
      const glb = await changed(model.glb, (document) => paint(document, vast));
      assert.ok(glb.length < 3 * 1024 * 1024, `${glb.length} bytes`);
      assert.equal(await check(glb), "too large");
    });

    it("C5: 60,000 triangles, in one mesh or as one mesh in many places", async () => {
      const many = await changed(model.glb, (document) => {
        const [scene] = document.getRoot().listScenes();
        const [mesh] = document.getRoot().listMeshes();
        assert.ok(scene && mesh);
        const triangles = (mesh.listPrimitives()[0]?.getIndices()?.getCount() ?? 0) / 3;
        for (let sum = 0; sum < 60_000; sum += triangles) scene.addChild(document.createNode().setMesh(mesh));
      });
      assert.equal(await check(many), "too many triangles");
      const dense = await changed(model.glb, (document) => {
        const indices = document.getRoot().listMeshes()[0]?.listPrimitives()[0]?.getIndices();
        const [first, second, third] = indices?.getArray() ?? [];
        const triangle = [first ?? 0, second ?? 1, third ?? 2];
        indices?.setArray(Uint32Array.from({ length: 180_000 }, (_, i) => triangle[i % 3] ?? 0));
      });
      assert.equal(await check(dense), "too many triangles");
    });
  });

  describe("wrong size", () => {
    const sizes: [what: string, size: [number, number, number]][] = [
      ["twice as large", [2, 2, 2]],
      ["half as large", [0.5, 0.5, 0.5]],
      ["as deep as a corridor", [1, 1, 5]],
    ];
    for (const [what, size] of sizes) {
      it(`C5: a model ${what}`, async () => {
        assert.equal(
          await check(await changed(model.glb, (document) => scale(document, size))),
          "wrong size",
        );
      });
    }
  });

  describe("invalid", () => {
    it("C5: the picture itself, nothing, and half a megabyte of zeros are no models", async () => {
      for (const bytes of [meme, new Uint8Array(), new Uint8Array(500_000)])
        assert.equal(await check(bytes), "invalid");
    });

    it("C5: a file cut short anywhere", async () => {
      for (const share of [0.001, 0.01, 0.1, 0.5, 0.9, 0.999])
        assert.equal(await check(model.glb.subarray(0, model.glb.length * share)), "invalid", String(share));
    });

    it("C5: a broken header, length, chunk, JSON, accessor, picture or point", async () => {
      const { glb } = model;
      const image = imageRange(glb);
      const samples: Record<string, Uint8Array> = {
        magic: scribbled(glb, 0, 4, 0x41),
        version: scribbled(glb, 4, 1, 9),
        length: scribbled(glb, 8, 4, 0xff),
        "length of the JSON": scribbled(glb, JSON_LENGTH_AT, 4, 0xff),
        "kind of chunk": scribbled(glb, 16, 4, 0x41),
        JSON: scribbled(glb, HEADER + CHUNK_HEADER + 40, 60, 0x22),
        "a count beyond the buffer": rewritten(glb, ({ accessors: [accessor] }) => {
          if (accessor) accessor.count = 5_000_000;
        }),
        "a view beyond the buffer": rewritten(glb, ({ bufferViews: [view] }) => {
          if (view) view.byteLength = 50_000_000;
        }),
        "start of the picture": scribbled(glb, image.at, 64, 0),
        "a picture cut short": rewritten(glb, ({ images: [first], bufferViews }) => {
          const view = bufferViews[first?.bufferView ?? 0];
          if (view) view.byteLength >>= 1;
        }),
      };
      for (const [what, broken] of Object.entries(samples))
        assert.equal(await check(broken), "invalid", what);
    });

    it("C5: a picture on another host", async () => {
      const calling = rewritten(model.glb, ({ images: [image] }) => {
        if (!image) return;
        delete image.bufferView;
        delete image.mimeType;
        image.uri = "https://elsewhere.example/picture.png";
      });
      assert.equal(await check(calling), "invalid");
    });

    it("C5: a mere warning of gltf-validator", async () => {
      const odd = rewritten(model.glb, ({ asset }) => {
        asset.surprise = true;
      });
      const verification = await verifyModel(odd, meme);
      assert.equal(faultOf(verification), "invalid");
      assert.equal(verification.figures.errors, 0);
      assert.ok((verification.figures.warnings ?? 0) > 0);
    });

    it("C5: bytes changed at random never make it throw", async () => {
      for (let i = 0; i < 40; i++) {
        const at = (i * 48_271) % model.glb.length;
        const broken = scribbled(model.glb, at, 1 + (i % 9), (i * 37) % 256);
        const verification = await verifyModel(broken, meme);
        if (verification.ok) assert.ok(Object.values(verification.figures).every(Number.isFinite));
      }
    });
  });

  describe("false alarms and mismatches over the test pictures", () => {
    const models = new Map<string, Uint8Array>();
    let names: string[];

    before(async function () {
      this.timeout(400_000);
      names = await namesOfPictures();
      const finder = await loadPeopleFinder();
      for (const name of names) models.set(name, await glbOf(await pictureOf(name), finder));
    });

    it("C5: every picture's own model passes, without a warning", async () => {
      assert.ok(names.length >= 30, `${names.length} pictures`);
      for (const [name, glb] of models) {
        const verification = await verifyModel(glb, await pictureOf(name));
        assert.equal(faultOf(verification), "none", `${name} ${JSON.stringify(verification.figures)}`);
        assert.equal(verification.figures.warnings, 0, name);
      }
    });

    it("C5: with the next picture but six as its source no model passes", async () => {
      for (const [i, name] of names.entries()) {
        const other = names[(i + 7) % names.length] ?? name;
        const verification = await verifyModel(models.get(name) ?? model.glb, await pictureOf(other));
        assert.notEqual(faultOf(verification), "none", `${name} as ${other}`);
      }
    });
  });
});
