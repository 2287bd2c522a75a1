/**
 * The one thing a picture shows, if there is one: its people, or else what stands out.
 * Owns: its outline, and the decision whether it is clear enough to be cut out.
 * Does not own: saliency, finding people, what is made of the cut-out.
 */
import { grow, signedDistance } from "./distance.ts";
import { type Field, gaussianBlur, guidedFilter, mapField, resizeField } from "./fields.ts";
import { type LabFields, labOf, longestSide, luminance, type Picture, shrinkPicture } from "./picture.ts";
import { fillEnclosed, findRegions, maskOf } from "./regions.ts";
import { saliencyOf } from "./saliency.ts";

export interface Subject {
  /** Clear enough to be cut out of its background. */
  readonly isClear: boolean;
  /** Signed distance to its outline in longest sides of the picture, positive within; smooth. */
  readonly outline: Field;
  /** 0..1, follows the picture's edges. */
  readonly saliency: Field;
  readonly evidence: SubjectEvidence;
}

/** What the decision was made on. */
export interface SubjectEvidence {
  /** Share of the picture it covers. */
  readonly area: number;
  /** Mean saliency within less that outside. */
  readonly confidence: number;
  /** Share of the left, right and top border it touches. */
  readonly border: number;
  /** Share of its outline that lies on a real edge of colour. */
  readonly onEdge: number;
  /** Outline squared over area; 1 is a circle. */
  readonly raggedness: number;
  /** What cuts with a lower and a higher threshold have in common, over what either has: a clear thing ends sharply. */
  readonly stability: number;
}

const SEARCH_SIDE = 220;
const REFINED_SIDE = 440;
const OUTLINE_SIDE = 512;
/** Morphology in samples at the search size: close gaps, drop whiskers, grow back. */
const CLOSING = 2.5;
const OPENING = 3.2;
const REGROWTH = 0.8;
/** The outline is smoothed by this share of the longest side. */
const OUTLINE_SMOOTHING = 1 / 260;
/** People cover at least and at most this share of a picture, and the unclear part is small beside them. */
const LEAST_PEOPLE = 0.03;
const MOST_PEOPLE = 0.8;
const MOST_DOUBT = 0.3;
/** Thresholds of the cuts that are compared, over the chosen one. */
const LOWER = 0.75;
const HIGHER = 1.25;
const EDGE_CONTRAST = 0.17;
const EDGE_REACH = 3;

/**
 * `picture` without its captions; `people` is 0..1 where people are, of any size. A picture of one colour has an outline
 * that encloses nothing.
 */
export async function findSubject(picture: Picture, people: Field): Promise<Subject> {
  const small = await shrinkPicture(picture, SEARCH_SIDE);
  const lab = labOf(small);
  const persons = resizeField(people, small.width, small.height);
  const group = peopleMask(persons);
  if (group) {
    return {
      isClear: true,
      outline: await refineOutline(group, picture),
      saliency: persons,
      evidence: { ...weigh(group, persons, lab), stability: 1 },
    };
  }
  const saliency = saliencyOf(lab);
  const mask = cutOut(saliency);
  const stability = overlap(cutOut(saliency, LOWER), cutOut(saliency, HIGHER));
  const evidence = { ...weigh(mask, saliency, lab), stability };
  return {
    isClear: isClear(evidence),
    outline: await refineOutline(mask, picture),
    saliency: guidedFilter(gaussianBlur(lab.light, 1), saliency, 6, 0.004),
    evidence,
  };
}

/** The people in a picture as a mask; undefined where there are none, or it is not clear where they end. */
function peopleMask(persons: Field): Field | undefined {
  const samples = persons.data.length;
  const certain = mapField(persons, (value) => (value > 0.5 ? 1 : 0));
  const regions = findRegions(certain);
  const largest = Math.max(0, ...regions.list.map(({ area }) => area));
  const kept = maskOf(certain, regions, ({ area }) => area > Math.max(samples * 0.008, largest * 0.1));
  let area = 0;
  let doubt = 0;
  for (let i = 0; i < samples; i++) {
    if (kept.data[i]! > 0.5) area++;
    if (persons.data[i]! > 0.15 && persons.data[i]! < 0.85) doubt++;
  }
  if (area < samples * LEAST_PEOPLE || area > samples * MOST_PEOPLE || doubt > area * MOST_DOUBT)
    return undefined;
  return fillEnclosed(kept, samples * 0.01);
}

/** The gate. Its numbers were tuned by eye on few pictures; in doubt a relief looks better than a bad cut-out. */
function isClear(evidence: SubjectEvidence): boolean {
  const { area, confidence, border, onEdge, raggedness, stability } = evidence;
  if (area < 0.035 || area > 0.62 || stability < 0.7) return false;
  if (confidence < 0.55 || border > 0.22 || onEdge < 0.8) return false;
  return raggedness < (onEdge > 0.95 ? 9 : 6.5);
}

