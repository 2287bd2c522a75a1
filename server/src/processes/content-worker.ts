/** The process of the 3D pipeline's slow calls: AITubo, publishing. Owns: its parts and their order. */
import type { Config } from "../config.ts";
import { modelsStatus, providerOf } from "../content/aitubo/provider.ts";
import { lookParts } from "../content/aitubo/setup.ts";
import { createClassifier } from "../content/moderation/classifier.ts";
import { isUnsafe } from "../content/moderation/scores.ts";
import { createContentWorker } from "../content/pipeline/content-worker.ts";
import type { Lifecycle } from "../infra/lifecycle.ts";
import type { Logger } from "../infra/logger.ts";
import { closeRedis, createRedis } from "../infra/redis.ts";
import { createRecordQueue, modelJobs } from "../payment/index.ts";
import { chainOf } from "./chain.ts";
import { createChainFiles } from "./chain-files.ts";
import { startHealth } from "./health.ts";
import { keepTime } from "./keep-time.ts";

export async function startContentWorker(config: Config, logger: Logger, life: Lifecycle): Promise<void> {
  const redis = createRedis(config.REDIS_URL);
  redis.on("error", (err) => logger.warn({ err }, "Redis connection"));
  life.add("redis", () => closeRedis(redis));
  const { now } = await keepTime({ redis, logger }, life);
  const classifier = createClassifier({}, { logger });
  life.add("classifier", () => classifier.stop());
  const status = { redis, logger, now };
  const thresholds = {
    rejectExplicit: config.NSFW_REJECT,
    reviewExplicit: config.NSFW_REVIEW,
    reviewSuggestive: config.NSFW_REVIEW_SUGGESTIVE,
  };
  const judge = async (picture: Uint8Array) => isUnsafe(await classifier.scoresOf(picture), thresholds);
  const look = lookParts(config, { ...status, judge });
  // The first poster comes within seconds of a round's end.
  classifier.warm().catch((err: unknown) => logger.error({ err }, "the classifier does not start"));
  const provider = providerOf(config);
  if (provider.provider === "local") logger.warn({ reason: provider.reason }, "AITubo is off (C8)");
  const records = createRecordQueue(redis);
  const files = createChainFiles({ network: config.NETWORK }, { redis, chain: chainOf(config, logger) });
  const worker = createContentWorker({
    redis,
    fetchFromChain: (sha256) => files.fetch(sha256),
    logger,
    now,
    judge,
    async onPublished({ at, ...fields }) {
      for (const job of modelJobs(fields, at)) await records.publish(job);
    },
    ...(look ? { look } : {}),
  });
  life.add("content worker", () => worker.stop());
  await startHealth(config, life, async () => ({ models: await modelsStatus(config, status) }));
}
