/** What the transformer takes for the subject of a picture, and for its letters (C4), on the test pictures. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { findCaptions } from "../../src/content/transform/captions.ts";
import type { Field } from "../../src/content/transform/fields.ts";
import { loadPeopleFinder, type PeopleFinder } from "../../src/content/transform/people/index.ts";
import { readTflite } from "../../src/content/transform/people/tflite-file.ts";
import { decodePicture, type Picture } from "../../src/content/transform/picture.ts";
import { findSubject, type Subject } from "../../src/content/transform/subject.ts";
import { withoutCaptions } from "../../src/content/transform/textures.ts";

const SIDE = 768;

const bytesOf = (name: string): Promise<Buffer> => readFile(new URL(`./pictures/${name}`, import.meta.url));
const pictureOf = async (name: string): Promise<Picture> => decodePicture(await bytesOf(name), SIDE);

/** Share of a field's samples within a box (given in shares of the sides) that are above `level`. */
function shareWithin(
  { width, height, data }: Field,
  box: { left: number; top: number; right: number; bottom: number },
  level: number,
): number {
  let above = 0;
  let count = 0;
  for (let y = Math.floor(box.top * height); y < box.bottom * height; y++) {
    for (let x = Math.floor(box.left * width); x < box.right * width; x++) {
      count++;
      if ((data[y * width + x] ?? 0) > level) above++;
    }
  }
  return above / count;
}

describe("subject of a picture", () => {
  let findPeople: PeopleFinder;
  before(async () => {
    findPeople = await loadPeopleFinder();
  });

  async function subjectOf(name: string): Promise<Subject> {
    const picture = await pictureOf(name);
    const bare = await withoutCaptions(picture, await findCaptions(picture));
    return findSubject(bare, await findPeople(bare));
  }

  describe("people", () => {
    it("C4: a person is found before a busy background, whole and nothing else", async () => {
      const people = await findPeople(await pictureOf("portrait-astronaut.jpg"));
      assert.ok(
        shareWithin(people, { left: 0.33, top: 0.1, right: 0.52, bottom: 0.35 }, 0.5) > 0.95,
        "the head",
      );
      assert.ok(
        shareWithin(people, { left: 0.3, top: 0.6, right: 0.5, bottom: 0.95 }, 0.5) > 0.95,
        "the suit",
      );
      assert.ok(
        shareWithin(people, { left: 0.65, top: 0, right: 1, bottom: 0.45 }, 0.5) < 0.02,
        "the rocket",
      );
      assert.ok(shareWithin(people, { left: 0, top: 0, right: 0.15, bottom: 0.3 }, 0.5) < 0.02, "the flag");
    });

    it("C4: where nobody is, nobody is found", async () => {
      for (const name of [
        "alps-wide.webp",
        "coffee-captions.webp",
        "avocado-transparent.png",
        "gradient.webp",
      ]) {
        const people = await findPeople(await pictureOf(name));
        assert.ok(shareWithin(people, { left: 0, top: 0, right: 1, bottom: 1 }, 0.5) < 0.02, name);
      }
    });

    it("C4: three people are cut out as three, no face is cut through", async () => {
      const { isClear, outline, evidence } = await subjectOf("people-three.webp");
      assert.ok(isClear);
      assert.ok(evidence.area > 0.3 && evidence.area < 0.6, String(evidence.area));
      // Each head lies well inside the outline, the sky between them outside.
      const heads = [0.26, 0.48, 0.75].map((x) => ({
        left: x - 0.03,
        right: x + 0.03,
        top: 0.3,
        bottom: 0.42,
      }));
      for (const head of heads) assert.ok(shareWithin(outline, head, 0) > 0.5, JSON.stringify(head));
      assert.equal(shareWithin(outline, { left: 0, right: 1, top: 0, bottom: 0.06 }, 0), 0);
    });

    it("C4: the mask has the picture's proportions", async () => {
      const { width, height } = await findPeople(await pictureOf("train-very-wide.webp"));
      assert.equal(width, 256);
      assert.ok(height < 100, String(height));
    });

    it("a file that is no model is refused", () => {
      assert.throws(() => readTflite(new Uint8Array(0)), RangeError);
      assert.throws(
        () => readTflite(Buffer.from("not a flatbuffer at all, but long enough to be read")),
        RangeError,
      );
    });

    it("the installed weights are the ones this was built for", async () => {
      const require = createRequire(import.meta.url);
      const file = require.resolve("@mediapipe/selfie_segmentation/selfie_segmentation.tflite");
      const model = readTflite(await readFile(file));
      assert.deepEqual(model.shapeOf(model.input), [1, 256, 256, 3]);
      assert.deepEqual(model.shapeOf(model.output), [1, 256, 256, 1]);
    });
  });

  describe("things", () => {
    const cut = [
      "avocado-transparent.png",
      "frog-white-eyes.jpg",
      "robot-cartoon.png",
      "logo.png",
      "silhouette.png",
    ];
    const whole = [
      "bridge-night.webp",
      "coffee-captions.webp",
      "raccoon.webp",
      "rocket-night.jpg",
      "house-plain.webp",
    ];

    it("C4: what stands out clearly is cut out", async () => {
      for (const name of cut) assert.ok((await subjectOf(name)).isClear, name);
    });

    it("C4: what does not is left in its picture", async () => {
      for (const name of whole) assert.ok(!(await subjectOf(name)).isClear, name);
    });

    it("C4: a light subject on a light ground keeps its light parts", async () => {
      const { outline } = await subjectOf("frog-white-eyes.jpg");
      const eyes = [
        { left: 0.28, right: 0.42, top: 0.22, bottom: 0.33 },
        { left: 0.55, right: 0.69, top: 0.22, bottom: 0.33 },
      ];
      for (const eye of eyes) assert.ok(shareWithin(outline, eye, 0) > 0.95, JSON.stringify(eye));
    });
  });

  describe("letters", () => {
    const kindOf = async (name: string): Promise<string> => (await findCaptions(await pictureOf(name))).kind;

    it("C4: captions with an outline and large plain letters are raised", async () => {
      for (const name of [
        "cat-captions.jpg",
        "friends-drawn.webp",
        "text-quote.jpg",
        "raccoon-heavy-caption.webp",
      ])
        assert.equal(await kindOf(name), "raised", name);
    });

    it("C4: small letters stay printed", async () => {
      for (const name of ["text-only.png", "chat-screenshot.png", "line-drawing.png", "comic-four.png"])
        assert.equal(await kindOf(name), "printed", name);
    });

    it("C4: pictures without a word have no letters", async () => {
      for (const name of [
        "bee-flower.webp",
        "citrus.jpg",
        "alps-wide.webp",
        "raccoon.webp",
        "portrait-astronaut.jpg",
      ])
        assert.equal(await kindOf(name), "none", name);
    });

    it("C4: every line of a text is seen, with the dots of its letters", async () => {
      const { mask } = await findCaptions(await pictureOf("text-only.png"));
      for (const top of [0.3, 0.38, 0.45, 0.65]) {
        const line = { left: 0.05, right: 0.3, top, bottom: top + 0.06 };
        assert.ok(shareWithin(mask, line, 0.5) > 0.04, `line at ${top}`);
      }
    });
  });
});
