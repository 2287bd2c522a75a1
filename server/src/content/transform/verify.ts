/**
 * Whether a model may be shown (C5).
 * Owns: what is measured on a GLB and the limits. Does not own: what happens to a model that fails.
 */
import validator from "gltf-validator";
import sharp, { type Sharp, type Stats } from "sharp";
import { ssim } from "ssim.js";
import { loadSurfaces, type Surface } from "./load.ts";
import { decodePicture, longestSide, openPicture, type Picture, resizePicture } from "./picture.ts";
import { FIELD_OF_VIEW, type Rendering, render } from "./raster.ts";

export interface ModelFigures {
  /** Of gltf-validator. */
  errors: number;
  warnings: number;
  bytes: number;
  triangles: number;
  /** Bounding box; the picture's longest side is 1. */
  width: number;
  height: number;
  depth: number;
  /** Share of what the model should cover in the front view that it does cover. */
  coverage: number;
  /** Of the brightness within the frame, front view, bits. */
  entropy: number;
  /** Deviation of that brightness over the source's; 1 where the source itself has next to none. */
  contrast: number;
  /** How far the surface within the frame stands out, 5th to 95th percentile. */
  relief: number;
  /** Mean difference of front and side view, 0..255. */
  parallax: number;
  /** Structural similarity (SSIM) of front view and source, -1..1. */
  similarity: number;
}

export type ModelFault =
  | "invalid"
  | "too many triangles"
  | "too large"
  | "wrong size"
  | "blank"
  | "flat"
  | "unrelated";

/** A model that is not valid was not measured further. */
export type Verification =
  | { ok: true; figures: ModelFigures }
  | { ok: false; reason: ModelFault; figures: Partial<ModelFigures> };

const MAX_TRIANGLES = 60_000;
/** A source with less deviation of its brightness (0..255) is plain: its model may be, too. */
const PLAIN_DEVIATION = 12;
const MAX_BYTES = 3 * 1024 * 1024;
const VIEW_SIDE = 256;
const COMPARED_SIDE = 160;
const FRONT = { azimuth: 0, elevation: 0, distance: 2.45 };
const SIDE = { azimuth: 0.6, elevation: 0.1, distance: 2.45 };

/** Problems that gltf-validator finds; bytes in which it does not even see glTF are one error. */
export async function validateGlb(glb: Uint8Array): Promise<{ errors: number; warnings: number }> {
  try {
    const { issues } = await validator.validateBytes(glb, { maxIssues: 50 });
    return { errors: issues.numErrors, warnings: issues.numWarnings };
  } catch {
    // It rejects with a bare string; what is wrong inside a GLB it reports instead.
    return { errors: 1, warnings: 0 };
  }
}

/** Measures a model against the picture it was made from. Throws when the picture cannot be decoded. */
export async function verifyModel(glb: Uint8Array, picture: Uint8Array): Promise<Verification> {
  const source = await decodePicture(picture, 512);
  const validity = { ...(await validateGlb(glb)), bytes: glb.length };
  if (validity.errors > 0) return { ok: false, reason: "invalid", figures: validity };
  // Too large is not worth decoding.
  if (glb.length > MAX_BYTES) return { ok: false, reason: "too large", figures: validity };
  const surfaces = await readSurfaces(glb);
  if (!surfaces) return { ok: false, reason: "invalid", figures: validity };
  const triangles = surfaces.reduce((sum, { indices }) => sum + indices.length / 3, 0);
  // Nor are too many triangles worth drawing.
  if (triangles >= MAX_TRIANGLES) {
    return { ok: false, reason: "too many triangles", figures: { ...validity, triangles } };
  }
  const figures = { ...validity, triangles, ...(await measure(surfaces, source)) };
  const reason = faultOf(figures);
  return reason ? { ok: false, reason, figures } : { ok: true, figures };
}

/** Undefined: valid glTF, but with an extension or an image that cannot be read. */
async function readSurfaces(glb: Uint8Array): Promise<Surface[] | undefined> {
  try {
    return await loadSurfaces(glb);
  } catch {
    return undefined;
  }
}

