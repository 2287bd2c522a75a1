/**
 * A model that passes verification (C5), out of a meme's bytes. Owns: which parameters are tried, and in which order.
 * Does not own: making and measuring models, the process this runs in (sculptor.ts).
 */
import type { ModelWish } from "@meme-rounds/shared-schema/rest-content";
import { type Model, type ModelOptions, memeToModel, verifyModel } from "../transform/index.ts";

export interface SculptInput {
  source: Uint8Array;
  /** AITubo's picture. */
  texture?: Uint8Array | undefined;
  mode: ModelWish;
}

export interface Sculpted {
  model: Model;
  /** With AITubo's picture. */
  painted: boolean;
  /** What verification found wrong with each try; the model is of the last one when none passed. */
  faults: string[];
  passed: boolean;
}

/**
 * As wished, and once more as a plain relief of the meme itself. Throws what memeToModel throws for bytes that are no
 * picture. A texture that cannot be decoded counts as a fault of the first try.
 */
export async function sculpt({ source, texture, mode }: SculptInput): Promise<Sculpted> {
  const tries: ModelOptions[] = [{ mode, ...(texture ? { texture } : {}) }, { mode: "relief" }];
  const faults: string[] = [];
  let last: { model: Model; painted: boolean } | undefined;
  for (const options of tries) {
    const painted = options.texture !== undefined;
    const model = await modelOf(source, options, faults);
    if (!model) continue;
    last = { model, painted };
    const verdict = await verifyModel(model.glb, source);
    if (verdict.ok) return { ...last, faults, passed: true };
    faults.push(`${model.stats.mode}: ${verdict.reason}`);
  }
  if (!last) throw new Error("no model could be made");
  return { ...last, faults, passed: false };
}

async function modelOf(
  source: Uint8Array,
  options: ModelOptions,
  faults: string[],
): Promise<Model | undefined> {
  try {
    return await memeToModel(source, options);
  } catch (error) {
    if (options.texture === undefined) throw error;
    faults.push(`texture: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}
