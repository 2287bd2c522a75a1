/** The auditor's process (M4). Owns: its parts and their order. It has its own chain port and its own keys. */
import type { Config } from "../config.ts";
import { startHostClock } from "../infra/cluster-clock.ts";
import { createVerifier } from "../infra/ecdsa.ts";
import type { Lifecycle } from "../infra/lifecycle.ts";
import type { Logger } from "../infra/logger.ts";
import { closeRedis, createRedis } from "../infra/redis.ts";
import { isReal } from "../mixtures.ts";
import { createAuditor, publishHead } from "../payment/index.ts";
import { RoundDirectory } from "../round/directory.ts";
import { readFrom, readJournal } from "../round/journal-store.ts";
import { chainOf } from "./chain.ts";
import { mayCreateKeys } from "./keystores.ts";

/** The auditor's own providers where they are named; it asks no second broadcaster and needs no callbacks. */
function ownChain(config: Config): Config {
  const { AUDITOR_ARC_URL: arc, AUDITOR_ARC_API_KEY: key, AUDITOR_WOC_URL: woc, ...rest } = config;
  const { ARC_API_KEY, ARC2_URL, CALLBACK_URL, CALLBACK_TOKEN, ...common } = rest;
  const asked = arc === undefined ? { ARC_API_KEY, ARC2_URL } : { ARC_URL: arc, ARC_API_KEY: key };
  return { ...common, ...asked, ...(woc === undefined ? {} : { WOC_URL: woc }) };
}

export async function startAuditor(config: Config, logger: Logger, life: Lifecycle): Promise<void> {
  const redis = createRedis(config.REDIS_URL);
  redis.on("error", (err) => logger.warn({ err }, "Redis connection"));
  life.add("redis", () => closeRedis(redis));
  // Only to see how far it is off: the auditor judges the operator's times by its own clock (M4).
  const clock = await startHostClock({ redis, logger });
  life.add("clock", () => clock.stop());
  const directory = new RoundDirectory(redis);
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
      chain: chainOf(ownChain(config), logger),
      readJournal: (roundId) => readJournal(redis, roundId),
      source: {
        liveRounds: () => directory.unfinished(config.ARENA),
        readFrom: (roundId, fromSeq, count) => readFrom(redis, roundId, fromSeq, count),
        publishHead: (roundId, head, isNew) => publishHead(redis, roundId, head, isNew),
      },
      verify: createVerifier(),
      logger,
      now: Date.now,
    },
  );
  life.add("auditor", () => auditor.stop());
}