function faultOf(figures: ModelFigures): ModelFault | undefined {
  const { triangles, width, height, depth, coverage, entropy, contrast, relief, parallax, similarity } =
    figures;
  const longest = Math.max(width, height);
  if (triangles === 0 || coverage < 0.8 || entropy < 1 || contrast < 0.4) return "blank";
  if (longest < 0.8 || longest > 1.4 || depth > 0.8) return "wrong size";
  if (depth < 0.1 || relief < 0.02 || parallax < 2) return "flat";
  return similarity < 0.2 ? "unrelated" : undefined;
}

async function measure(
  surfaces: readonly Surface[],
  source: Picture,
): Promise<Omit<ModelFigures, "errors" | "warnings" | "bytes" | "triangles">> {
  const front = render(surfaces, FRONT, VIEW_SIDE);
  const side = render(surfaces, SIDE, VIEW_SIDE);
  const opening = openingOf(source);
  const { entropy, channels } = await brightnessOf(openPicture(front).extract(innerOf(opening)));
  return {
    ...boundingBox(surfaces),
    coverage: (front.coverage * VIEW_SIDE ** 2) / (opening.width * opening.height),
    entropy,
    contrast: await contrastOf(channels[0]?.stdev ?? 0, source),
    relief: reliefOf(front, opening),
    parallax: meanDifference(front, side),
    similarity: await similarityOf(front, opening, source),
  };
}

async function contrastOf(deviation: number, source: Picture): Promise<number> {
  const { channels } = await brightnessOf(openPicture(source));
  const wanted = channels[0]?.stdev ?? 0;
  return wanted < PLAIN_DEVIATION ? 1 : deviation / wanted;
}

async function brightnessOf(picture: Sharp): Promise<Stats> {
  return sharp(await picture.toColourspace("b-w").png().toBuffer()).stats();
}

function boundingBox(surfaces: readonly Surface[]): { width: number; height: number; depth: number } {
  const extent = (axis: number): number => {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (const { positions } of surfaces) {
      for (let i = axis; i < positions.length; i += 3) {
        low = Math.min(low, positions[i]!);
        high = Math.max(high, positions[i]!);
      }
    }
    return Math.max(0, high - low);
  };
  return { width: extent(0), height: extent(1), depth: extent(2) };
}

interface Opening {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Where the picture lies in the front view, pixels. */
function openingOf(source: Picture): Opening {
  const unit = VIEW_SIDE / 2 / Math.tan(FIELD_OF_VIEW / 2) / FRONT.distance;
  const width = Math.round((unit * source.width) / longestSide(source));
  const height = Math.round((unit * source.height) / longestSide(source));
  return {
    left: Math.round((VIEW_SIDE - width) / 2),
    top: Math.round((VIEW_SIDE - height) / 2),
    width,
    height,
  };
}

/** The opening without its border, which the frame shades and covers on every model. */
function innerOf({ left, top, width, height }: Opening): Opening {
  const margin = Math.ceil(Math.min(width, height) * 0.12);
  return { left: left + margin, top: top + margin, width: width - 2 * margin, height: height - 2 * margin };
}

function reliefOf({ nearness }: Rendering, opening: Opening): number {
  const { left, top, width, height } = innerOf(opening);
  const within: number[] = [];
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) {
      const near = nearness[y * VIEW_SIDE + x]!;
      if (near > 0) within.push(1 / near);
    }
  }
  within.sort((a, b) => a - b);
  const at = (share: number): number => within[Math.floor(share * (within.length - 1))] ?? 0;
  return at(0.95) - at(0.05);
}

function meanDifference(a: Picture, b: Picture): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += Math.abs(a.data[i]! - b.data[i]!);
  return sum / a.data.length;
}

async function similarityOf(front: Picture, opening: Opening, source: Picture): Promise<number> {
  const size = { width: COMPARED_SIDE, height: COMPARED_SIDE };
  const compared = { fit: "fill" as const, ...size };
  const seen = await openPicture(front).extract(opening).resize(compared).ensureAlpha().raw().toBuffer();
  const small = await resizePicture(source, COMPARED_SIDE, COMPARED_SIDE);
  const wanted = await openPicture(small).ensureAlpha().raw().toBuffer();
  return ssim(
    { data: new Uint8ClampedArray(wanted), ...size },
    { data: new Uint8ClampedArray(seen), ...size },
  ).mssim;
}
