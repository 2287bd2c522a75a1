/**
 * The pipeline's part that waits for networks: AITubo's pictures before a model is made, publishing after.
 * Owns: putting these together, the depth of all queues as a metric. Does not own: what the jobs do.
 */
import type { Logger } from "../../infra/logger.ts";
import { gauge } from "../../infra/metrics.ts";
import type { Redis } from "../../infra/redis.ts";
import { Gallery } from "../gallery.ts";
import type { LookDeps } from "../look.ts";
import { MediaStore } from "../media-store.ts";
import { ReviewQueue } from "../moderation/review.ts";
import type { Verdict } from "../moderation/scores.ts";
import { startLookWorker } from "./look-worker.ts";
import { startPublishWorkers } from "./publish-worker.ts";
import { type PublishedModel, Publisher } from "./publisher.ts";
import { createQueue, LOOK_QUEUE, PUBLISH_QUEUE, SCULPT_QUEUE } from "./queues.ts";
import { type PipelinePart, watch } from "./watch.ts";

export interface ContentWorkerDeps {
  redis: Redis;
  /** Absent: models are painted with the meme itself (C8). */
  look?: Pick<LookDeps, "aitubo" | "breaker" | "judge" | "links">;
  /** C2, for posters. */
  judge(picture: Uint8Array): Promise<Verdict>;
  onPublished(model: PublishedModel): Promise<void>;
  logger: Logger;
  now(): number;
}

const DEPTH_MS = 15_000;
const STATES = ["waiting", "prioritized", "active", "delayed", "waiting-children", "failed"] as const;

export function createContentWorker(deps: ContentWorkerDeps): PipelinePart {
  const { redis, logger, now } = deps;
  const media = new MediaStore(redis);
  const review = new ReviewQueue(redis, { now });
  const publisher = new Publisher({ ...deps, media, gallery: new Gallery(redis), review });
  const look = deps.look ? { ...deps.look, redis, media, logger, now } : undefined;
  const part = watch(
    [
      startLookWorker({ redis, logger, now, ...(look ? { look } : {}) }),
      ...startPublishWorkers({ redis, publisher, judge: deps.judge, logger }),
    ],
    logger,
  );
  const depth = measureDepth(redis, logger);
  return {
    async stop() {
      await Promise.all([part.stop(), depth.stop()]);
    },
  };
}

function measureDepth(redis: Redis, logger: Logger): PipelinePart {
  const jobs = gauge("mr_pipeline_jobs", "Jobs of the 3D pipeline", ["queue", "state"]);
  const queues = [LOOK_QUEUE, SCULPT_QUEUE, PUBLISH_QUEUE].map((name) => createQueue(name, redis));
  const measure = async (): Promise<void> => {
    for (const queue of queues) {
      const counts = await queue.getJobCounts(...STATES);
      for (const state of STATES) jobs.set({ queue: queue.name, state }, counts[state] ?? 0);
    }
  };
  const timer = setInterval(
    () => measure().catch((err: unknown) => logger.warn({ err }, "the pipeline's queues cannot be counted")),
    DEPTH_MS,
  );
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
}
