/** What of AITubo is fit to be a texture (C4): other looks of many kinds of pictures pass, the same picture does not. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { sizeFor } from "../../src/content/aitubo/client.ts";
import { type Judge, judgePicture } from "../../src/content/aitubo/picture.ts";
import { stylise } from "../../standins/aitubo/stylise.ts";

const PICTURES = [
  "raccoon.webp",
  "text-only.png",
  "line-drawing.png",
  "logo.png",
  "stars-dark.webp",
  "avocado-transparent.png",
  "giraffe-very-tall.webp",
  "train-very-wide.webp",
];

describe("AITubo's picture as a texture (C4)", () => {
  const judged: Uint8Array[] = [];
  const fine: Judge = async (picture) => {
    judged.push(picture);
    return "approved";
  };
  beforeEach(() => {
    judged.length = 0;
  });

  async function stored(name: string): Promise<{ source: Buffer; asked: { width: number; height: number } }> {
    const file = await readFile(new URL(`pictures/${name}`, import.meta.url));
    const source = await sharp(file).resize(600, 600, { fit: "inside" }).webp().toBuffer();
    const { width, height } = await sharp(source).metadata();
    return { source, asked: sizeFor(width, height) };
  }
  const reason = async (...given: Parameters<typeof judgePicture>): Promise<string> => {
    const verdict = await judgePicture(...given);
    return verdict.ok ? "" : verdict.reason;
  };

  for (const name of PICTURES) {
    it(`another look of ${name} passes; it unchanged does not`, async () => {
      const { source, asked } = await stored(name);
      const styled = await stylise(source, { ...asked, strength: 0.45 });
      const verdict = await judgePicture(styled, source, asked, fine);
      assert.ok(verdict.ok, JSON.stringify(verdict));
      assert.equal((await sharp(verdict.webp).metadata()).format, "webp");
      assert.deepEqual(judged, [verdict.webp], "what was judged is what is kept");

      const same = await sharp(source)
        .flatten({ background: "#ffffff" })
        .resize({ ...asked, fit: "fill" })
        .jpeg({ quality: 80 })
        .toBuffer();
      assert.match(await reason(same, source, asked, fine), /unchanged/);
      assert.equal(judged.length, 1, "the classifier is not asked for nothing");
    });
  }

  it("nothing of a picture's file is kept but its pixels", async () => {
    const { source, asked } = await stored("raccoon.webp");
    const styled = await stylise(source, { ...asked, strength: 0.45 });
    const tagged = await sharp(styled)
      .withExif({ IFD0: { Copyright: "a hidden word" } })
      .jpeg()
      .toBuffer();
    const verdict = await judgePicture(tagged, source, asked, fine);
    assert.ok(verdict.ok);
    assert.equal((await sharp(verdict.webp).metadata()).exif, undefined);
  });

  it("a picture of 144 megapixels is refused before it is decoded", async () => {
    const { source, asked } = await stored("logo.png");
    const vast = await sharp({
      create: { width: 12_000, height: 12_000, channels: 3, background: "#123456" },
    })
      .png()
      .toBuffer();
    assert.match(await reason(vast, source, asked, fine), /cannot be decoded/);
  });
});
