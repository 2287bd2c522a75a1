/** The 3D pipeline's process. Owns: its parts and their order. */
import type { Config } from "../config.ts";
import { createAitubo } from "../content/aitubo/client.ts";
import { createContentWorker } from "../content/worker.ts";
import type { Lifecycle } from "../infra/lifecycle.ts";
import type { Logger } from "../infra/logger.ts";
import { createRedis } from "../infra/redis.ts";
import { createRecordQueue, modelJobs } from "../payment/index.ts";
import { startHealth } from "./health.ts";

const AITUBO_TIMEOUT_MS = 20_000;

export async function startContentWorker(config: Config, logger: Logger, life: Lifecycle): Promise<void> {
  const redis = createRedis(config.REDIS_URL);
  redis.on("error", (err) => logger.warn({ err }, "Redis connection"));
  life.add("redis", async () => void (await redis.quit()));
  const aitubo = config.AITUBO_API_KEY
    ? createAitubo({
        baseUrl: config.AITUBO_URL,
        apiKey: config.AITUBO_API_KEY,
        timeoutMs: AITUBO_TIMEOUT_MS,
      })
    : undefined;
  if (!aitubo || !config.PUBLIC_URL)
    logger.warn("AITubo is off: it needs AITUBO_API_KEY and PUBLIC_URL; models are made locally (C8)");
  const records = createRecordQueue(redis);
  const worker = createContentWorker(config.PUBLIC_URL ? { publicUrl: config.PUBLIC_URL } : {}, {
    redis,
    logger,
    now: Date.now,
    async onPublished({ at, ...fields }) {
      for (const job of modelJobs(fields, at)) await records.publish(job);
    },
    ...(aitubo ? { aitubo } : {}),
  });
  life.add("content worker", () => worker.stop());
  await startHealth(config, life);
}
