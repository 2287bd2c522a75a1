/** What a creator's picture becomes before it is uploaded: words, crops, first checks. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { layoutCaption } from "../src/features/enter/caption-layout.ts";
import {
  centredCrop,
  type Edits,
  frameOf,
  isUntouched,
  LONGEST,
  turnedSize,
  UNTOUCHED,
} from "../src/features/enter/edits.ts";
import { checkPicture, kindOf } from "../src/features/enter/picture-check.ts";

/** Every letter is half as wide as the font is high. */
const measure = (text: string, size: number): number => [...text].length * size * 0.5;
const box = (width: number, height: number, at: "top" | "bottom" = "top") => ({ width, height, at, measure });

describe("captions' layout", () => {
  const size = fc.integer({ min: 64, max: 1_600 });
  const text = fc.string({ minLength: 1, maxLength: 120 }).filter((each) => each.trim() !== "");

  it("no line is wider than the picture, and all stay in their third", () => {
    fc.assert(
      fc.property(text, size, size, fc.constantFrom("top" as const, "bottom" as const), (words, w, h, at) => {
        const { lines, size: font } = layoutCaption(words, box(w, h, at));
        for (const line of lines) {
          assert.ok(
            measure(line.text.replace("…", ""), font) <= w * 0.94 + 1e-6 || [...line.text].length <= 2,
          );
          assert.equal(line.x, w / 2);
        }
        if (lines.length > 1) assert.ok(lines.length * font * 1.12 <= 0.3 * h + font * 1.12 + 1e-6);
      }),
    );
  });

  it("no word is lost as long as it is not cut", () => {
    const { lines } = layoutCaption("one does not simply make a meme", box(800, 800));
    assert.equal(lines.map((line) => line.text).join(" "), "one does not simply make a meme");
  });

  it("few words are large, many are smaller", () => {
    const few = layoutCaption("WOW", box(800, 600)).size;
    const many = layoutCaption("this is a caption of very many words indeed, ".repeat(3), box(800, 600)).size;
    assert.ok(few > many);
    assert.equal(few, 0.15 * 600);
  });

  it("the top line begins below the upper edge, the bottom line ends above the lower one", () => {
    const top = layoutCaption("UP", box(800, 600, "top"));
    const bottom = layoutCaption("DOWN", box(800, 600, "bottom"));
    assert.ok((top.lines[0]?.y ?? 0) > top.size * 0.8);
    const last = bottom.lines.at(-1);
    assert.ok(last && last.y < 600 && last.y > 600 - bottom.size);
  });

  it("a line break is one, a word wider than the picture is broken, what never fits is cut with an ellipsis", () => {
    const two = layoutCaption("a\nb", box(800, 800)).lines.map((line) => line.text);
    assert.deepEqual(two, ["a", "b"]);
    assert.ok(layoutCaption("a".repeat(200), box(300, 900)).lines.length > 1);
    const cut = layoutCaption("very many words ".repeat(60), box(300, 300)).lines.at(-1);
    assert.ok(cut?.text.endsWith("…"));
  });
});

describe("a creator's edits", () => {
  const source = { width: 4_000, height: 3_000 };

  it("nothing changed means the file itself is sent", () => {
    assert.ok(isUntouched(UNTOUCHED));
    assert.ok(isUntouched({ ...UNTOUCHED, top: "  ", capitals: false }));
    const changes: Partial<Edits>[] = [{ turns: 1 }, { top: "x" }, { bottom: "x" }];
    for (const change of changes) assert.ok(!isUntouched({ ...UNTOUCHED, ...change }));
    assert.ok(!isUntouched({ ...UNTOUCHED, crop: { left: 0, top: 0, width: 0.9, height: 1 } }));
  });

  it("a quarter turn changes the sides, two do not", () => {
    assert.deepEqual(turnedSize(source, 1), { width: 3_000, height: 4_000 });
    assert.deepEqual(turnedSize(source, 2), source);
  });

  it("C1: what is drawn is at most 1,600 px, never enlarged, of the crop's shape", () => {
    const whole = frameOf(source, UNTOUCHED);
    assert.deepEqual(whole.size, { width: LONGEST, height: 1_200 });
    assert.deepEqual(frameOf({ width: 100, height: 50 }, UNTOUCHED).size, { width: 100, height: 50 });
    const crop = centredCrop(source, 1, 1);
    const square = frameOf(source, { turns: 1, crop });
    assert.deepEqual(square.size, { width: LONGEST, height: LONGEST });
    assert.deepEqual(square.part, { left: 0, top: 500, width: 3_000, height: 3_000 });
  });

  it("a crop of any shape lies within the picture", () => {
    const side = fc.integer({ min: 1, max: 12_000 });
    fc.assert(
      fc.property(side, side, fc.double({ min: 0.1, max: 10, noNaN: true }), (width, height, aspect) => {
        const { left, top, width: wide, height: tall } = centredCrop({ width, height }, 0, aspect);
        assert.ok(left >= 0 && top >= 0 && left + wide <= 1 + 1e-9 && top + tall <= 1 + 1e-9);
        assert.ok(Math.abs((wide * width) / (tall * height) / aspect - 1) < 1e-6);
      }),
    );
  });
});

describe("a chosen file", () => {
  const file = (text: string, size = 1_000) => ({ size, head: Buffer.from(text, "latin1") });
  const heic = file("\0\0\0\x18ftypheic\0\0\0\0mif1heic");

  it("C1: pictures that the arena takes", () => {
    assert.equal(kindOf(Buffer.from("\xff\xd8\xff\xe0", "latin1")), "jpeg");
    assert.equal(kindOf(Buffer.from("\x89PNG\r\n", "latin1")), "png");
    assert.equal(kindOf(Buffer.from("RIFF\0\0\0\0WEBPVP8 ", "latin1")), "webp");
    assert.deepEqual(checkPicture(file("\x89PNG\r\n")), { ok: true, mustShrink: false });
  });

  it("C1: what it does not take is said with a way out, before anything is sent", () => {
    for (const [one, about] of [
      [heic, /HEIC/],
      [file("\0\0\0\x1cftypavif"), /AVIF/],
      [file("<svg xmlns="), /SVG/],
      [file("%PDF-1.7"), /not a JPEG/],
      [file("", 0), /empty/],
      [file("GIF89a", 11e6), /GIF is larger/],
      [file("\x89PNG", 90e6), /80 MB/],
    ] as const) {
      const check = checkPicture(one);
      assert.ok(!check.ok && about.test(check.sentence) && check.advice.length > 10, JSON.stringify(check));
    }
  });

  it("C1: a large photo is made smaller, an animation is told about", () => {
    const large = checkPicture(file("\xff\xd8\xff", 14e6));
    assert.ok(large.ok && large.mustShrink && /smaller/.test(large.note ?? ""));
    const moving = checkPicture(file("GIF89a"));
    assert.ok(moving.ok && /first frame/.test(moving.note ?? ""));
  });
});
