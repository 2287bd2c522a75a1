/**
 * The words on a meme.
 * Owns: finding letters (white with a dark outline, dark on a light band, or lettering.ts) and their exact mask.
 * Does not own: reading them, removing them from the picture, their mesh.
 */
import { signedDistance } from "./distance.ts";
import { boxBlur, createField, type Field, mapField, resizeField } from "./fields.ts";
import { findLettering } from "./lettering.ts";
import { longestSide, type Picture, shrinkPicture } from "./picture.ts";
import { findRegions, maskOf, type Region, type Regions } from "./regions.ts";

/**
 * `raised`: classic captions, which become solid letters. `printed`: dark letters on a light band; too thin for
 * that, they stay printed on the surface.
 */
export interface Captions {
  readonly kind: "none" | "printed" | "raised";
  /** 1 on letters with their outline, else 0; as large as the picture. */
  readonly mask: Field;
}

/** Letters are searched at this longest side, pixels. */
const SEARCH_SIDE = 512;
/** Captions stand in the upper and lower third or so. */
const ZONE = 0.34;
const MIN_PRINTED_LETTERS = 6;
const MIN_LETTERS_IN_ROW = 3;
const MUCH_LARGER = 4;
/** Letters without an outline are solids from this height on, share of the longest side; smaller ones would be wires. */
const LEAST_RAISED = 0.032;
/** Reach of a letter's outline from its core, and of the soft rim that is always its own, of the longest side. */
const OUTLINE = 1 / 150;
const SOFT_RIM = 1 / 410;
const PRINT_RIM = 1 / 640;

interface Tones {
  readonly white: Field;
  readonly light: Field;
  readonly dark: Field;
  readonly black: Field;
}

export async function findCaptions(picture: Picture): Promise<Captions> {
  const small = await shrinkPicture(picture, SEARCH_SIDE);
  const tones = tonesOf(small);
  const printed = printedLetters(tones);
  const cores = outlinedLetters(tones);
  // The insides of dark letters look like light ones with an outline, and the other way round: the ink is the larger part.
  const isOutlined = cores && (!printed || areaOf(cores) > MUCH_LARGER * areaOf(printed));
  if (isOutlined) return { kind: "raised", mask: outlinedMask(cores, picture) };
  const lettering = findLettering(small);
  if (printed) {
    const all = lettering
      ? mapField(printed, (value, i) => Math.max(value, lettering.mask.data[i]!))
      : printed;
    return { kind: "printed", mask: printedMask(all, picture) };
  }
  if (!lettering) return { kind: "none", mask: createField(picture.width, picture.height) };
  const kind = lettering.tall > LEAST_RAISED ? "raised" : "printed";
  return { kind, mask: printedMask(lettering.mask, picture) };
}

const areaOf = ({ data }: Field): number => data.reduce((sum, value) => sum + value, 0);

function tonesOf({ width, height, data }: Picture): Tones {
  const tones = {
    white: createField(width, height),
    light: createField(width, height),
    dark: createField(width, height),
    black: createField(width, height),
  };
  for (let i = 0; i < width * height; i++) {
    const low = Math.min(data[i * 3]!, data[i * 3 + 1]!, data[i * 3 + 2]!);
    const high = Math.max(data[i * 3]!, data[i * 3 + 1]!, data[i * 3 + 2]!);
    if (low > 205 && high - low < 42) tones.white.data[i] = 1;
    if (low > 215) tones.light.data[i] = 1;
    if (high < 110) tones.dark.data[i] = 1;
    if (high < 70) tones.black.data[i] = 1;
  }
  return tones;
}

/** The cores of white letters whose outline is dark nearly all round; undefined when there is no row of them. */
function outlinedLetters({ white, black }: Tones): Field | undefined {
  const { width, height } = white;
  const nearBlack = boxBlur(black, Math.max(2, Math.round(longestSide(white) / 170)));
  const regions = findRegions(white);
  const outlined = rimShare(white, regions, (i) => nearBlack.data[i]! > 0.18);
  const candidates = regions.list.filter((region) => {
    const { tall, wide } = sizeOf(region);
    const fits = tall > height * 0.018 && tall < height * 0.2 && wide < width * 0.3 && region.area > tall;
    return fits && inZone(region, height) && outlined[region.id]! > 0.72;
  });
  const letters = new Set(candidates.filter((region) => isInRow(region, candidates)));
  return letters.size === 0 ? undefined : maskOf(white, regions, (region) => letters.has(region));
}

