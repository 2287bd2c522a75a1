/** The auditor's process (M4). Owns: its parts and their order. It has its own chain port and its own keys. */
import type { Config } from "../config.ts";
import { createVerifier } from "../infra/ecdsa.ts";
import type { Lifecycle } from "../infra/lifecycle.ts";
import type { Logger } from "../infra/logger.ts";
import { createRedis } from "../infra/redis.ts";
import { isReal } from "../mixtures.ts";
import { createAuditor } from "../payment/index.ts";
import { readJournal } from "../round/journal-store.ts";
import { chainOf } from "./chain.ts";
import { mayCreateKeys } from "./keystores.ts";

export async function startAuditor(config: Config, logger: Logger, life: Lifecycle): Promise<void> {
  const redis = createRedis(config.REDIS_URL);
  redis.on("error", (err) => logger.warn({ err }, "Redis connection"));
  life.add("redis", async () => void (await redis.quit()));
  const auditor = await createAuditor(
    {
      network: config.NETWORK,
      port: config.AUDITOR_PORT,
      dataDir: config.DATA_DIR,
      passphrase: config.KEYSTORE_PASSPHRASE,
      createKeys: mayCreateKeys(config),
      realKeys: isReal(config),
      ...(config.METRICS_TOKEN ? { metricsToken: config.METRICS_TOKEN } : {}),
    },
    {
      chain: chainOf(config, logger),
      readJournal: (roundId) => readJournal(redis, roundId),
      verify: createVerifier(),
      logger,
      now: Date.now,
    },
  );
  life.add("auditor", () => auditor.stop());
}
