/**
 * Whether a model may be shown (C5).
 * Owns: what is measured on a GLB and the limits. Does not own: what happens to a model that fails.
 */
import validator from "gltf-validator";
import sharp, { type Sharp, type Stats } from "sharp";
import { frontOf, innerOf, type Opening, openingOf, similarityOf, VIEW_SIDE } from "./likeness.ts";
import { loadSurfaces, type Surface } from "./load.ts";
import { decodePicture, longestSide, openPicture, type Picture } from "./picture.ts";
import { type Rendering, render } from "./raster.ts";

export interface ModelFigures {
  /** Of gltf-validator. */
  errors: number;
  warnings: number;
  infos: number;
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
  /** Structural similarity (SSIM) of front view and source, both shrunk to 64 pixels, -1..1. */
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

/** The figures end with the check that failed: what is not valid, or far too large, is not even drawn. */
export type Verification =
  | { ok: true; figures: ModelFigures }
  | { ok: false; reason: ModelFault; figures: Partial<ModelFigures> };

const MAX_TRIANGLES = 60_000;
const MAX_BYTES = 3 * 1024 * 1024;
/** Of one texture; a phone holds it unpacked. */
const MAX_TEXTURE_PIXELS = 2_048 * 2_048;
/** Of the longest side: the picture's is 1, and the frame adds to it. */
const SIZE = { least: 0.98, most: 1.4, deepest: 0.8 };
/** The frame adds as much to the width as to the height, give or take this. */
const FRAME_SLACK = 0.06;
/** A source with less deviation of its brightness (0..255) is plain: its model may be, too. */
const PLAIN_DEVIATION = 12;
/**
 * Chosen from `npm run gallery-sheet -- --cross`. Models of the 45 test pictures reach at least 0.45 with their own
 * source (half of them 0.68), repainted ones (another hue, smoothed, harder, bent, washed out) 0.23, of which 2 in 225
 * stay below this floor; with the source of another, or painted with another's picture, half reach 0.05 and what
 * has the right shape at most 0.31: a colour gradient taken for a white fox in snow.
 */
export const LEAST_SIMILARITY = 0.3;
/** Longest side at which the source is compared, pixels. */
export const SOURCE_SIDE = 512;
const SIDE = { azimuth: 0.6, elevation: 0.1, distance: 2.45 };

/** What gltf-validator says of a GLB. */
interface Inspection {
  errors: number;
  warnings: number;
  infos: number;
  triangles: number;
  textures: { pixels: number }[];
}

async function inspect(glb: Uint8Array): Promise<Inspection> {
  const report = await validator.validateBytes(glb, { maxIssues: 50 }).catch(() => undefined);
  // It rejects with a bare string when the bytes are no glTF at all; what is wrong inside a GLB it reports.
  if (report === undefined) return { errors: 1, warnings: 0, infos: 0, triangles: 0, textures: [] };
  const { issues, info } = report;
  const resources = info?.resources ?? [];
  return {
    errors: issues.numErrors,
    warnings: issues.numWarnings,
    infos: issues.numInfos,
    triangles: info?.totalTriangleCount ?? 0,
    textures: resources.flatMap(({ image }) => (image ? [{ pixels: image.width * image.height }] : [])),
  };
}

/** Problems that gltf-validator finds; bytes in which it does not even see glTF are one error. */
export async function validateGlb(glb: Uint8Array): Promise<{ errors: number; warnings: number }> {
  const { errors, warnings } = await inspect(glb);
  return { errors, warnings };
}

/** Measures a model against the picture it was made from. Throws when the picture cannot be decoded. */
export async function verifyModel(glb: Uint8Array, picture: Uint8Array): Promise<Verification> {
  const source = await decodePicture(picture, SOURCE_SIDE);
  const bytes = glb.length;
  // Too large is not worth reading, nor are too many triangles or pixels worth drawing.
  if (bytes > MAX_BYTES) return { ok: false, reason: "too large", figures: { bytes } };
  const { errors, warnings, infos, triangles, textures } = await inspect(glb);
  const seen = { errors, warnings, infos, bytes, triangles };
  const refused = (reason: ModelFault): Verification => ({ ok: false, reason, figures: seen });
  if (errors > 0 || warnings > 0) return refused("invalid");
  if (triangles >= MAX_TRIANGLES) return refused("too many triangles");
  if (textures.some(({ pixels }) => pixels > MAX_TEXTURE_PIXELS)) return refused("too large");
  const surfaces = await readSurfaces(glb);
  if (!surfaces) return refused("invalid");
  // A mesh that stands in many places was counted once.
  if (surfaces.reduce((sum, { indices }) => sum + indices.length / 3, 0) >= MAX_TRIANGLES)
    return refused("too many triangles");
  if (!surfaces.some(({ texture, indices }) => texture && indices.length > 0)) return refused("blank");
  const figures = { ...seen, ...(await measure(surfaces, source)) };
  const reason = faultOf(figures, source);
  return reason ? { ok: false, reason, figures } : { ok: true, figures };
}

/** Undefined: valid glTF, but with an extension or an image that cannot be read, or that lies elsewhere. */
async function readSurfaces(glb: Uint8Array): Promise<Surface[] | undefined> {
  try {
    // glTF's reader wants bytes that begin at a multiple of 4, which those of a socket or a pool need not.
    return await loadSurfaces(glb.byteOffset % 4 === 0 ? glb : new Uint8Array(glb));
  } catch {
    return undefined;
  }
}

function faultOf(figures: ModelFigures, source: Picture): ModelFault | undefined {
  const { width, height, depth, coverage, contrast, relief, similarity } = figures;
  const longest = Math.max(width, height);
  if (longest < SIZE.least || longest > SIZE.most || depth > SIZE.deepest) return "wrong size";
  if (!hasShapeOf(source, figures)) return "unrelated";
  if (coverage < 0.95 || contrast < 0.4) return "blank";
  if (relief < 0.02) return "flat";
  return similarity < LEAST_SIMILARITY ? "unrelated" : undefined;
}

function hasShapeOf(source: Picture, { width, height }: ModelFigures): boolean {
  const longest = longestSide(source);
  return Math.abs(width - source.width / longest - (height - source.height / longest)) <= FRAME_SLACK;
}

async function measure(
  surfaces: readonly Surface[],
  source: Picture,
): Promise<Omit<ModelFigures, "errors" | "warnings" | "infos" | "bytes" | "triangles">> {
  const front = frontOf(surfaces);
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
    similarity: await similarityOf(front, source),
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
