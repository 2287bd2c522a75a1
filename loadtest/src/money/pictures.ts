/** Small pictures that no perceptual hash takes for each other. Owns: drawing one from the seed. */
import sharp from "sharp";
import type { Random } from "./random.ts";

const CELLS = 8;
const SIDE = 96;

/** A PNG of coarse random patches: what such hashes look at is different in every one. */
export async function drawPicture(random: Random): Promise<Uint8Array> {
  const cells = Buffer.from(Array.from({ length: CELLS * CELLS * 3 }, () => random.int(0, 255)));
  return await sharp(cells, { raw: { width: CELLS, height: CELLS, channels: 3 } })
    .resize(SIDE, SIDE, { kernel: "cubic" })
    .png()
    .toBuffer();
}
