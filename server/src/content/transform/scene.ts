/**
 * What a model consists of: which shapes, where they stand, what they are made of.
 * Owns: the composition of a diorama and of a relief. Does not own: the shapes themselves, glTF.
 */
import { type Captions, findCaptions } from "./captions.ts";
import { backPanel, roundedRectangle, sweep } from "./frame.ts";
import type { Mesh } from "./mesh.ts";
import type { PeopleFinder } from "./people/index.ts";
import { longestSide, type Picture } from "./picture.ts";
import { simplifyMesh } from "./simplify.ts";
import { findSubject, type Subject } from "./subject.ts";
import {
  ground,
  highestUnder,
  letterSolids,
  type Proportions,
  proportionsOf,
  reliefHeights,
  STAGE_DEPTH,
  stageMesh,
  subjectSolid,
} from "./surfaces.ts";
import {
  behindSubject,
  colourWith,
  frameColour,
  letterColours,
  shadeBorder,
  stickerOf,
  toJpeg,
  withoutCaptions,
} from "./textures.ts";

export type ModelMode = "diorama" | "relief";

/** Where a part floats during the loop. */
export type Motion = "none" | "approach" | "hover";

export interface Part {
  readonly name: "stage" | "subject" | "caption" | "wall" | "lip" | "frame" | "back";
  readonly mesh: Mesh;
  /** In front of (or behind) the frame's middle, in longest sides of the picture. */
  readonly z: number;
  readonly motion: Motion;
  /** JPEG bytes; a part without one has a `colour`. */
  readonly texture?: Uint8Array;
  /** Linear red, green, blue. */
  readonly colour?: readonly [number, number, number];
}

export interface Scene {
  readonly mode: ModelMode;
  readonly parts: readonly Part[];
}

const SUBJECT_Z = 0.03;
/** The subject comes this much nearer during the loop. */
export const SUBJECT_APPROACH = 0.036;
const LETTER_GAP = 0.012;
const LEAST_LETTER_Z = 0.06;
const RELIEF_LETTER_GAP = 0.02;
const TEXTURE_SIDE = 896;
/** A forced cut-out still needs something to cut out, and something to leave. */
const LEAST_SUBJECT = 0.01;
const MOST_SUBJECT = 0.9;

interface Analysis {
  readonly source: Picture;
  readonly captions: Captions;
  readonly subject: Subject;
  /** The colours to paint with, raised letters taken out. */
  readonly clean: Picture;
}

/** `wanted` is obeyed, but a diorama of a picture without any subject (one colour) is a relief. */
export async function composeScene(
  source: Picture,
  texture: Picture | undefined,
  wanted: "auto" | ModelMode,
  findPeople: PeopleFinder,
): Promise<Scene> {
  const captions = await findCaptions(source);
  const bare = await withoutCaptions(source, captions);
  const subject = await findSubject(bare, await findPeople(bare));
  const clean = texture ? await withoutCaptions(await colourWith(source, texture, captions), captions) : bare;
  const analysis = { source, captions, subject, clean };
  const mode = decideMode(subject, wanted);
  const content = mode === "diorama" ? await dioramaParts(analysis) : await reliefParts(analysis);
  const simple = await Promise.all(
    content.map(async (part) => ({ ...part, mesh: await simplifyMesh(part.mesh) })),
  );
  return { mode, parts: [...simple, ...frameParts(proportionsOf(source), frameColour(clean))] };
}

function decideMode({ isClear, evidence }: Subject, wanted: "auto" | ModelMode): ModelMode {
  if (wanted === "auto") return isClear ? "diorama" : "relief";
  const isCuttable = evidence.area > LEAST_SUBJECT && evidence.area < MOST_SUBJECT;
  return wanted === "diorama" && isCuttable ? "diorama" : "relief";
}

async function dioramaParts({ source, captions, subject, clean }: Analysis): Promise<Part[]> {
  const { mesh, heights, shape } = await subjectSolid(clean, subject, captions);
  const background = shadeBorder(await behindSubject(clean, subject.outline));
  const [stage, sticker] = await Promise.all([
    toJpeg(background, 80, TEXTURE_SIDE),
    toJpeg(stickerOf(clean, subject.outline), 84, longestSide(source)),
  ]);
  const below = highestUnder(captions, heights, shape) ?? Number.NEGATIVE_INFINITY;
  const letterZ = Math.max(LEAST_LETTER_Z, below + SUBJECT_Z + SUBJECT_APPROACH + LETTER_GAP);
  return [
    { name: "stage", mesh: await stageMesh(clean), z: 0, motion: "none", texture: stage },
    { name: "subject", mesh, z: SUBJECT_Z, motion: "approach", texture: sticker },
    ...(await captionParts(source, captions, letterZ)),
  ];
}

async function reliefParts({ source, captions, subject, clean }: Analysis): Promise<Part[]> {
  const heights = await reliefHeights(clean, subject.saliency, captions);
  const texture = await toJpeg(shadeBorder(clean), 80, longestSide(source));
  const letterZ = (highestUnder(captions, heights) ?? 0) + RELIEF_LETTER_GAP;
  return [
    { name: "stage", mesh: ground(heights, source), z: 0, motion: "none", texture },
    ...(await captionParts(source, captions, letterZ)),
  ];
}

/** Letters always carry the source's own pixels: they stay what was written. */
async function captionParts(source: Picture, captions: Captions, z: number): Promise<Part[]> {
  if (captions.kind !== "raised") return [];
  const texture = await toJpeg(letterColours(source, captions), 80, TEXTURE_SIDE);
  return [{ name: "caption", mesh: letterSolids(captions), z, motion: "hover", texture }];
}

/** Wall, gold lip, coloured moulding and a dark back. */
function frameParts({ width, height }: Proportions, colour: readonly [number, number, number]): Part[] {
  const path = roundedRectangle(width - 0.004, height - 0.004, Math.min(0.02, height / 4, width / 4));
  const breadth = 0.055;
  const back = -STAGE_DEPTH - 0.02;
  const front = 0.055;
  const wall = sweep(path, [
    [0, back],
    [0, front - 0.012],
  ]);
  const lip = sweep(path, [
    [0, front - 0.012],
    [0.003, front - 0.004],
    [0.008, front],
    [0.013, front - 0.003],
    [0.015, front - 0.006],
  ]);
  const moulding = sweep(path, [
    [0.015, front - 0.006],
    [0.018, front + 0.004],
    [0.026, front + 0.012],
    [breadth - 0.014, front + 0.012],
    [breadth - 0.005, front + 0.006],
    [breadth, front - 0.006],
    [breadth, back + 0.008],
    [breadth - 0.008, back],
  ]);
  const [red, green, blue] = colour;
  const still = { z: 0, motion: "none" as const };
  return [
    { name: "wall", mesh: wall, colour: [red * 0.55, green * 0.55, blue * 0.55], ...still },
    { name: "lip", mesh: lip, colour: [0.95, 0.72, 0.32], ...still },
    { name: "frame", mesh: moulding, colour, ...still },
    { name: "back", mesh: backPanel(path, breadth - 0.008, back), colour: [0.03, 0.03, 0.035], ...still },
  ];
}
