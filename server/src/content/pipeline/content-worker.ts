/**
 * The pipeline's part that waits for networks: AITubo's pictures before a model is made, publishing after.
 * Owns: putting these together. Does not own: what the jobs do.
 */
import type { Logger } from "../../infra/logger.ts";
import type { Redis } from "../../infra/redis.ts";
import type { LookDeps } from "../aitubo/look.ts";
import { Gallery } from "../gallery.ts";
import { createMediaStore } from "../media/index.ts";
import type { ShelfDeps } from "../media/shelf.ts";
import { ReviewQueue } from "../moderation/review.ts";
import type { Verdict } from "../moderation/scores.ts";
import { createDepth } from "./depth.ts";
import { startLookWorker } from "./look-worker.ts";
import { startPublishWorkers } from "./publish-worker.ts";
import { type PublishedModel, Publisher } from "./publisher.ts";
import { type PipelinePart, watch } from "./watch.ts";

export interface ContentWorkerDeps {
  redis: Redis;
  /** C6: where bytes are when they have left Redis. */
  fetchFromChain?: ShelfDeps["fetchFromChain"];
  /** Absent: models are painted with the meme itself (C8). */
  look?: Pick<LookDeps, "aitubo" | "breaker" | "judge" | "links">;
  /** C2, for posters. */
  judge(picture: Uint8Array): Promise<Verdict>;
  onPublished(model: PublishedModel): Promise<void>;
  logger: Logger;
  now(): number;
}

export function createContentWorker(deps: ContentWorkerDeps): PipelinePart {
  const { redis, logger, now } = deps;
  const media = createMediaStore(deps);
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
  const depth = createDepth(deps);
  return {
    async stop() {
      await Promise.all([part.stop(), depth.stop()]);
    },
  };
}