/** The salient regions as a mask: thresholded, smoothed, without crumbs and pinholes. */
function cutOut(saliency: Field, factor = 1): Field {
  const threshold = otsuThreshold(saliency) * factor;
  const salient = mapField(saliency, (value) => (value > threshold ? 1 : 0));
  const opened = grow(grow(grow(salient, CLOSING), -OPENING), REGROWTH);
  const regions = findRegions(opened);
  const largest = Math.max(0, ...regions.list.map(({ area }) => area));
  const samples = saliency.data.length;
  const kept = maskOf(opened, regions, ({ area }) => area > Math.max(samples * 0.012, largest * 0.12));
  return fillEnclosed(kept, samples * 0.05);
}

/** The value that parts the samples into the two most different groups. */
function otsuThreshold(field: Field): number {
  const bins = 128;
  const histogram = new Float64Array(bins);
  for (const value of field.data) {
    const bin = Math.min(bins - 1, Math.floor(value * (bins - 1)));
    histogram[bin] = histogram[bin]! + 1;
  }
  const total = field.data.length;
  const sum = histogram.reduce((acc, count, bin) => acc + count * bin, 0);
  let below = 0;
  let sumBelow = 0;
  let best = { variance: 0, bin: bins / 2 };
  for (let bin = 0; bin < bins; bin++) {
    below += histogram[bin]!;
    sumBelow += bin * histogram[bin]!;
    if (below === 0 || below === total) continue;
    const apart = sumBelow / below - (sum - sumBelow) / (total - below);
    const variance = below * (total - below) * apart ** 2;
    if (variance > best.variance) best = { variance, bin };
  }
  return best.bin / (bins - 1);
}

/** Follows the picture's own edges at twice the search size, then measures the distance to the outline. */
async function refineOutline(mask: Field, picture: Picture): Promise<Field> {
  const finer = await shrinkPicture(picture, REFINED_SIDE);
  const upscaled = resizeField(mask, finer.width, finer.height);
  const refined = gaussianBlur(guidedFilter(luminance(finer), upscaled, 5, 0.0006), 0.8);
  const scale = OUTLINE_SIDE / longestSide(refined);
  const width = Math.round(refined.width * scale);
  const height = Math.round(refined.height * scale);
  const distance = signedDistance(resizeField(refined, width, height));
  const smooth = gaussianBlur(distance, OUTLINE_SIDE * OUTLINE_SMOOTHING);
  return mapField(smooth, (value) => value / OUTLINE_SIDE);
}

/** What two masks have in common, over what either has; 0 for two empty ones. */
function overlap(a: Field, b: Field): number {
  let both = 0;
  let either = 0;
  for (let i = 0; i < a.data.length; i++) {
    const [inA, inB] = [a.data[i]! > 0.5, b.data[i]! > 0.5];
    if (inA && inB) both++;
    if (inA || inB) either++;
  }
  return both / Math.max(1, either);
}

function weigh(mask: Field, saliency: Field, lab: LabFields): Omit<SubjectEvidence, "stability"> {
  const samples = mask.data.length;
  let area = 0;
  let within = 0;
  let outside = 0;
  for (let i = 0; i < samples; i++) {
    if (mask.data[i]! > 0.5) {
      area++;
      within += saliency.data[i]!;
    } else outside += saliency.data[i]!;
  }
  const outline = traceOutline(mask, lab);
  return {
    area: area / samples,
    confidence: within / Math.max(1, area) - outside / Math.max(1, samples - area),
    border: borderShare(mask),
    onEdge: outline.onEdge / Math.max(1, outline.length),
    raggedness: outline.length ** 2 / (4 * Math.PI * Math.max(1, area)),
  };
}

function borderShare({ width, height, data }: Field): number {
  let touched = 0;
  for (let y = 0; y < height; y++) touched += data[y * width]! + data[y * width + width - 1]!;
  for (let x = 0; x < width; x++) touched += data[x]!;
  return touched / (2 * height + width);
}

/** Length of the outline in samples, and how many of them lie on an edge; where it meets the bottom is free. */
function traceOutline(mask: Field, lab: LabFields): { length: number; onEdge: number } {
  const { width, height, data } = mask;
  let length = 0;
  let onEdge = 0;
  for (let y = 0; y < height - 5; y++) {
    for (let x = 0; x < width - 1; x++) {
      const i = y * width + x;
      if (data[i] === data[i + 1] && data[i] === data[i + width]) continue;
      length++;
      if (contrastAt(lab, x, y) > EDGE_CONTRAST) onEdge++;
    }
  }
  return { length, onEdge };
}

/** Range of Lab over a small cross. */
function contrastAt({ light, greenRed, blueYellow }: LabFields, x: number, y: number): number {
  return Math.hypot(rangeAt(light, x, y), rangeAt(greenRed, x, y), rangeAt(blueYellow, x, y));
}

function rangeAt({ width, height, data }: Field, x: number, y: number): number {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  const see = (value: number): void => {
    low = Math.min(low, value);
    high = Math.max(high, value);
  };
  for (let step = -EDGE_REACH; step <= EDGE_REACH; step++) {
    if (x + step >= 0 && x + step < width) see(data[y * width + x + step]!);
    if (y + step >= 0 && y + step < height) see(data[(y + step) * width + x]!);
  }
  return high - low;
}
