/**
 * The shapes of a model: stage, relief, puffed subject, raised letters.
 * Owns: heights and outlines over the picture's grid. Does not own: colours, the frame, what stands where.
 *
 * Lengths are in longest sides of the picture; z points at the viewer, 0 is the frame's middle.
 */
import type { Captions } from "./captions.ts";
import { signedDistance } from "./distance.ts";
import {
  clamp,
  createField,
  type Field,
  fieldOf,
  gaussianBlur,
  mapField,
  maxOf,
  resizeField,
  smoothstep,
} from "./fields.ts";
import { extrude, type Mesh } from "./mesh.ts";
import { longestSide, luminance, type Picture, resizePicture } from "./picture.ts";
import type { Subject } from "./subject.ts";

/** How far the stage lies behind the frame's middle. */
export const STAGE_DEPTH = 0.13;
/** White edge of the cut-out, as of a sticker. */
const STICKER_EDGE = 0.014;
/** The stage is a little larger than the frame's opening, so that no gap shows. */
const STAGE_OVERLAP = 1.012;

const STAGE_GRID = 160;
const SURFACE_GRID = 288;
const LETTER_GRID = 768;
/** Puff of the subject, and the round of its edge in grid samples. */
const MAX_PUFF = 0.16;
const EDGE_ROUND = 2.2;
/** A letter's mask value at which its outline lies, and the round of its edge in grid samples. */
const LETTER_LEVEL = 0.35;
const LETTER_ROUND = 3.2;
const LETTER_EDGE = 0.012;
const LETTER_DEPTH = 0.03;
/** How far what stands out rises from a relief, and over which part of the grid its slopes run. */
const RELIEF_RISE = 0.12;
const RELIEF_SOFTNESS = 40;

/** Of a picture's sides, the longest being 1. */
export interface Proportions {
  readonly width: number;
  readonly height: number;
}

export function proportionsOf(picture: { width: number; height: number }): Proportions {
  const side = longestSide(picture);
  return { width: picture.width / side, height: picture.height / side };
}

/** The curved ground behind a cut-out subject. */
export async function stageMesh(picture: Picture): Promise<Mesh> {
  const detail = await detailOf(picture, STAGE_GRID);
  const heights = fieldOf(detail.width, detail.height, (x, y, i) => {
    const fromMiddle = Math.abs(x / (detail.width - 1) - 0.5) * 2;
    const floor = smoothstep(0.45, 1, y / (detail.height - 1)) * 0.1;
    return -STAGE_DEPTH + floor + fromMiddle ** 4 * 0.06 + detail.data[i]! * 0.008;
  });
  return ground(heights, picture);
}

/**
 * The whole picture as a domed bas-relief, for pictures without a clear subject. Under printed letters it is smooth:
 * a bent line cannot be read.
 */
export async function reliefHeights(picture: Picture, saliency: Field, captions: Captions): Promise<Field> {
  const detail = await detailOf(picture, SURFACE_GRID);
  const { width, height } = detail;
  const salient = gaussianBlur(resizeField(saliency, width, height), SURFACE_GRID / RELIEF_SOFTNESS);
  const print = captions.kind === "printed" ? lettersOver(captions, width, height) : undefined;
  return fieldOf(width, height, (x, y, i) => {
    const bends = print ? 1 - smoothstep(0, 0.12, print.data[i]!) : 1;
    const across = (x / (width - 1)) * 2 - 1;
    const down = (y / (height - 1)) * 2 - 1;
    const dome = (1 - across ** 4) * (1 - down ** 4);
    const raised = smoothstep(0.15, 0.85, salient.data[i]!) * Math.min(1, dome * 1.6);
    const lean = 0.03 * smoothstep(-0.2, 1, down);
    return -0.085 + 0.03 * dome + (RELIEF_RISE * raised + detail.data[i]! * 0.026 * dome) * bends + lean;
  });
}

/** A sheet of the given heights that fills the frame. */
export function ground(heights: Field, picture: Picture): Mesh {
  const { width, height } = proportionsOf(picture);
  return extrude({
    shape: createField(heights.width, heights.height, 1),
    front: heights,
    rimZ: 0,
    backZ: -STAGE_DEPTH,
    width: width * STAGE_OVERLAP,
    height: height * STAGE_OVERLAP,
  });
}

