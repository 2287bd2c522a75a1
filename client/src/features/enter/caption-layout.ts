/**
 * Where the words of a meme stand: classic captions, centred, at the top and the bottom. Pure.
 * Owns: wrapping, size, position. Does not own: drawing, the font (its widths are passed in).
 */

export interface CaptionLine {
  text: string;
  /** Middle of the line, px. */
  x: number;
  /** Baseline, px. */
  y: number;
}

export interface CaptionLayout {
  lines: CaptionLine[];
  /** Height of the font, px. */
  size: number;
  /** Width of the outline's stroke, half of it outside the letter, px. */
  outline: number;
}

export interface CaptionBox {
  /** Of the picture, px. */
  width: number;
  height: number;
  at: "top" | "bottom";
  /** Width of `text` at a font height of `size`, px. */
  measure(text: string, size: number): number;
}

/** Of the picture's width. */
const LINE_WIDTH = 0.94;
/** Of the picture's height: the words stay in the upper and the lower third, where they become solid letters. */
const MOST_HEIGHT = 0.3;
/** Of the shorter side, the largest letters; of the longer side, the smallest. */
const LARGEST = 0.15;
const SMALLEST = 0.032;
const LEADING = 1.12;
/** Above the baseline, of the font's height. */
const CAPITALS = 0.86;
const MARGIN = 0.03;
const SHRINK = 0.94;
/** Outside the letter: what the transformer takes for its outline, of the longer side. */
const OUTLINE = 1 / 150;

/** The largest letters in which the text fits; a text too long even for the smallest is cut with an ellipsis. */
export function layoutCaption(text: string, box: CaptionBox): CaptionLayout {
  const { width, height } = box;
  const smallest = SMALLEST * Math.max(width, height);
  let size = Math.max(smallest, LARGEST * Math.min(width, height));
  let lines = wrap(text, size, box);
  while (size > smallest && lines.length * size * LEADING > MOST_HEIGHT * height) {
    size = Math.max(smallest, size * SHRINK);
    lines = wrap(text, size, box);
  }
  const most = Math.max(1, Math.floor((MOST_HEIGHT * height) / (size * LEADING)));
  if (lines.length > most) lines = [...lines.slice(0, most - 1), `${lines[most - 1]}…`];
  return {
    lines: place(lines, size, box),
    size,
    outline: Math.max(1, 2 * Math.max(width, height) * OUTLINE),
  };
}

function place(lines: readonly string[], size: number, { width, height, at }: CaptionBox): CaptionLine[] {
  const margin = MARGIN * height;
  const first =
    at === "top"
      ? margin + size * CAPITALS
      : height - margin - (lines.length - 1) * size * LEADING - size * (1 - CAPITALS) * 0.3;
  return lines.map((text, k) => ({ text, x: width / 2, y: first + k * size * LEADING }));
}

/** Lines no wider than the box; a word that is wider alone is broken. Line breaks of the text count. */
function wrap(text: string, size: number, { width, measure }: CaptionBox): string[] {
  const most = width * LINE_WIDTH;
  const fits = (line: string): boolean => measure(line, size) <= most;
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(/\s+/).flatMap((each) => broken(each, fits))) {
      const longer = line === "" ? word : `${line} ${word}`;
      if (line === "" || fits(longer)) line = longer;
      else {
        lines.push(line);
        line = word;
      }
    }
    if (line !== "") lines.push(line);
  }
  return lines;
}

function broken(word: string, fits: (text: string) => boolean): string[] {
  if (word === "" || fits(word)) return word === "" ? [] : [word];
  const parts: string[] = [];
  let part = "";
  for (const character of word) {
    if (part !== "" && !fits(part + character)) {
      parts.push(part);
      part = "";
    }
    part += character;
  }
  return [...parts, part];
}
