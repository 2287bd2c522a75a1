/**
 * What a display name may be made of. Pure. Owns: its one written form, and which characters trick a reader. Does not own:
 * words nobody should read (moderation judges those), where names are kept.
 *
 * Names are not unique and decide nothing: money, roles and bindings follow keys. What is refused here is what makes one
 * name look like another's or like nothing, breaks the line it stands in, or speaks for the house.
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";

/** Longest display name, in UTF-16 units of its NFC form. */
const MAX_NAME = 32;
/** Marks on one letter: Vietnamese, Hebrew and Thai need two, a few transcriptions three. */
const MAX_MARKS = 3;
/** Control, private, unassigned and lone surrogate characters, line breaks, and letters and symbols that show nothing. */
const FORBIDDEN = /[\p{Cc}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\u2800\ufff9-\ufffd]/u;
/** An emoji of several parts, as Unicode lists them; the one place where joiners, selectors and tags belong. */
const EMOJI = /^\p{RGI_Emoji}$/v;
/** Characters that are not drawn: joiners, direction marks, selectors, tags, fillers. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/u;
/** Joiners that spelling needs: between letters of Arabic script, or after a sign that joins in the Indic ones. */
const SPELLED =
  /(?<=\p{Script=Arabic})\u200c(?=\p{Script=Arabic})|(?<=[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d])[\u200c\u200d]/gu;

/** Words that would speak for the house. */
const RESERVED = new Set([
  "admin",
  "administrator",
  "auditor",
  "memerounds",
  "mod",
  "moderator",
  "official",
  "operator",
  "staff",
  "support",
  "system",
]);
/** Letters and digits that pass for others of the Latin alphabet. */
const LOOKALIKES: Record<string, string> = {
  "0": "o",
  "1": "i",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "@": "a",
  $: "s",
  "!": "i",
  "|": "i",
  l: "i",
  а: "a",
  е: "e",
  о: "o",
  р: "p",
  с: "c",
  у: "y",
  х: "x",
  і: "i",
  ї: "i",
  ј: "j",
  ѕ: "s",
  ԁ: "d",
  м: "m",
  т: "t",
  н: "h",
  к: "k",
  в: "b",
  ο: "o",
  α: "a",
  ε: "e",
  ι: "i",
  ρ: "p",
  τ: "t",
  ν: "v",
  υ: "u",
  κ: "k",
  ı: "i",
};

const lookOf = (text: string): string =>
  [...text.normalize("NFKD").toLowerCase().replace(/\p{M}/gu, "")]
    .map((sign) => LOOKALIKES[sign] ?? sign)
    .join("");

const RESERVED_LOOKS = new Set([...RESERVED].map(lookOf));

/** Whether a name, or a word of it, reads as one that speaks for the house. */
function speaksForTheHouse(name: string): boolean {
  const look = lookOf(name);
  const words = look.split(/[^\p{L}\p{N}]+/u);
  return [...words, words.join("")].some((word) => RESERVED_LOOKS.has(word));
}

/** The graphemes that are no emoji, joined: what is left must be plain text. */
function plainOf(name: string): string {
  const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" }).segment(name);
  return [...graphemes].flatMap(({ segment }) => (EMOJI.test(segment) ? [] : [segment])).join("");
}

/** Latin beside Cyrillic or Greek in one word: no language writes so, imitations do. */
const isMixed = (name: string): boolean =>
  name
    .split(/[^\p{L}\p{M}]+/u)
    .some((word) => /\p{Script=Latin}/u.test(word) && /[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(word));

const hasForbidden = (text: string): boolean => {
  const plain = plainOf(text);
  return FORBIDDEN.test(plain) || UNSEEN.test(plain.replaceAll(SPELLED, ""));
};

/** Why this is no name, in words; undefined when it is one. `name` is in its written form. */
function faultOf(name: string): string | undefined {
  const plain = plainOf(name);
  if (!/[\p{L}\p{N}\p{P}\p{S}]/u.test(name)) return "is empty";
  if (name.length > MAX_NAME) return `is longer than ${MAX_NAME} characters`;
  if (new RegExp(`\\p{M}{${MAX_MARKS + 1}}|^\\p{M}|\\p{Me}`, "u").test(plain))
    return "has too many marks on a letter";
  if (isMixed(name)) return "mixes alphabets within a word";
  return undefined;
}

/**
 * A display name in NFC, trimmed, runs of spaces made one. Throws BAD_REQUEST when it is longer than 32, has nothing
 * visible, or has what only serves to mislead; NAME_REFUSED when it speaks for the house.
 */
export function cleanName(raw: string): string {
  const name = raw
    .normalize("NFC")
    .replace(/\p{Zs}+/gu, " ")
    .trim();
  // As it was given: trimming would take some of them away unseen.
  const fault = hasForbidden(raw) ? "has a character that names cannot have" : faultOf(name);
  if (fault !== undefined) throw new CodedError("BAD_REQUEST", `body.name: ${fault}`);
  if (speaksForTheHouse(name)) throw new CodedError("NAME_REFUSED");
  return name;
}