/** The subject as a puffed sticker, its height over the grid, and where it is (above 0). */
export async function subjectSolid(
  picture: Picture,
  subject: Subject,
  captions: Captions,
): Promise<{ mesh: Mesh; heights: Field; shape: Field }> {
  const detail = await detailOf(picture, SURFACE_GRID);
  const { width, height } = detail;
  const outline = resizeField(subject.outline, width, height);
  const shape = closeBorder(mapField(outline, (value) => (value + STICKER_EDGE) * SURFACE_GRID));
  const puff = puffOf(shape);
  const lettered = captions.kind === "raised" ? lettersOver(captions, width, height) : undefined;
  const edge = STICKER_EDGE * SURFACE_GRID;
  const heights = mapField(shape, (depth, i) => {
    const inner = smoothstep(edge, edge + SURFACE_GRID / 40, depth) * Math.min(1, depth / (edge + 3));
    // Under letters it stays low, or they would have to float far in front of it.
    const room = lettered ? 1 - 0.8 * clamp(lettered.data[i]! * 3.2) : 1;
    return 0.012 * rounded(depth / EDGE_ROUND) + (puff.data[i]! + detail.data[i]! * 0.018) * room * inner;
  });
  const size = proportionsOf(picture);
  return { mesh: extrude({ shape, front: heights, rimZ: 0, backZ: -0.022, ...size }), heights, shape };
}

/** The captions' letters with rounded edges. */
export function letterSolids(captions: Captions): Mesh {
  const { mask } = captions;
  const side = Math.min(longestSide(mask), LETTER_GRID);
  const { width, height } = gridOf(mask, side);
  const soft = resizeField(gaussianBlur(mask, 1.1), width, height);
  const distance = signedDistance(soft, LETTER_LEVEL);
  // Near the outline the mask's own value is finer than a distance in whole samples.
  const shape = closeBorder(
    mapField(distance, (value, i) => (Math.abs(value) < 1.2 ? (soft.data[i]! - LETTER_LEVEL) * 2.2 : value)),
  );
  const front = mapField(shape, (depth) => LETTER_EDGE * rounded(depth / LETTER_ROUND));
  return extrude({ shape, front, rimZ: 0, backZ: -LETTER_DEPTH, ...proportionsOf(mask) });
}

/** The highest of `heights` under the letters; undefined when no letter lies over `where` (above 0). */
export function highestUnder(captions: Captions, heights: Field, where?: Field): number | undefined {
  const mask = resizeField(captions.mask, heights.width, heights.height);
  let highest: number | undefined;
  for (let i = 0; i < heights.data.length; i++) {
    if (mask.data[i]! <= 0.3 || (where && where.data[i]! <= 0)) continue;
    highest = Math.max(highest ?? Number.NEGATIVE_INFINITY, heights.data[i]!);
  }
  return highest;
}

/** Local brightness against its surroundings, -1..1: what is lighter stands a little higher. */
async function detailOf(picture: Picture, grid: number): Promise<Field> {
  const { width, height } = gridOf(picture, grid);
  const light = luminance(await resizePicture(picture, width, height));
  const fine = gaussianBlur(light, 1);
  const coarse = gaussianBlur(light, grid / 18);
  return mapField(fine, (value, i) => Math.tanh((value - coarse.data[i]!) * 2.2));
}

function gridOf(picture: { width: number; height: number }, side: number) {
  const { width, height } = proportionsOf(picture);
  return { width: Math.round(side * width) + 1, height: Math.round(side * height) + 1 };
}

/** Height of an inflated shape, from how deep within it a sample lies. */
function puffOf(shape: Field): Field {
  const deepest = Math.max(0, maxOf(shape));
  const radius = Math.max(6, deepest * 0.9);
  const height = Math.min(MAX_PUFF, (deepest / SURFACE_GRID) * 0.8);
  const inflated = mapField(shape, (depth) => rounded(depth / radius));
  return mapField(gaussianBlur(inflated, SURFACE_GRID / 60), (value) => value * height);
}

/** A quarter circle: 0 at 0, 1 from 1 on. */
function rounded(t: number): number {
  return Math.sqrt(1 - (1 - clamp(t)) ** 2);
}

function lettersOver(captions: Captions, width: number, height: number): Field {
  return gaussianBlur(resizeField(captions.mask, width, height), SURFACE_GRID / 26);
}

/** A shape that ends before the grid does, so that it gets walls all round. */
function closeBorder(shape: Field): Field {
  const { width, height } = shape;
  return fieldOf(width, height, (x, y, i) => {
    const isBorder = x === 0 || y === 0 || x === width - 1 || y === height - 1;
    return isBorder ? Math.min(shape.data[i]!, -0.01) : shape.data[i]!;
  });
}
