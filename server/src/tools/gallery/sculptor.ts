/** The process of sculpt.ts. Owns: one model, its figures and its three views. Does not own: which picture and why. */
import { readFile } from "node:fs/promises";
import { memeToModel, verifyModel, warmTransformer } from "../../content/transform/index.ts";
import { loadSurfaces } from "../../content/transform/load.ts";
import { openPicture } from "../../content/transform/picture.ts";
import { render, type View } from "../../content/transform/raster.ts";
import type { Sculpted, SculptOrder } from "./sculpt.ts";

const VIEW_SIDE = 360;
/** Drawn larger than shown, so that edges are smooth. */
const OVERSAMPLING = 2;
const DEGREES_35 = (35 * Math.PI) / 180;
const VIEWS: readonly View[] = [
  { azimuth: 0, elevation: 0, distance: 2.5 },
  { azimuth: -DEGREES_35, elevation: 0, distance: 2.6 },
  { azimuth: DEGREES_35, elevation: 0.3, distance: 2.6 },
];

async function sculpt({ path, mode, maxSide, warm }: SculptOrder): Promise<Sculpted> {
  const picture = await readFile(path);
  const options = { mode, ...(maxSide === undefined ? {} : { maxSide }) };
  await warmTransformer();
  if (warm) await memeToModel(picture, options);
  const { glb, stats } = await memeToModel(picture, options);
  const peakMb = process.resourceUsage().maxRSS / 1024;
  const verification = await verifyModel(glb, picture);
  const surfaces = await loadSurfaces(glb);
  const views: Uint8Array[] = [];
  for (const view of VIEWS) {
    const large = render(surfaces, view, VIEW_SIDE * OVERSAMPLING);
    views.push(await openPicture(large).resize(VIEW_SIDE, VIEW_SIDE).png().toBuffer());
  }
  return {
    ok: true,
    mode: stats.mode,
    ms: stats.ms,
    peakMb,
    triangles: stats.triangles,
    glb,
    verification,
    views,
  };
}

process.once("message", (order: SculptOrder) => {
  sculpt(order)
    .catch((error: unknown): Sculpted => ({ ok: false, error: String(error) }))
    .then((answer) => process.send?.(answer, () => process.disconnect()));
});
