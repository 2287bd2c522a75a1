/** Display names: which Unicode tricks are refused, and which names people really have. Rule I2, issue's attacks. */
import assert from "node:assert/strict";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import fc from "fast-check";
import { cleanName } from "../../src/auth/names.ts";

const codeOf = (name: string): string => {
  try {
    cleanName(name);
    return "taken";
  } catch (error) {
    assert.ok(error instanceof CodedError);
    return error.code;
  }
};

describe("display names", () => {
  const people = [
    "Ann",
    "player 3f2a91",
    "José Ñandú",
    "Nguyễn Thị Ánh",
    "Ольга",
    "Ελένη",
    "محمد",
    "می‌خواهم",
    "שָׁלוֹם",
    "क्षत्रिय",
    "สมชาย ที่รัก",
    "猫のミーム",
    "김민준",
    "🐸",
    "👩‍👩‍👧‍👦 family",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿 fan",
    "❤️ heart",
    "1️⃣ first",
    "O'Brien-Smith Jr.",
    "<b>bold</b>",
    "Robert'); DROP TABLE",
    "modest",
    "supporter",
    "__proto__",
    "Ann и Оля",
  ];
  for (const name of people)
    it(`I2: "${name}" is a name`, () => assert.equal(cleanName(name), name.normalize("NFC")));

  const tricks: [what: string, name: string, code: string][] = [
    ["right-to-left override", "exe.\u202egnp", "BAD_REQUEST"],
    ["a direction isolate", "a\u2066b\u2069", "BAD_REQUEST"],
    ["an Arabic letter mark", "a\u061cb", "BAD_REQUEST"],
    ["a zero-width space", "An\u200bn", "BAD_REQUEST"],
    ["a zero-width joiner between letters", "An\u200dn", "BAD_REQUEST"],
    ["a zero-width non-joiner between Latin letters", "An\u200cn", "BAD_REQUEST"],
    ["a word joiner", "An\u2060n", "BAD_REQUEST"],
    ["a byte-order mark", "An\ufeffn", "BAD_REQUEST"],
    ["a byte-order mark before it", "\ufeffAnn", "BAD_REQUEST"],
    ["a tab before it", "\tAnn", "BAD_REQUEST"],
    ["a soft hyphen", "An\u00adn", "BAD_REQUEST"],
    ["a variation selector on a letter", "A\ufe0fnn", "BAD_REQUEST"],
    ["tags behind a letter", "Ann\u{e0041}\u{e0042}", "BAD_REQUEST"],
    ["a Hangul filler", "\u3164", "BAD_REQUEST"],
    ["a half-width filler", "Ann\uffa0", "BAD_REQUEST"],
    ["a Mongolian vowel separator", "An\u180en", "BAD_REQUEST"],
    ["braille with no dot", "\u2800", "BAD_REQUEST"],
    ["a combining grapheme joiner", "A\u034fnn", "BAD_REQUEST"],
    ["nothing visible", "   ", "BAD_REQUEST"],
    ["nothing", "", "BAD_REQUEST"],
    ["NUL", "An\0n", "BAD_REQUEST"],
    ["a line break", "An\nn", "BAD_REQUEST"],
    ["a line separator", "An\u2028n", "BAD_REQUEST"],
    ["a lone surrogate", "An\ud83dn", "BAD_REQUEST"],
    ["a private character", "An\ue000n", "BAD_REQUEST"],
    ["a replacement character", "An\ufffdn", "BAD_REQUEST"],
    ["Zalgo", `Z${"\u0301\u0302\u0303\u0304\u0305"}algo`, "BAD_REQUEST"],
    ["a mark with no letter", "\u0301nn", "BAD_REQUEST"],
    ["an enclosing circle", "A\u20ddnn", "BAD_REQUEST"],
    ["a Cyrillic letter in a Latin word", "Аnn", "BAD_REQUEST"],
    ["a Greek letter in a Latin word", "Bοb", "BAD_REQUEST"],
    ["33 characters", "a".repeat(33), "BAD_REQUEST"],
    ["32 emoji with joiners", "👩‍👩‍👧‍👦".repeat(32), "BAD_REQUEST"],
    ["the house", "Admin", "NAME_REFUSED"],
    ["the house with a number", "4dm1n", "NAME_REFUSED"],
    ["the house among words", "Ann (Moderator)", "NAME_REFUSED"],
    ["the house with spaces", "Meme Rounds", "NAME_REFUSED"],
    ["the house letter by letter", "s u p p o r t", "NAME_REFUSED"],
    ["the house in bold of mathematics", "𝐀𝐝𝐦𝐢𝐧", "NAME_REFUSED"],
    ["the house in full width", "ａｄｍｉｎ", "NAME_REFUSED"],
    ["the house with an accent", "ádmin", "NAME_REFUSED"],
    ["the house in Cyrillic that looks so", "ѕтаff", "BAD_REQUEST"],
  ];
  for (const [what, name, code] of tricks)
    it(`I2: ${what} is refused`, () => assert.equal(codeOf(name), code));

  it("I2: whatever is given, a name is refused or is its own clean form, visible, and short", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (raw) => {
        let name: string;
        try {
          name = cleanName(raw);
        } catch (error) {
          return error instanceof CodedError;
        }
        return (
          cleanName(name) === name &&
          name.length > 0 &&
          name.length <= 32 &&
          !/[\p{Cc}\u202a-\u202e]/u.test(name)
        );
      }),
      { numRuns: 3_000 },
    );
  });
});
