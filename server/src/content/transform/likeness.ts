/**
 * A model seen from the front, laid over the picture it was made from (C5).
 * Owns: that view, where the picture lies in it, how alike the two are. Does not own: what is alike enough.
 */
import { ssim } from "ssim.js";
import type { Surface } from "./load.ts";
import { longestSide, openPicture, type Picture, resizePicture } from "./picture.ts";
import { FIELD_OF_VIEW, type Rendering, render } from "./raster.ts";

export const VIEW_SIDE = 256;
/** So small that what stands before its ground, and is seen shifted for it, still falls on itself. */
const COMPARED_SIDE = 64;
const FRONT = { azimuth: 0, elevation: 0, distance: 2.45 };

export function frontOf(surfaces: readonly Surface[]): Rendering {
  return render(surfaces, FRONT, VIEW_SIDE);
}

export interface Opening {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Where the picture lies in the front view, pixels. */
export function openingOf(source: Picture): Opening {
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
export function innerOf({ left, top, width, height }: Opening): Opening {
  const margin = Math.ceil(Math.min(width, height) * 0.12);
  return { left: left + margin, top: top + margin, width: width - 2 * margin, height: height - 2 * margin };
}

/** Structural similarity (SSIM) of a model's front view and a picture, both shrunk to 64 pixels, -1..1. */
export async function similarityOf(front: Picture, source: Picture): Promise<number> {
  const size = { width: COMPARED_SIDE, height: COMPARED_SIDE };
  const seen = await openPicture(front)
    .extract(openingOf(source))
    .resize({ fit: "fill", ...size })
    .ensureAlpha()
    .raw()
    .toBuffer();
  const small = await resizePicture(source, COMPARED_SIDE, COMPARED_SIDE);
  const wanted = await openPicture(small).ensureAlpha().raw().toBuffer();
  return ssim(
    { data: new Uint8ClampedArray(wanted), ...size },
    { data: new Uint8ClampedArray(seen), ...size },
  ).mssim;
}
