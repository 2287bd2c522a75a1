/**
 * The two queues of the 3D pipeline (C3). Owns: names, job data, job options.
 * `transform` talks to AITubo (many at once, mostly waiting); `model` is CPU work (one a core).
 */
import { type JobsOptions, Queue } from "bullmq";
import { z } from "zod";
import type { Redis } from "../infra/redis.ts";

export const TRANSFORM_QUEUE = "transform";
export const MODEL_QUEUE = "model";
/** BullMQ's keys, under ours. */
export const QUEUE_PREFIX = "mr:bull";

export const transformData = z.object({
  roundId: z.string(),
  memeId: z.string(),
  title: z.string(),
});
export type TransformData = z.infer<typeof transformData>;

export const modelData = transformData.extend({
  /** sha256 of AITubo's picture in the media store, when there is one (C4). */
  texture: z.string().optional(),
});
export type ModelData = z.infer<typeof modelData>;

/**
 * Completed ids are kept for a day: adding a job of a kept id again is a no-op, which is what makes enqueueing
 * safe to repeat after a crash.
 */
const JOB_OPTIONS: JobsOptions = {
  attempts: 5,
  backoff: { type: "exponential", delay: 1_000, jitter: 0.5 },
  removeOnComplete: { age: 86_400 },
  removeOnFail: { age: 7 * 86_400 },
};

export const jobId = (kind: "t" | "m", roundId: string, memeId: string): string =>
  `${kind}-${roundId}-${memeId}`;

export const createQueue = <T>(name: string, connection: Redis): Queue<T> =>
  new Queue<T>(name, { connection, prefix: QUEUE_PREFIX, defaultJobOptions: JOB_OPTIONS });
