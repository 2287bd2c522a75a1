/**
 * Judges titles and chat lines (C2, R10). Owns: seeing a word through spacing, punctuation, look-alike letters,
 * digits for letters and repetition, and sparing the words that only contain one. Does not own: the lists (words.ts),
 * text inside pictures (nobody reads that).
 */
import { resolveConfusablesTransformer } from "obscenity";
import type { Verdict } from "./scores.ts";
import { PHRASES, SPARED, SPLIT, WORDS, type Word, type WordLevel } from "./words.ts";

export interface TextVerdict {
  verdict: Verdict;
  /** Of the worst word in it; absent when approved. */
  level?: WordLevel;
}

const INFLECTION = "(?:s|es|z|ed|er|ers|in|ing|ings|y|head|face|hole)?";
const SUBSTITUTES: Readonly<Record<string, string>> = {
  "0": "o",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "8": "b",
  "9": "g",
  "@": "a",
  $: "s",
  "€": "e",
  "£": "l",
  "+": "t",
};
/** In slurs, letters that are drawn alike count as one. */
const ALIKE: Readonly<Record<string, string>> = { i: "[il]", g: "[gq]" };
/** More parts than this are no word written apart. */
const MAX_PARTS = 12;

/** `aa` of a word stands for two or more, `a` for one or more. */
function lettersOf(word: string, level: WordLevel): string {
  return [...word.matchAll(/(.)\1*/g)]
    .map(([run, letter = ""]) => {
      const one = level === "reject" ? (ALIKE[letter] ?? letter) : letter;
      return run.length > 1 ? `${one}{${run.length},}` : `${one}+`;
    })
    .join("");
}

const wholeOf = ({ word, level }: Word): string => `^${lettersOf(word, level)}${INFLECTION}$`;

function patternOf(one: Word): string {
  if (one.where === "word") return wholeOf(one);
  return `${one.where === "start" ? "^" : ""}${lettersOf(one.word, one.level)}`;
}

const levelIn = (word: string, { reject, review }: Record<WordLevel, RegExp>): WordLevel | undefined =>
  reject.test(word) ? "reject" : review.test(word) ? "review" : undefined;

const alternatives = (patterns: readonly string[]) => new RegExp(patterns.join("|") || "(?!)");

/** One expression for all words of a level: a line of chat is searched for them at many places. */
function searching(patternOf: (word: Word) => string, from: readonly Word[]): Record<WordLevel, RegExp> {
  const of = (level: WordLevel) => alternatives(from.filter((one) => one.level === level).map(patternOf));
  return { reject: of("reject"), review: of("review") };
}

const inside = searching(patternOf, WORDS);
const whole = searching(wholeOf, WORDS);
const split = searching(
  wholeOf,
  WORDS.filter(({ word }) => SPLIT.includes(word)),
);
const spared = new RegExp(SPARED.map((word) => `\\b${word}`).join("|"), "g");
const confusable = resolveConfusablesTransformer();

/**
 * C2, R10: whether a text may be shown. `rejected` for slurs and threats, `review` for crude words.
 * Where no letter is Latin, a word is only seen in look-alikes: a moderator tells it from a word of that language.
 */
export function judgeText(text: string): TextVerdict {
  const level = levelOf(text);
  if (level === undefined) return { verdict: "approved" };
  const shown = text.normalize("NFKC");
  const foreign = /\p{L}/u.test(shown) && !/\p{Script=Latin}/u.test(shown);
  return { verdict: level === "reject" && !foreign ? "rejected" : "review", level };
}

function levelOf(text: string): WordLevel | undefined {
  const plain = unify(text).replaceAll(spared, " ");
  let found: WordLevel | undefined;
  for (const reading of new Set([plain, plain.replaceAll(/[1!|]/g, "l"), plain.replaceAll("ph", "f")])) {
    const tokens = reading.split(/\s+/).filter((token) => token !== "");
    const level = worse(inPhrases(tokens), worse(inTokens(tokens), inParts(tokens)));
    found = worse(found, level);
    if (found === "reject") return found;
  }
  return found;
}

/** Lower-case ASCII with single spaces: what a reader sees, whatever the characters behind it. */
function unify(text: string): string {
  const shown = text
    .normalize("NFKD")
    .replaceAll(/[\p{M}\p{Cf}\p{Cc}\u115f\u1160\u3164\uffa0]/gu, (char) => (/\s/.test(char) ? " " : ""))
    .replaceAll(/(?<=\p{L})['’`´](?=\p{L})/gu, "");
  let latin = "";
  for (const char of shown) {
    const code = char.codePointAt(0) ?? 0;
    const mapped = code < 128 ? code : (confusable.transform(code) ?? code);
    latin += String.fromCodePoint(mapped).toLowerCase();
  }
  return latin
    .replaceAll(/(?<![a-z0-9@$])[!|+]|[!|+](?![a-z0-9@$])/g, " ")
    .replaceAll(/[^a-z0-9@$€£!|+*]+/g, " ")
    .trim();
}

/** Digits and signs read as the letters they stand for; a number stays one. */
function spelled(token: string): string {
  if (!/[a-z]/.test(token)) return token;
  return token.replaceAll(/[1!|]/g, "i").replaceAll(/[^a-z*]/g, (sign) => SUBSTITUTES[sign] ?? "");
}

function inTokens(tokens: readonly string[]): WordLevel | undefined {
  let found: WordLevel | undefined;
  for (const token of tokens) {
    const word = spelled(token);
    found = worse(found, levelIn(word, inside));
    if (word.includes("*")) found = worse(found, masked(word));
  }
  return found;
}

/** A slur with stars in it is one; milder words are spared what their writer hid. */
function masked(word: string): WordLevel | undefined {
  if (word.replaceAll("*", "").length < 3) return undefined;
  const mask = new RegExp(`^${word.replaceAll("*", "[a-z]")}$`);
  return WORDS.some((one) => one.level === "reject" && mask.test(one.word)) ? "reject" : undefined;
}

function inPhrases(tokens: readonly string[]): WordLevel | undefined {
  const line = ` ${tokens.map(spelled).join(" ")} `.replaceAll(/([a-z])\1{2,}/g, "$1");
  return PHRASES.find(({ phrase }) => line.includes(` ${phrase} `))?.level;
}

/**
 * Words written apart. Letters that stand alone, three or more in a row, are read as one word; other neighbours
 * count when together they are a listed word and nothing else.
 */
function inParts(tokens: readonly string[]): WordLevel | undefined {
  let found: WordLevel | undefined;
  const isLetter = (at: number): boolean => tokens[at]?.length === 1;
  for (let from = 0; from < tokens.length; from++) {
    if (isLetter(from) && !isLetter(from - 1)) {
      let end = from;
      while (isLetter(end)) end++;
      if (end - from >= 3) found = worse(found, inTokens([tokens.slice(from, end).join("")]));
    }
    let joined = tokens[from] ?? "";
    let letters = isLetter(from) ? 1 : 0;
    for (let to = from + 1; to < Math.min(tokens.length, from + MAX_PARTS); to++) {
      joined += tokens[to];
      if (isLetter(to)) letters++;
      const count = to - from + 1;
      const level = levelIn(spelled(joined), letters > 0 ? whole : split);
      // "That's hit", and words that are spelled out: p e a c o c k.
      if (level === "review" && (letters === count || (joined === "shit" && count === 2))) continue;
      found = worse(found, level);
    }
  }
  return found;
}

const worse = (a: WordLevel | undefined, b: WordLevel | undefined): WordLevel | undefined =>
  a === "reject" || b === "reject" ? "reject" : (a ?? b);
