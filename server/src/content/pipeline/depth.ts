/** How much waits in the 3D pipeline, and for how long: metrics. Owns: counting now and then. Does not own: the queues. */
import type { Queue } from "bullmq";
import type { Logger } from "../../infra/logger.ts";
import { gauge } from "../../infra/metrics.ts";
import type { Redis } from "../../infra/redis.ts";
import { createQueue, LOOK_QUEUE, PUBLISH_QUEUE, ROUND_QUEUE, SCULPT_QUEUE } from "./queues.ts";
import type { PipelinePart } from "./watch.ts";

const EVERY_MS = 15_000;
const STATES = ["waiting", "prioritized", "active", "delayed", "waiting-children", "failed"] as const;

export interface Depth extends PipelinePart {
  /** Counts now; throws what Redis throws. */
  measure(): Promise<void>;
}

/**
 * Counts every 15 s until it is stopped: `mr_pipeline_jobs` by queue and state, and `mr_pipeline_oldest_seconds`, the
 * age of the oldest job that nobody has taken up (0 when there is none).
 */
export function createDepth(deps: { redis: Redis; logger: Logger; now(): number }): Depth {
  const { redis, logger, now } = deps;
  const jobs = gauge("mr_pipeline_jobs", "Jobs of the 3D pipeline", ["queue", "state"]);
  const oldest = gauge("mr_pipeline_oldest_seconds", "Age of the oldest job nobody has taken up", ["queue"]);
  const queues = [LOOK_QUEUE, SCULPT_QUEUE, PUBLISH_QUEUE, ROUND_QUEUE].map((name) =>
    createQueue(name, redis),
  );
  const measure = async (): Promise<void> => {
    for (const queue of queues) {
      const counts = await queue.getJobCounts(...STATES);
      for (const state of STATES) jobs.set({ queue: queue.name, state }, counts[state] ?? 0);
      const since = await oldestOf(queue);
      oldest.set({ queue: queue.name }, since === undefined ? 0 : Math.max(0, now() - since) / 1_000);
    }
  };
  const timer = setInterval(
    () => measure().catch((err: unknown) => logger.warn({ err }, "the pipeline's queues cannot be counted")),
    EVERY_MS,
  );
  timer.unref();
  return {
    measure,
    async stop() {
      clearInterval(timer);
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
}

/** When the oldest waiting job was added, ms. Winners and previews wait in lists of their own. */
async function oldestOf(queue: Queue): Promise<number | undefined> {
  const first = await Promise.all([
    queue.getJobs(["waiting"], 0, 0, true),
    queue.getJobs(["prioritized"], 0, 0, true),
  ]);
  const times = first.flat().map((job) => job.timestamp);
  return times.length === 0 ? undefined : Math.min(...times);
}
