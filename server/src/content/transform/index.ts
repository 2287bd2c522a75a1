/**
 * The local transformer: a meme becomes a 3D model, without any network (C3, C4).
 * Owns: the way from picture bytes to GLB, poster and turntable. Does not own: the queue, storage, AITubo.
 */
import { performance } from "node:perf_hooks";
import { writeGlb } from "./gltf.ts";
import { loadSurfaces } from "./load.ts";
import { loadPeopleFinder, type PeopleFinder } from "./people/index.ts";
import { decodePicture } from "./picture.ts";
import { renderPoster, renderTurntable } from "./render.ts";
import { composeScene, type ModelMode } from "./scene.ts";

export { type Verification, validateGlb, verifyModel } from "./verify.ts";
export type { ModelMode };

export interface ModelOptions {
  /**
   * `diorama` cuts the subject out, `relief` embosses the whole picture, `auto` cuts out only what is clear enough.
   * A diorama of a picture in which nothing stands out is a relief all the same.
   */
  mode: "auto" | ModelMode;
  /** Longest side at which the picture is worked on, pixels; 1,024 by default. */
  maxSide?: number;
  /** A picture to paint the model with instead of the source; raised and printed letters keep the source's pixels. */
  texture?: Uint8Array;
}

export interface Model {
  glb: Uint8Array;
  /** WebP, 720 pixels square. */
  poster: Uint8Array;
  /** Animated WebP, 320 pixels square, 24 frames. */
  turntable: Uint8Array;
  stats: {
    mode: ModelMode;
    triangles: number;
    glbBytes: number;
    /** From picture to GLB, poster and turntable not included, ms. */
    ms: number;
  };
}

export interface ModelDeps {
  /** ms. */
  now(): number;
  peopleFinder(): Promise<PeopleFinder>;
}

const DEFAULT_SIDE = 1_024;

/** One a process: the library behind it has one back end a process, too. */
const sharedPeopleFinder = once(loadPeopleFinder);

/** Loads what every model needs, so that the first one is no slower than the others. */
export const warmTransformer = async (): Promise<void> => void (await sharedPeopleFinder());

/**
 * Makes a model of a picture (jpeg, png, webp, gif: the first frame). The same input gives the same bytes.
 * Throws sharp's error when `picture` or `texture` cannot be decoded or has over 40 million pixels.
 */
export async function memeToModel(
  picture: Uint8Array,
  options: ModelOptions,
  deps: ModelDeps = { now: () => performance.now(), peopleFinder: sharedPeopleFinder },
): Promise<Model> {
  const startedAt = deps.now();
  const side = options.maxSide ?? DEFAULT_SIDE;
  const source = await decodePicture(picture, side);
  const texture = options.texture ? await decodePicture(options.texture, side) : undefined;
  const scene = await composeScene(source, texture, options.mode, await deps.peopleFinder());
  const { glb, triangles } = await writeGlb(scene);
  const ms = Math.round(deps.now() - startedAt);
  const surfaces = await loadSurfaces(glb);
  const poster = await renderPoster(surfaces);
  const turntable = await renderTurntable(surfaces);
  return { glb, poster, turntable, stats: { mode: scene.mode, triangles, glbBytes: glb.length, ms } };
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load();
    return loaded;
  };
}
