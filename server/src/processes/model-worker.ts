/** The process that makes models: CPU work, apart from everything that waits for a network. Owns: its parts and their order. */
import type { Config } from "../config.ts";
import { createModelWorker } from "../content/pipeline/model-worker.ts";
import type { Lifecycle } from "../infra/lifecycle.ts";
import type { Logger } from "../infra/logger.ts";
import { closeRedis, createRedis } from "../infra/redis.ts";
import { chainOf } from "./chain.ts";
import { createChainFiles } from "./chain-files.ts";
import { startHealth } from "./health.ts";
import { keepTime } from "./keep-time.ts";

export async function startModelWorker(config: Config, logger: Logger, life: Lifecycle): Promise<void> {
  const redis = createRedis(config.REDIS_URL);
  redis.on("error", (err) => logger.warn({ err }, "Redis connection"));
  life.add("redis", () => closeRedis(redis));
  const { now } = await keepTime({ redis, logger }, life);
  const files = createChainFiles({ network: config.NETWORK }, { redis, chain: chainOf(config, logger) });
  const worker = await createModelWorker({
    redis,
    fetchFromChain: (sha256) => files.fetch(sha256),
    logger,
    now,
  });
  life.add("model worker", () => worker.stop());
  await startHealth(config, life);
}
