/**
 * Jobs of the queues `publish` and `round-models`. Owns: telling a made model from one that failed, and that no winner
 * is left without an end. Does not own: publishing itself (publisher.ts).
 */
import { Job, Worker } from "bullmq";
import type { Logger } from "../../infra/logger.ts";
import type { Redis } from "../../infra/redis.ts";
import type { Verdict } from "../moderation/scores.ts";
import type { Publisher } from "./publisher.ts";
import {
  createQueue,
  PUBLISH_QUEUE,
  ROUND_QUEUE,
  roundData,
  type SculptResult,
  sculptResult,
  winnerSchema,
  workerOptions,
} from "./queues.ts";

export interface PublishWorkerDeps {
  redis: Redis;
  publisher: Pick<Publisher, "publish" | "hold" | "abandon">;
  /** C2 on a poster. */
  judge(picture: Uint8Array): Promise<Verdict>;
  logger: Logger;
}

export function startPublishWorkers({ redis, publisher, judge, logger }: PublishWorkerDeps): Worker[] {
  const publishing = createQueue(PUBLISH_QUEUE, redis);
  const publish = async (job: Job): Promise<void> => {
    const winner = winnerSchema.parse(job.data);
    const made = await madeFor(job);
    if (made) return await publisher.publish(winner, made, judge);
    const [reason = "no model could be made"] = Object.values(await job.getIgnoredChildrenFailures());
    await publisher.hold(winner, reason, undefined);
  };
  const round = async (job: Job): Promise<void> => {
    const { roundId } = roundData.parse(job.data);
    for (const [key, reason] of Object.entries(await job.getIgnoredChildrenFailures())) {
      const lost = await Job.fromId(publishing, key.slice(key.lastIndexOf(":") + 1));
      if (!lost) throw new Error(`the job ${key} is gone, and with it whose model it was`);
      await publisher.abandon(winnerSchema.parse(lost.data), reason, await madeFor(lost));
    }
    logger.info({ roundId }, "all winners of a round are through");
  };
  const rounds = new Worker(ROUND_QUEUE, round, workerOptions(redis));
  rounds.once("closed", () => {
    publishing.close().catch((err: unknown) => logger.warn({ err }, "a queue did not close"));
  });
  return [new Worker(PUBLISH_QUEUE, publish, { ...workerOptions(redis), concurrency: 4 }), rounds];
}

/** What the sculptor made for a `publish` job, if anything. */
async function madeFor(job: Job): Promise<SculptResult | undefined> {
  const [made] = Object.values(await job.getChildrenValues());
  return made === undefined ? undefined : sculptResult.parse(made);
}
