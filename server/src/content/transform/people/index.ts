/**
 * Where people are in a picture, by the weights of MediaPipe's selfie segmentation (256 x 256, Apache-2.0).
 * Owns: loading them, the picture's way into them and the mask's way out. Does not own: what is cut out.
 * Everything comes from the installed packages: nothing is fetched.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { type Field, fieldOf } from "../fields.ts";
import { longestSide, type Picture, resizePicture } from "../picture.ts";
import { prepare } from "./operators.ts";
import { readTflite } from "./tflite-file.ts";

/** 0..1 for each sample: that it belongs to a person; of the picture's proportions, `SIDE` at its longest side. */
export type PeopleFinder = (picture: Picture) => Promise<Field>;

const SIDE = 256;
/** Grey around a picture that is not square: nothing that could be a person. */
const PADDING = 0.5;
const require = createRequire(import.meta.url);

/** Takes about 0.2 s once a process; its memory is that of the weights and of one picture. */
export async function loadPeopleFinder(): Promise<PeopleFinder> {
  setWasmPaths(dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + sep);
  await tf.setBackend("wasm");
  await tf.ready();
  const file = await readFile(require.resolve("@mediapipe/selfie_segmentation/selfie_segmentation.tflite"));
  const segment = prepare(readTflite(file));
  return async (picture) => {
    const small = await fitted(picture);
    const left = (SIDE - small.width) >> 1;
    const top = (SIDE - small.height) >> 1;
    const output = tf.tidy(() => segment(tf.tensor4d(padded(small, left, top), [1, SIDE, SIDE, 3])));
    const mask = await output.data();
    output.dispose();
    return fieldOf(small.width, small.height, (x, y) => mask[(y + top) * SIDE + x + left] ?? 0);
  };
}

function fitted(picture: Picture): Promise<Picture> {
  const scale = SIDE / longestSide(picture);
  const sideOf = (side: number): number => Math.max(1, Math.round(side * scale));
  return resizePicture(picture, sideOf(picture.width), sideOf(picture.height));
}

/** The weights want 0..1 in a square. */
function padded({ width, height, data }: Picture, left: number, top: number): Float32Array {
  const out = new Float32Array(SIDE * SIDE * 3).fill(PADDING);
  for (let y = 0; y < height; y++) {
    const to = ((y + top) * SIDE + left) * 3;
    for (let k = 0; k < width * 3; k++) out[to + k] = data[y * width * 3 + k]! / 255;
  }
  return out;
}
