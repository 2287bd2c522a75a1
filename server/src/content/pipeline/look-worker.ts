/**
 * Jobs of the queue `look`: AITubo's picture of a winner. Owns: waiting without holding a slot, what is shown meanwhile.
 * Does not own: what AITubo's answers mean (look.ts).
 */
import { DelayedError, type Job, Worker } from "bullmq";
import type { Logger } from "../../infra/logger.ts";
import type { Redis } from "../../infra/redis.ts";
import { type LookDeps, makeLook } from "../aitubo/look.ts";
import { Progress } from "./progress.ts";
import { LOOK_QUEUE, type lookResult, winnerSchema, workerOptions } from "./queues.ts";

export interface LookWorkerDeps {
  redis: Redis;
  /** Absent: AITubo is off, every model is painted with the meme itself (C8). */
  look?: LookDeps;
  logger: Logger;
  now(): number;
}

/** AITubo mostly waits. */
const CONCURRENCY = 8;

export function startLookWorker({ redis, look, logger, now }: LookWorkerDeps): Worker {
  const progress = new Progress(redis);
  return new Worker(
    LOOK_QUEUE,
    async (job: Job, token): Promise<ReturnType<typeof lookResult.parse>> => {
      const winner = winnerSchema.parse(job.data);
      if (!look) return {};
      await progress.set(winner.roundId, winner.memeId, "painting");
      const made = await makeLook(winner, look);
      switch (made.kind) {
        case "wait":
          // Waiting holds no slot and costs no attempt.
          await job.moveToDelayed(now() + made.ms, token);
          throw new DelayedError();
        case "picture":
          return { texture: made.sha256 };
        case "none":
          logger.info({ ...winner, reason: made.reason }, "a model without AITubo's picture");
          return {};
      }
    },
    { ...workerOptions(redis), concurrency: CONCURRENCY },
  );
}