/** Dark letters on a plain light band; undefined when there are too few to be a text. */
function printedLetters({ dark, light }: Tones): Field | undefined {
  const { width, height } = dark;
  const reach = 2;
  const brightness = boxBlur(light, Math.max(3, Math.round(longestSide(dark) / 60)));
  const regions = findRegions(dark);
  const onLight = rimShare(dark, regions, (i) =>
    [-reach, reach, -reach * width, reach * width].some((step) => light.data[i + step] === 1),
  );
  const letters = new Set(
    regions.list.filter((region) => {
      const { tall, wide } = sizeOf(region);
      if (tall < height * 0.012 || tall > height * 0.12 || wide > width * 0.12) return false;
      const row = (region.top + region.bottom) >> 1;
      const column = (region.left + region.right) >> 1;
      const isOnBand = brightness.data[row * width + column]! > 0.45;
      return isOnBand && inZone(region, height) && onLight[region.id]! > 0.85;
    }),
  );
  return letters.size < MIN_PRINTED_LETTERS
    ? undefined
    : maskOf(dark, regions, (region) => letters.has(region));
}

/** For each region the share of its rim where `test` holds. */
function rimShare(mask: Field, { labels, list }: Regions, test: (index: number) => boolean): Float64Array {
  const { width, height } = mask;
  const rim = new Float64Array(list.length);
  const passed = new Float64Array(list.length);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      const label = labels[i]!;
      if (label < 0) continue;
      const isInner =
        labels[i - 1] === label &&
        labels[i + 1] === label &&
        labels[i - width] === label &&
        labels[i + width] === label;
      if (isInner) continue;
      rim[label] = rim[label]! + 1;
      if (test(i)) passed[label] = passed[label]! + 1;
    }
  }
  return passed.map((count, label) => count / Math.max(1, rim[label]!));
}

function sizeOf({ left, top, right, bottom }: Region): { tall: number; wide: number } {
  return { tall: bottom - top + 1, wide: right - left + 1 };
}

function inZone({ top, bottom }: Region, height: number): boolean {
  const middle = (top + bottom) / 2;
  return middle < height * ZONE || middle > height * (1 - ZONE);
}

/** A letter has at least two others of about its height beside it. */
function isInRow(region: Region, others: readonly Region[]): boolean {
  const { tall } = sizeOf(region);
  const middle = (region.top + region.bottom) / 2;
  const inLine = others.filter((other) => {
    const otherTall = sizeOf(other).tall;
    const offset = Math.abs((other.top + other.bottom) / 2 - middle);
    return offset < tall * 0.6 && otherTall > tall * 0.5 && otherTall < tall * 2;
  });
  return inLine.length >= MIN_LETTERS_IN_ROW;
}

/** Core and outline at full size: the outline is what is dark near a core. */
function outlinedMask(cores: Field, picture: Picture): Field {
  const distance = distanceAt(cores, picture);
  const side = longestSide(picture);
  return mapField(distance, (value, i) => {
    if (value > -SOFT_RIM * side) return 1;
    if (value < -OUTLINE * side) return 0;
    const brightest = Math.max(picture.data[i * 3]!, picture.data[i * 3 + 1]!, picture.data[i * 3 + 2]!);
    return brightest < 120 ? 1 : 0;
  });
}

function printedMask(letters: Field, picture: Picture): Field {
  const rim = PRINT_RIM * longestSide(picture);
  return mapField(distanceAt(letters, picture), (value) => (value > -rim ? 1 : 0));
}

/** Signed distance to a mask found on the smaller picture, in pixels of the large one. */
function distanceAt(mask: Field, picture: Picture): Field {
  const scale = longestSide(picture) / longestSide(mask);
  const distance = resizeField(signedDistance(mask), picture.width, picture.height);
  return mapField(distance, (value) => value * scale);
}

/** What to remove from a picture to remove its raised letters: their mask and `reach` longest sides around it. */
export function captionHole({ mask }: Captions, reach: number): Field {
  const small = Math.min(1, SEARCH_SIDE / longestSide(mask));
  const shrunk = resizeField(mask, Math.ceil(mask.width * small), Math.ceil(mask.height * small));
  const grown = boxBlur(shrunk, Math.max(2, Math.round(longestSide(shrunk) * reach)));
  return mapField(grown, (value) => (value > 0.02 ? 1 : 0));
}
