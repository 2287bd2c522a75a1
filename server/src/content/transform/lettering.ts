/**
 * Letters of one colour on a smooth ground: a quote, a post, a sign.
 * Owns: finding them anywhere in a picture. Does not own: captions with an outline (captions.ts), what becomes of them.
 */
import { boxBlur, type Field, mapField } from "./fields.ts";
import { longestSide, luminance, type Picture } from "./picture.ts";
import { findRegions, maskOf, type Region, type Regions } from "./regions.ts";

export interface Lettering {
  /** 1 on letters; of the picture's size. */
  readonly mask: Field;
  /** Of the median letter, share of the picture's longest side. */
  readonly tall: number;
}

/** How much a letter differs from the mean around it, brightness 0..1. */
const CONTRAST = 0.16;
const LEAST_LETTERS = 8;
const LEAST_IN_ROW = 4;
/** Deviation of the brightness within a letter (its soft edge is part of it), and on the ground around it. */
const MOST_WITHIN = 0.2;
const MOST_AROUND = 0.06;
/** Letters of a row have one colour, brightness 0..1. */
const ROW_TOLERANCE = 0.12;

interface Letter {
  readonly region: Region;
  readonly tall: number;
  readonly middle: number;
  readonly brightness: number;
}

/** `picture` is best about 512 pixels large. Undefined when there are too few letters to be a text. */
export function findLettering(picture: Picture): Lettering | undefined {
  const light = luminance(picture);
  const around = boxBlur(light, Math.max(4, Math.round(longestSide(picture) / 22)));
  const texts = [1, -1].map((sign) => lettersOf(light, around, sign));
  const [text] = texts.sort((a, b) => b.letters.length - a.letters.length);
  if (!text || text.letters.length < LEAST_LETTERS) return undefined;
  const chosen = new Set(text.letters.map(({ region }) => region));
  for (const region of text.regions.list) {
    if (text.letters.some((letter) => isMarkOf(letter, region))) chosen.add(region);
  }
  const sizes = text.letters.map(({ tall }) => tall).sort((a, b) => a - b);
  return {
    mask: maskOf(text.core, text.regions, (region) => chosen.has(region)),
    tall: sizes[sizes.length >> 1]! / longestSide(picture),
  };
}

/** `sign` 1 looks for letters lighter than their ground, -1 for darker ones. */
function lettersOf(light: Field, around: Field, sign: number) {
  const core = mapField(light, (value, i) => ((value - around.data[i]!) * sign > CONTRAST ? 1 : 0));
  const regions = findRegions(core);
  const within = statistics(light, regions);
  const candidates = regions.list.flatMap((region): Letter[] => {
    const tall = region.bottom - region.top + 1;
    const { mean, deviation } = within[region.id]!;
    if (!hasLetterShape(region, light) || deviation > MOST_WITHIN) return [];
    if (groundDeviation(light, core, region) > MOST_AROUND) return [];
    return [{ region, tall, middle: (region.top + region.bottom) / 2, brightness: mean }];
  });
  return { core, regions, letters: candidates.filter((letter) => isInRow(letter, candidates)) };
}

function hasLetterShape({ left, right, top, bottom, area }: Region, { width, height }: Field): boolean {
  const tall = bottom - top + 1;
  const wide = right - left + 1;
  if (tall < Math.max(4, height * 0.012) || tall > height * 0.16 || wide > width * 0.25) return false;
  const filled = area / (tall * wide);
  return filled > 0.15 && wide < tall * 6;
}

function isInRow(letter: Letter, others: readonly Letter[]): boolean {
  const row = others.filter(
    ({ tall, middle, brightness }) =>
      Math.abs(middle - letter.middle) < letter.tall * 0.6 &&
      tall > letter.tall * 0.45 &&
      tall < letter.tall * 2.2 &&
      Math.abs(brightness - letter.brightness) < ROW_TOLERANCE,
  );
  return row.length >= LEAST_IN_ROW;
}

/** The dot of an i, a comma, a quotation mark: small, and close to a letter. */
function isMarkOf({ region: letter, tall }: Letter, { left, right, top, bottom }: Region): boolean {
  const isSmall = bottom - top < tall * 0.6 && right - left < tall;
  const isBeside = left < letter.right + tall * 0.6 && right > letter.left - tall * 0.6;
  return isSmall && isBeside && top > letter.top - tall * 0.6 && bottom < letter.bottom + tall * 0.4;
}

function statistics({ data }: Field, { labels, list }: Regions): { mean: number; deviation: number }[] {
  const sums = new Float64Array(list.length);
  const squares = new Float64Array(list.length);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label < 0) continue;
    sums[label] = sums[label]! + data[i]!;
    squares[label] = squares[label]! + data[i]! ** 2;
  }
  return list.map(({ id, area }) => {
    const mean = sums[id]! / area;
    return { mean, deviation: Math.sqrt(Math.max(0, squares[id]! / area - mean ** 2)) };
  });
}

/** Deviation of the brightness on the box around a letter, a little away from it, other letters left out. */
function groundDeviation(light: Field, core: Field, { left, right, top, bottom }: Region): number {
  const reach = 3;
  const near = boxAround(light, {
    left: left - reach,
    right: right + reach,
    top: top - reach,
    bottom: bottom + reach,
  });
  let count = 0;
  let sum = 0;
  let squares = 0;
  for (const i of near) {
    if (core.data[i]! > 0.5 || core.data[i - 1]! > 0.5 || core.data[i + 1]! > 0.5) continue;
    count++;
    sum += light.data[i]!;
    squares += light.data[i]! ** 2;
  }
  if (count < 6) return Number.POSITIVE_INFINITY;
  return Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
}

/** The samples on a box's four sides, as far as they are in the field. */
function boxAround(
  { width, height }: Field,
  box: { left: number; right: number; top: number; bottom: number },
): number[] {
  const out: number[] = [];
  const add = (x: number, y: number): void => {
    if (x >= 0 && y >= 0 && x < width && y < height) out.push(y * width + x);
  };
  for (let x = box.left; x <= box.right; x++) {
    add(x, box.top);
    add(x, box.bottom);
  }
  for (let y = box.top + 1; y < box.bottom; y++) {
    add(box.left, y);
    add(box.right, y);
  }
  return out;
}
