/** What an upload must be and what is stored instead of it (C1), and how pictures are recognised (R7). */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import sharp from "sharp";
import { acceptPicture, phashDistance } from "../../src/content/upload/picture.ts";

const LIMITS = { maxBytes: 10 * 1024 * 1024 };
const meme = (name: "doge.png" | "portrait.jpg"): Promise<Buffer> =>
  readFile(new URL(`../fixtures/memes/${name}`, import.meta.url));

const plain = (width: number, height: number, background: string) =>
  sharp({ create: { width, height, channels: 3, background } });

async function accepted(bytes: Uint8Array) {
  const made = await acceptPicture(bytes, LIMITS);
  assert.ok(made.ok, `refused: ${made.ok ? "" : made.code}`);
  return made;
}

async function refusal(bytes: Uint8Array): Promise<string> {
  const made = await acceptPicture(bytes, LIMITS);
  assert.equal(made.ok, false);
  return made.ok ? "" : made.code;
}

describe("picture intake", () => {
  describe("C1: what is refused", () => {
    it("nothing at all", async () => {
      assert.equal(await refusal(new Uint8Array()), "PICTURE_EMPTY");
    });

    it("more bytes than allowed, before anything reads them", async () => {
      assert.equal(await refusal(new Uint8Array(LIMITS.maxBytes + 1)), "PICTURE_TOO_LARGE");
    });

    for (const [what, text] of [
      [
        "SVG",
        '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"><rect width="9" height="9"/></svg>',
      ],
      [
        "SVG behind an XML head",
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"/>',
      ],
      ["HTML that says it is a JPEG", "<html><script>alert(1)</script></html>"],
      ["a script", "#!/bin/sh\necho"],
    ] as const) {
      it(`${what}, by its content`, async () => {
        assert.equal(await refusal(Buffer.from(text)), "PICTURE_TYPE_UNSUPPORTED");
      });
    }

    it("a picture of a type that is not in the list (TIFF)", async () => {
      assert.equal(await refusal(await plain(90, 90, "#fff").tiff().toBuffer()), "PICTURE_TYPE_UNSUPPORTED");
    });

    for (const name of ["doge.png", "portrait.jpg"] as const) {
      it(`${name} cut off in the middle`, async () => {
        const whole = await meme(name);
        assert.equal(await refusal(whole.subarray(0, whole.length >> 1)), "PICTURE_BROKEN");
      });
    }

    it("a JPEG's head with nothing behind it", async () => {
      assert.equal(await refusal((await meme("portrait.jpg")).subarray(0, 24)), "PICTURE_BROKEN");
    });

    it("a bomb of 12,000 x 12,000 pixels, without decoding it", async () => {
      const bomb = await plain(12_000, 12_000, "#fff").png({ compressionLevel: 9 }).toBuffer();
      assert.ok(bomb.length < 1_000_000);
      const before = performance.now();
      assert.equal(await refusal(bomb), "PICTURE_TOO_MANY_PIXELS");
      assert.ok(performance.now() - before < 500);
    });

    it("an animation whose frames together are a bomb", async () => {
      const frame = await plain(2_000, 2_000, "#fff").png().toBuffer();
      const other = await plain(2_000, 2_000, "#000").png().toBuffer();
      const frames = Array.from({ length: 12 }, (_, i) => (i % 2 ? frame : other));
      const bomb = await sharp(frames, { join: { animated: true } })
        .webp({ effort: 0, lossless: true })
        .toBuffer();
      assert.equal(await refusal(bomb), "PICTURE_TOO_MANY_PIXELS");
    });

    it("less than 64 pixels a side, as it comes and as it would be stored", async () => {
      assert.equal(await refusal(await plain(63, 400, "#fff").png().toBuffer()), "PICTURE_TOO_SMALL");
      assert.equal(await refusal(await plain(4_000, 70, "#fff").png().toBuffer()), "PICTURE_TOO_SMALL");
      assert.ok((await acceptPicture(await plain(64, 64, "#fff").png().toBuffer(), LIMITS)).ok);
    });

    it("any bytes whatever: an answer, never an exception", async () => {
      const magic = fc.constantFrom(
        [0xff, 0xd8, 0xff],
        [0x89, 0x50, 0x4e, 0x47, 0xd, 0xa, 0x1a, 0xa],
        [0x47, 0x49, 0x46, 0x38, 0x39, 0x61],
        [],
      );
      await fc.assert(
        fc.asyncProperty(magic, fc.uint8Array({ maxLength: 300 }), async (head, rest) => {
          assert.equal((await acceptPicture(Uint8Array.from([...head, ...rest]), LIMITS)).ok, false);
        }),
        { numRuns: 60 },
      );
    });
  });

  describe("C1: what is stored", () => {
    for (const [format, mime] of [
      ["jpeg", "image/jpeg"],
      ["png", "image/png"],
      ["webp", "image/webp"],
      ["gif", "image/gif"],
    ] as const) {
      it(`a ${format} becomes a WebP named by its own hash`, async () => {
        const made = await accepted(
          await sharp(await meme("doge.png"))
            .resize(300, 200)
            .toFormat(format)
            .toBuffer(),
        );
        const head = await sharp(made.webp).metadata();
        assert.deepEqual([head.format, head.width, head.height], ["webp", 300, 200]);
        assert.deepEqual([made.sourceMime, made.width, made.height], [mime, 300, 200]);
        assert.equal(made.sha256, createHash("sha256").update(made.webp).digest("hex"));
        assert.match(made.phash, /^[0-9a-f]{16}$/);
      });
    }

    it("the longest side is 1,600 at most, the shape stays", async () => {
      const made = await accepted(await plain(3_200, 1_200, "#456").jpeg().toBuffer());
      assert.deepEqual([made.width, made.height], [1_600, 600]);
    });

    it("where it was taken, whose it is and how it is turned do not stay; the turn is carried out", async () => {
      const tagged = await sharp(await meme("portrait.jpg"))
        .resize(400, 200)
        .withExif({ IFD0: { Copyright: "somebody" }, IFD3: { GPSLatitude: "51/1 30/1 0/1" } })
        .withMetadata({ orientation: 6 })
        .withXmp("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
        .jpeg()
        .toBuffer();
      assert.ok((await sharp(tagged).metadata()).exif);
      const made = await accepted(tagged);
      const head = await sharp(made.webp).metadata();
      assert.deepEqual(
        [head.exif, head.xmp, head.icc, head.orientation],
        [undefined, undefined, undefined, undefined],
      );
      assert.deepEqual([made.width, made.height], [200, 400]);
    });

    it("an animation keeps its first frame", async () => {
      const frames = await Promise.all(
        ["#f00", "#0f0", "#00f"].map((colour) => plain(120, 90, colour).png().toBuffer()),
      );
      for (const type of ["gif", "webp"] as const) {
        const made = await accepted(
          await sharp(frames, { join: { animated: true } })
            .toFormat(type)
            .toBuffer(),
        );
        const head = await sharp(made.webp, { animated: true }).metadata();
        assert.deepEqual([head.pages ?? 1, head.width, head.height], [1, 120, 90]);
        const { channels } = await sharp(made.webp).stats();
        assert.ok((channels[0]?.mean ?? 0) > 230 && (channels[1]?.mean ?? 255) < 25, `${type} is not red`);
      }
    });

    it("the same upload gives the same bytes, and so the same memeId", async () => {
      const bytes = await meme("portrait.jpg");
      const [one, two] = await Promise.all([accepted(bytes), accepted(bytes)]);
      assert.equal(one.sha256, two.sha256);
      assert.equal(one.phash, two.phash);
    });
  });

  describe("R7: near-duplicates", () => {
    const hash = fc
      .bigInt({ min: 0n, max: 2n ** 64n - 1n })
      .map((bits) => bits.toString(16).padStart(16, "0"));

    it("the distance is a metric over 64 bits", () => {
      fc.assert(
        fc.property(hash, hash, hash, (a, b, c) => {
          assert.equal(phashDistance(a, a), 0);
          assert.equal(phashDistance(a, b), phashDistance(b, a));
          assert.ok(a === b || phashDistance(a, b) > 0);
          assert.ok(phashDistance(a, c) <= phashDistance(a, b) + phashDistance(b, c));
        }),
      );
      assert.equal(phashDistance("0000000000000000", "ffffffffffffffff"), 64);
      assert.equal(phashDistance("0000000000000000", "8000000000000001"), 2);
    });

    it("smaller, recompressed and in another format it is the same meme; another meme is not", async () => {
      const doge = await meme("doge.png");
      const original = (await accepted(doge)).phash;
      const copy = (await accepted(await sharp(doge).resize(500).jpeg({ quality: 40 }).toBuffer())).phash;
      const other = (await accepted(await meme("portrait.jpg"))).phash;
      assert.ok(phashDistance(original, copy) <= 6, `copy at ${phashDistance(original, copy)}`);
      assert.ok(phashDistance(original, other) > 6, `other at ${phashDistance(original, other)}`);
    });

    it("what is transparent counts as white, not as what lies under it", async () => {
      const shape = Buffer.from(
        '<svg width="200" height="200"><circle cx="90" cy="80" r="60" fill="#c30"/></svg>',
      );
      const clear = await accepted(await sharp(shape).png().toBuffer());
      const white = await accepted(await sharp(shape).flatten({ background: "#fff" }).png().toBuffer());
      assert.ok(phashDistance(clear.phash, white.phash) <= 2);
    });
  });
});
