/** How a verification looks in a terminal (M10). Owns: marks, colours, columns. Does not own: any of what it says. */
import type { Verdict } from "@meme-rounds/shared-schema/verify-round";
import type { Check } from "@meme-rounds/shared-schema/verify-round-parts";

const ESC = String.fromCharCode(27);
const paint = (code: number, text: string, colour: boolean): string =>
  colour ? `${ESC}[${code}m${text}${ESC}[0m` : text;
const GREEN = 32;
const RED = 31;
const GREY = 90;
const BOLD = 1;
const TITLE = 44;

const markOf = ({ ok, absent }: Check): { mark: string; code: number } => {
  if (ok === true) return { mark: "✔", code: GREEN };
  if (ok === false) return { mark: "✘", code: RED };
  return { mark: absent ? "–" : "?", code: GREY };
};

/** "carriedIn" to "carried in". */
const worded = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const numbersOf = ({ numbers }: Check): string =>
  Object.entries(numbers)
    .map(
      ([name, value]) =>
        `${worded(name)} ${typeof value === "number" ? value.toLocaleString("en-GB") : value}`,
    )
    .join(" · ");

/** A check as lines of text. */
export function linesOf(check: Check, colour: boolean): string[] {
  const { mark, code } = markOf(check);
  const title = paint(check.ok === "skipped" ? GREY : BOLD, check.title.padEnd(TITLE), colour);
  const lines = [` ${paint(code, mark, colour)} ${title} ${paint(GREY, numbersOf(check), colour)}`.trimEnd()];
  if (check.reason !== undefined) lines.push(`     ${paint(code, check.reason, colour)}`);
  for (const detail of check.details) lines.push(paint(GREY, `     ${detail}`, colour));
  for (const txid of check.txids) lines.push(paint(GREY, `     ${txid}`, colour));
  return lines;
}

const LAST: Record<Verdict, { code: number; words: string }> = {
  green: { code: GREEN, words: "Everything that can be checked is right." },
  red: { code: RED, words: "Something is wrong: see the red rows." },
  incomplete: { code: GREY, words: "Nothing is wrong, but some of it cannot be checked yet." },
};

export const lastLine = (verdict: Verdict, colour: boolean): string =>
  paint(LAST[verdict].code, LAST[verdict].words, colour);
