/**
 * Jobs of the queue `sculpt`: from stored bytes to stored bytes, for winners and previews. Owns: fetching, storing and
 * the meaning of a failure for the job. Does not own: making models (sculptor.ts), what becomes of them.
 */
import { type Job, UnrecoverableError, Worker } from "bullmq";
import type { Logger } from "../../infra/logger.ts";
import { counter, histogram } from "../../infra/metrics.ts";
import type { Redis } from "../../infra/redis.ts";
import type { MediaStore } from "../media/store.ts";
import { Progress } from "./progress.ts";
import {
  lookResult,
  SCULPT_QUEUE,
  type SculptData,
  type SculptResult,
  sculptData,
  type Timing,
  workerOptions,
} from "./queues.ts";
import { type Sculptor, Unsculptable } from "./sculptor.ts";

export interface SculptWorkerDeps {
  redis: Redis;
  media: Pick<MediaStore, "get" | "put">;
  sculptor: Pick<Sculptor, "make">;
  logger: Logger;
  timing?: Timing;
}

export function startSculptWorker({ redis, media, sculptor, logger, timing }: SculptWorkerDeps): Worker {
  const progress = new Progress(redis);
  const seconds = histogram("mr_sculpt_seconds", "Time to make a model, by what it was for", ["for"]);
  const failures = counter("mr_sculpt_failures_total", "Models that were not made or not good", ["reason"]);

  const sculptJob = async (job: Job): Promise<SculptResult> => {
    const data = sculptData.parse(job.data);
    const isPreview = "preview" in data;
    if (!isPreview) await progress.set(data.roundId, data.memeId, "sculpting");
    const source = await media.get(data.memeId);
    if (!source) throw new UnrecoverableError("the meme's bytes are gone");
    const texture = isPreview ? undefined : await textureOf(job, media);
    const ended = seconds.startTimer({ for: isPreview ? "preview" : "winner" });
    const { model, painted, faults, passed } = await made(source.bytes, texture, data);
    ended();
    if (faults.length > 0) logger.warn({ job: job.id, faults }, "a model did not pass");
    if (!passed) failures.inc({ reason: "verification" });
    const [glb, poster, turntable] = await Promise.all([
      media.put(model.glb, "model/gltf-binary"),
      media.put(model.poster, "image/webp"),
      media.put(model.turntable, "image/webp"),
    ]);
    logger.info({ job: job.id, ...model.stats }, "a model was made");
    return {
      mode: model.stats.mode,
      provider: painted ? "aitubo" : "local",
      glb,
      poster,
      turntable,
      ...(passed ? {} : { refused: faults.join("; ") }),
    };
  };

  const made = async (source: Uint8Array, texture: Uint8Array | undefined, { mode }: SculptData) => {
    try {
      return await sculptor.make({ source, texture, mode });
    } catch (error) {
      const hopeless = error instanceof Unsculptable;
      failures.inc({ reason: hopeless ? "picture" : "process" });
      if (hopeless) throw new UnrecoverableError(error.message);
      throw error;
    }
  };

  return new Worker(SCULPT_QUEUE, sculptJob, { ...workerOptions(redis, timing), concurrency: 1 });
}

/** AITubo's picture from the job before this one; gone from the store is as good as never made. */
async function textureOf(job: Job, media: Pick<MediaStore, "get">): Promise<Uint8Array | undefined> {
  for (const value of Object.values(await job.getChildrenValues())) {
    const { texture } = lookResult.parse(value);
    if (texture !== undefined) return (await media.get(texture))?.bytes;
  }
  return undefined;
}
