/**
 * The classifier's thread: the network, its weights and the pictures it looks at (C2).
 * Owns: decoding a picture into what the network takes, and its answer. Does not own: queueing, limits, the verdict.
 *
 * Weights come out of the nsfwjs package and the back end's WebAssembly out of its own: nothing is fetched.
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { parentPort } from "node:worker_threads";
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { load } from "nsfwjs/core";
import { MobileNetV2Model } from "nsfwjs/models/mobilenet_v2";
import sharp from "sharp";
import { nsfwScores, worstOf } from "./scores.ts";

const SIDE = 224;
/** As in upload/picture.ts; pictures of AITubo's come here too. */
const MAX_PIXELS = 40_000_000;
/** A picture this many times longer than wide is squeezed so much that its parts are looked at as well. */
const LONG = 1.6;

const port = parentPort;
if (port === null) throw new Error("This file runs as a worker thread.");

setWasmPaths(`${dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm"))}/`);
tf.enableProdMode();
if (!(await tf.setBackend("wasm"))) throw new Error("The WebAssembly back end does not start.");
await tf.ready();
const network = await load("MobileNetV2", { modelDefinitions: [MobileNetV2Model] });

port.on("message", ({ id, picture }: { id: number; picture: Uint8Array }) => {
  scoresOf(picture).then(
    (scores) => port.postMessage({ id, scores }),
    (error: unknown) =>
      port.postMessage({ id, error: error instanceof Error ? error.message : String(error) }),
  );
});
port.postMessage({ ready: true });

async function scoresOf(picture: Uint8Array) {
  const whole = await sharp(picture, { limitInputPixels: MAX_PIXELS })
    .autoOrient()
    .resize({ width: SIDE * 4, height: SIDE * 4, fit: "inside", withoutEnlargement: true })
    // Transparency shows as white, as it does on the page.
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = whole.info;
  const views = [];
  for (const region of [undefined, ...squaresOf(width, height)]) {
    const image = sharp(whole.data, { raw: { width, height, channels } });
    if (region) image.extract(region);
    const pixels = await image.resize(SIDE, SIDE, { fit: "fill" }).raw().toBuffer();
    views.push(await look(pixels));
  }
  return worstOf(views);
}

/** Squares that cover a long picture from end to end, three at most; none for one that is not long. */
function squaresOf(width: number, height: number) {
  const side = Math.min(width, height);
  const long = Math.max(width, height);
  if (long < side * LONG) return [];
  const count = long < side * 2 ? 2 : 3;
  return Array.from({ length: count }, (_, index) => {
    const offset = Math.round(((long - side) * index) / (count - 1));
    return width > height
      ? { left: offset, top: 0, width: side, height: side }
      : { left: 0, top: offset, width: side, height: side };
  });
}

async function look(pixels: Uint8Array) {
  const input = tf.tensor3d(Int32Array.from(pixels), [SIDE, SIDE, 3], "int32");
  try {
    const classes = await network.classify(input);
    return nsfwScores.parse(
      Object.fromEntries(
        classes.map(({ className, probability }) => [String(className).toLowerCase(), probability]),
      ),
    );
  } finally {
    input.dispose();
  }
}
