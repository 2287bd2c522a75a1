/**
 * The "3D look" picture from AITubo (C3), submitted once per meme whatever crashes.
 * Owns: the submit ledger and what each of AITubo's answers means for the job. Does not own: HTTP (aitubo/client).
 */
import sharp from "sharp";
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";
import { type AituboClient, AituboError } from "./aitubo/client.ts";
import type { MediaStore } from "./media-store.ts";
import type { TransformData } from "./queues.ts";

export interface LookDeps {
  aitubo: AituboClient;
  publicUrl: string;
  redis: Redis;
  media: MediaStore;
  logger: Logger;
  now(): number;
}

/** `none`: the model is made without AITubo's picture. */
export type Look = { kind: "picture"; sha256: string } | { kind: "wait"; ms: number } | { kind: "none" };

const PROMPT = "3D render of the same scene, soft clay and vinyl toy look, studio light, depth, high detail";
const STRENGTH = 0.45;
const POLL_MS = 1_000;
/** A remote job that takes longer is given up, ms. */
const GIVE_UP_MS = 120_000;
const MAX_PICTURE_BYTES = 12 * 1024 * 1024;
const LEDGER_S = 30 * 86_400;

/**
 * One step of submit -> poll -> download. Throws AituboError of kind `retry` for the queue to try again with
 * back-off; every other failure ends in `none`, so that the local transformer makes the model.
 */
export async function makeLook(data: TransformData, deps: LookDeps): Promise<Look> {
  const ledger = `mr:aitubo:${data.roundId}:${data.memeId}`;
  try {
    const remoteId = await submitOnce(ledger, data, deps);
    if (remoteId === undefined) return { kind: "none" };
    const state = await deps.aitubo.poll(remoteId);
    if (state.state === "failed") return none(deps, data, `AITubo failed the job: ${state.reason}`);
    if (state.state !== "done") {
      const since = Number((await deps.redis.hget(ledger, "at")) ?? deps.now());
      return deps.now() - since > GIVE_UP_MS
        ? none(deps, data, "AITubo took too long")
        : { kind: "wait", ms: POLL_MS };
    }
    const output = state.outputs[0];
    if (!output || output.nsfw) return none(deps, data, "AITubo gave no usable picture");
    const bytes = await deps.aitubo.download(output.url, { maxBytes: MAX_PICTURE_BYTES });
    // Decoded and encoded again: what is served is never a stranger's bytes.
    const picture = await sharp(bytes, { limitInputPixels: 40e6, failOn: "error" })
      .webp({ quality: 88 })
      .toBuffer();
    return { kind: "picture", sha256: await deps.media.put(picture, "image/webp") };
  } catch (error) {
    if (!(error instanceof AituboError)) throw error;
    if (error.kind === "rate") return { kind: "wait", ms: error.retryAfterMs ?? 5_000 };
    if (error.kind === "retry") throw error;
    return none(deps, data, error.message);
  }
}

/**
 * The remote job's id. The ledger is written before the request: where a crash left it without an id nobody knows
 * whether AITubo took the job, so it is not sent again and the model is made without it.
 */
async function submitOnce(ledger: string, data: TransformData, deps: LookDeps): Promise<string | undefined> {
  const known = await deps.redis.hget(ledger, "remoteId");
  if (known !== null) return known;
  if ((await deps.redis.hsetnx(ledger, "at", String(deps.now()))) === 0) {
    deps.logger.warn({ ...data }, "a submission to AITubo was left unclear; it is not repeated");
    return undefined;
  }
  await deps.redis.expire(ledger, LEDGER_S);
  const source = await deps.media.get(data.memeId);
  if (!source) return undefined;
  const { width = 1024, height = 1024 } = await sharp(source.bytes).metadata();
  try {
    const { remoteId } = await deps.aitubo.submit({
      prompt: PROMPT,
      imageUrl: new URL(`/media/${data.memeId}`, deps.publicUrl).href,
      strength: STRENGTH,
      width,
      height,
    });
    await deps.redis.hset(ledger, "remoteId", remoteId);
    return remoteId;
  } catch (error) {
    // Refused before anything was made: the slot in the ledger is free again.
    if (error instanceof AituboError && error.kind === "rate") await deps.redis.del(ledger);
    throw error;
  }
}

function none(deps: LookDeps, data: TransformData, reason: string): Look {
  deps.logger.warn({ ...data, reason }, "the model is made without AITubo's picture");
  return { kind: "none" };
}
