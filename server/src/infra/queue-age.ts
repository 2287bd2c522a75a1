/**
 * How much waits in a BullMQ queue and for how long: what workers are scaled by (O8). Owns: counting now and then.
 * Does not own: the queues' names and jobs.
 */
import { Queue } from "bullmq";
import type { Logger } from "./logger.ts";
import { gauge } from "./metrics.ts";
import type { Redis } from "./redis.ts";

const EVERY_MS = 5_000;
const STATES = ["waiting", "prioritized", "active", "delayed"] as const;

export interface QueueAge {
  /** Counts now. @throws what Redis throws. */
  measure(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Counts every 5 s until it is stopped: `mr_queue_jobs` by queue and state, and `mr_queue_oldest_seconds`, the age of the
 * oldest job that nobody has taken up (0 when there is none; a job that waits for its next try is not counted).
 */
export function createQueueAge(
  queues: readonly { name: string; prefix: string }[],
  deps: { redis: Redis; logger: Logger; now(): number },
): QueueAge {
  const { redis, logger, now } = deps;
  const jobs = gauge("mr_queue_jobs", "Jobs in a queue.", ["queue", "state"]);
  const oldest = gauge("mr_queue_oldest_seconds", "Age of the oldest job nobody has taken up.", ["queue"]);
  const watched = queues.map(({ name, prefix }) => new Queue(name, { connection: redis, prefix }));
  for (const queue of watched)
    queue.on("error", (err) => logger.warn({ err, queue: queue.name }, "a queue cannot be watched"));
  const measure = async (): Promise<void> => {
    for (const queue of watched) {
      const counts = await queue.getJobCounts(...STATES);
      for (const state of STATES) jobs.set({ queue: queue.name, state }, counts[state] ?? 0);
      const first = [
        ...(await queue.getJobs(["waiting"], 0, 0, true)),
        ...(await queue.getJobs(["prioritized"], 0, 0, true)),
      ];
      const since = Math.min(...first.map(({ timestamp, delay }) => timestamp + delay));
      oldest.set({ queue: queue.name }, Number.isFinite(since) ? Math.max(0, now() - since) / 1_000 : 0);
    }
  };
  const attempt = (): void =>
    void measure().catch((err: unknown) => logger.warn({ err }, "the queues cannot be counted"));
  attempt();
  const timer = setInterval(attempt, EVERY_MS);
  timer.unref();
  return {
    measure,
    async stop() {
      clearInterval(timer);
      await Promise.all(watched.map((queue) => queue.close()));
    },
  };
}
