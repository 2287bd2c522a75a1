/**
 * The 3D pipeline's process: transform (AITubo) -> model (local) -> published (C3, C4).
 * Owns: the two workers and what a job does. Does not own: the transformer, the AITubo client, the queues' shape.
 */
import { DelayedError, type Job, UnrecoverableError, Worker } from "bullmq";
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";
import { Gallery } from "./gallery.ts";
import { type LookDeps, makeLook } from "./look.ts";
import { type Media, MediaStore } from "./media-store.ts";
import {
  createQueue,
  jobId,
  MODEL_QUEUE,
  type ModelData,
  modelData,
  QUEUE_PREFIX,
  TRANSFORM_QUEUE,
  type TransformData,
  transformData,
} from "./queues.ts";
import { memeToModel, verifyModel } from "./transform/index.ts";

export interface ContentWorkerDeps {
  redis: Redis;
  /** AITubo and what surrounds it; absent: models are made locally only (C8). */
  look?: Pick<LookDeps, "aitubo" | "breaker" | "judge" | "links">;
  /** A model is published for good: M6 puts it on chain. Told again after a crash. */
  onPublished(model: PublishedModel): Promise<void>;
  logger: Logger;
  now(): number;
}

/** A model and its files, by sha256. */
export interface PublishedModel {
  roundId: string;
  memeId: string;
  glb: string;
  poster: string;
  turntable: string;
  provider: "aitubo" | "local";
  /** ms. */
  at: number;
}

export interface ContentWorker {
  stop(): Promise<void>;
}

/** AITubo mostly waits. */
const TRANSFORM_CONCURRENCY = 8;
/** Longer than the slowest model on a busy machine, ms. */
const MODEL_LOCK_MS = 120_000;

export function createContentWorker(deps: ContentWorkerDeps): ContentWorker {
  const media = new MediaStore(deps.redis);
  const gallery = new Gallery(deps.redis);
  const models = createQueue<ModelData>(MODEL_QUEUE, deps.redis);
  const look: LookDeps | undefined = deps.look && { ...deps.look, ...deps, media };

  const transform = async (job: Job<TransformData>, token: string | undefined): Promise<void> => {
    const data = transformData.parse(job.data);
    const made = look ? await makeLook(data, look) : { kind: "none" as const };
    if (made.kind === "wait") {
      // Waiting holds no slot and costs no attempt.
      await job.moveToDelayed(deps.now() + made.ms, token);
      throw new DelayedError();
    }
    const texture = made.kind === "picture" ? { texture: made.sha256 } : {};
    await models.add("model", { ...data, ...texture }, { jobId: jobId("m", data.roundId, data.memeId) });
  };

  const model = async (job: Job<ModelData>): Promise<void> => {
    const { roundId, memeId, title, texture } = modelData.parse(job.data);
    if (await gallery.has(roundId, memeId)) return;
    const source = await media.get(memeId);
    if (!source) throw new UnrecoverableError(`the bytes of meme ${memeId} are gone`);
    const { made, painted } = await sculpt(
      source.bytes,
      texture ? await media.get(texture) : undefined,
      deps.logger,
    );
    const [glb, poster, turntable] = await Promise.all([
      media.put(made.glb, "model/gltf-binary"),
      media.put(made.poster, "image/webp"),
      media.put(made.turntable, "image/webp"),
    ]);
    for (const sha256 of [glb, poster, turntable]) await media.keep(sha256);
    const provider = painted ? "aitubo" : "local";
    const at = deps.now();
    await deps.onPublished({ roundId, memeId, glb, poster, turntable, provider, at });
    await gallery.publish({
      roundId,
      memeId,
      title,
      image: `/media/${memeId}`,
      glb: `/media/${glb}`,
      poster: `/media/${poster}`,
      turntable: `/media/${turntable}`,
      provider,
      at,
    });
    deps.logger.info({ roundId, memeId, ...made.stats }, "a winner became a model");
  };

  const common = {
    connection: deps.redis,
    prefix: QUEUE_PREFIX,
    stalledInterval: 15_000,
    maxStalledCount: 2,
  };
  const workers = [
    new Worker<TransformData>(TRANSFORM_QUEUE, transform, { ...common, concurrency: TRANSFORM_CONCURRENCY }),
    new Worker<ModelData>(MODEL_QUEUE, model, { ...common, concurrency: 1, lockDuration: MODEL_LOCK_MS }),
  ];
  for (const worker of workers) {
    worker.on("failed", (job, err) =>
      deps.logger.warn({ err, job: job?.id, attempts: job?.attemptsMade }, "a job of the 3D pipeline failed"),
    );
    worker.on("error", (err) => deps.logger.error({ err }, "a worker of the 3D pipeline failed"));
  }
  return {
    async stop() {
      await Promise.all(workers.map((worker) => worker.close()));
      await models.close();
    },
  };
}

/**
 * A model that passes verification (C5): as asked first, then once more as a plain relief of the meme itself.
 * Throws UnrecoverableError when neither passes: a person has to look.
 */
async function sculpt(
  source: Uint8Array,
  texture: Media | undefined,
  logger: Logger,
): Promise<{ made: Awaited<ReturnType<typeof memeToModel>>; painted: boolean }> {
  const first = { mode: "auto" as const, ...(texture ? { texture: texture.bytes } : {}) };
  for (const options of [first, { mode: "relief" as const }]) {
    const made = await memeToModel(source, options);
    const verdict = await verifyModel(made.glb, source);
    if (verdict.ok) return { made, painted: "texture" in options };
    logger.warn(
      { mode: made.stats.mode, reason: verdict.reason, figures: verdict.figures },
      "a model was refused",
    );
  }
  throw new UnrecoverableError("no model of this meme passes verification");
}
