/**
 * Filling of holes in a picture from what surrounds them (push-pull pyramid).
 * Owns: the fill and its seam. Does not own: where the holes are.
 */
import { boxBlur, clamp, type Field, mapField, mix, resizeField } from "./fields.ts";
import { longestSide, type Picture, paintPicture, resizePicture, shrinkPicture } from "./picture.ts";

/** The fill is smooth: computing it at this longest side loses nothing that could be seen, pixels. */
const FILL_SIDE = 512;
/** How far the fill reaches over a hole's edge, so that no rim of the removed thing stays. */
const SEAM_GAIN = 1.5;

interface Level {
  width: number;
  height: number;
  /** Interleaved RGB. */
  colour: Float32Array;
  /** 0 unknown .. 1 known. */
  known: Float32Array;
}

/** `picture` with the samples where `hole` is above 0.5 (any size, same proportions) grown over from outside. */
export async function fillHoles(picture: Picture, hole: Field): Promise<Picture> {
  const small = await shrinkPicture(picture, FILL_SIDE);
  const smallHole = resizeField(hole, small.width, small.height);
  const filled = await resizePicture(pushPull(small, smallHole), picture.width, picture.height);
  const seam = Math.max(1, Math.round((2 * longestSide(small)) / FILL_SIDE));
  const blend = resizeField(boxBlur(smallHole, seam), picture.width, picture.height);
  return paintPicture(picture, (pixel, out) => {
    const part = clamp(blend.data[pixel]! * SEAM_GAIN);
    for (let i = pixel * 3; i < pixel * 3 + 3; i++) out[i] = mix(picture.data[i]!, filled.data[i]!, part);
  });
}

function pushPull(picture: Picture, hole: Field): Picture {
  const levels: Level[] = [
    {
      width: picture.width,
      height: picture.height,
      colour: Float32Array.from(picture.data),
      known: mapField(hole, (value) => (value > 0.01 ? 0 : 1)).data,
    },
  ];
  for (let finest = levels[0]!; Math.min(finest.width, finest.height) > 2; finest = levels.at(-1)!) {
    levels.push(push(finest));
  }
  for (let k = levels.length - 2; k >= 0; k--) pull(levels[k]!, levels[k + 1]!);
  const { colour } = levels[0]!;
  return paintPicture(picture, (pixel, out) => {
    for (let i = pixel * 3; i < pixel * 3 + 3; i++) out[i] = colour[i]!;
  });
}

/** The next coarser level: the mean of what is known in each 2 x 2 block. */
function push(fine: Level): Level {
  const width = (fine.width + 1) >> 1;
  const height = (fine.height + 1) >> 1;
  const colour = new Float32Array(width * height * 3);
  const weight = new Float32Array(width * height);
  for (let y = 0; y < fine.height; y++) {
    for (let x = 0; x < fine.width; x++) {
      const from = y * fine.width + x;
      const to = (y >> 1) * width + (x >> 1);
      const known = fine.known[from]!;
      weight[to] = weight[to]! + known;
      for (let c = 0; c < 3; c++) {
        colour[to * 3 + c] = colour[to * 3 + c]! + known * fine.colour[from * 3 + c]!;
      }
    }
  }
  for (let i = 0; i < colour.length; i++) colour[i] = colour[i]! / Math.max(weight[Math.floor(i / 3)]!, 1e-6);
  return { width, height, colour, known: weight.map((value) => Math.min(1, value)) };
}

/** Completes what `fine` does not know with `coarse`, bilinearly. */
function pull(fine: Level, coarse: Level): void {
  for (let y = 0; y < fine.height; y++) {
    const atY = clamp((y + 0.5) / 2 - 0.5, 0, coarse.height - 1);
    const top = Math.floor(atY);
    const bottom = Math.min(coarse.height - 1, top + 1);
    for (let x = 0; x < fine.width; x++) {
      const i = y * fine.width + x;
      const known = fine.known[i]!;
      if (known >= 1) continue;
      const atX = clamp((x + 0.5) / 2 - 0.5, 0, coarse.width - 1);
      const left = Math.floor(atX);
      const right = Math.min(coarse.width - 1, left + 1);
      for (let c = 0; c < 3; c++) {
        const at = (row: number, column: number): number =>
          coarse.colour[(row * coarse.width + column) * 3 + c]!;
        const upper = mix(at(top, left), at(top, right), atX - left);
        const lower = mix(at(bottom, left), at(bottom, right), atX - left);
        fine.colour[i * 3 + c] = mix(mix(upper, lower, atY - top), fine.colour[i * 3 + c]!, known);
      }
      fine.known[i] = 1;
    }
  }
}
