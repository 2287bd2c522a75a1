/**
 * Jobs of the queues `publish` and `round-models`. Owns: telling a made model from one that failed. Does not own:
 * publishing itself (publisher.ts).
 */
import { type Job, Worker } from "bullmq";
import type { Logger } from "../../infra/logger.ts";
import type { Redis } from "../../infra/redis.ts";
import type { Verdict } from "../moderation/scores.ts";
import type { Publisher } from "./publisher.ts";
import {
  PUBLISH_QUEUE,
  ROUND_QUEUE,
  roundData,
  sculptResult,
  winnerSchema,
  workerOptions,
} from "./queues.ts";

export interface PublishWorkerDeps {
  redis: Redis;
  publisher: Pick<Publisher, "publish" | "hold">;
  /** C2 on a poster. */
  judge(picture: Uint8Array): Promise<Verdict>;
  logger: Logger;
}

export function startPublishWorkers({ redis, publisher, judge, logger }: PublishWorkerDeps): Worker[] {
  const publish = async (job: Job): Promise<void> => {
    const winner = winnerSchema.parse(job.data);
    const [made] = Object.values(await job.getChildrenValues());
    if (made !== undefined) return await publisher.publish(winner, sculptResult.parse(made), judge);
    const [reason = "no model could be made"] = Object.values(await job.getIgnoredChildrenFailures());
    await publisher.hold(winner, reason, undefined);
  };
  const round = async (job: Job): Promise<void> => {
    const { roundId } = roundData.parse(job.data);
    logger.info({ roundId }, "all winners of a round are through");
  };
  return [
    new Worker(PUBLISH_QUEUE, publish, { ...workerOptions(redis), concurrency: 4 }),
    new Worker(ROUND_QUEUE, round, workerOptions(redis)),
  ];
}
