/**
 * The pictures of a model that grids and results show without a 3D viewer.
 * Owns: poster and turntable, their views and encoding. Does not own: drawing (raster.ts).
 */
import sharp from "sharp";
import type { Surface } from "./load.ts";
import { openPicture } from "./picture.ts";
import { render } from "./raster.ts";

const POSTER_SIDE = 720;
const POSTER_VIEW = { azimuth: -0.42, elevation: 0.14, distance: 2.6 };
const TURNTABLE_SIDE = 320;
const TURNTABLE_FRAMES = 24;
const FRAME_MS = 66;
/** Drawn larger than shown, so that edges are smooth. */
const POSTER_OVERSAMPLING = 2;
const TURNTABLE_OVERSAMPLING = 1.5;

/** WebP, 720 pixels square. */
export async function renderPoster(surfaces: readonly Surface[]): Promise<Uint8Array> {
  const large = render(surfaces, POSTER_VIEW, POSTER_SIDE * POSTER_OVERSAMPLING);
  return openPicture(large).resize(POSTER_SIDE, POSTER_SIDE).webp({ quality: 84 }).toBuffer();
}

/** Animated WebP, 320 pixels square, 24 frames that swing from side to side for ever. */
export async function renderTurntable(surfaces: readonly Surface[]): Promise<Uint8Array> {
  const frames: Buffer[] = [];
  for (let frame = 0; frame < TURNTABLE_FRAMES; frame++) {
    const phase = (frame / TURNTABLE_FRAMES) * 2 * Math.PI;
    const view = {
      azimuth: 0.55 * Math.sin(phase),
      elevation: 0.1 + 0.05 * Math.cos(phase),
      distance: POSTER_VIEW.distance,
    };
    const large = render(surfaces, view, TURNTABLE_SIDE * TURNTABLE_OVERSAMPLING);
    frames.push(await openPicture(large).resize(TURNTABLE_SIDE, TURNTABLE_SIDE).raw().toBuffer());
  }
  const strip = {
    width: TURNTABLE_SIDE,
    height: TURNTABLE_SIDE * TURNTABLE_FRAMES,
    channels: 3 as const,
    pageHeight: TURNTABLE_SIDE,
  };
  const delay = Array.from({ length: TURNTABLE_FRAMES }, () => FRAME_MS);
  return sharp(Buffer.concat(frames), { raw: strip })
    .webp({ quality: 72, effort: 2, delay, loop: 0 })
    .toBuffer();
}
