/** The settlement worker's process (M3). Owns: its parts and their order. */
import { auditHead } from "../admin/index.ts";
import type { Config } from "../config.ts";
import { createMediaKeeper } from "../content/index.ts";
import type { Lifecycle } from "../infra/lifecycle.ts";
import type { Logger } from "../infra/logger.ts";
import { createQueueAge } from "../infra/queue-age.ts";
import { closeRedis, createRedis } from "../infra/redis.ts";
import { createSettlementWorker, SETTLEMENT_QUEUE } from "../payment/index.ts";
import { enteredOf, withoutTitles } from "../round/covered.ts";
import { readJournal } from "../round/journal-store.ts";
import { chainOf } from "./chain.ts";
import { createChainFiles } from "./chain-files.ts";
import { startHealth } from "./health.ts";
import { keepTime } from "./keep-time.ts";
import { operatorKeystore } from "./keystores.ts";

export async function startPaymentWorker(config: Config, logger: Logger, life: Lifecycle): Promise<void> {
  const connect = (name: string) => {
    const redis = createRedis(config.REDIS_URL);
    redis.on("error", (err) => logger.warn({ err, name }, "Redis connection"));
    life.add(`redis ${name}`, () => closeRedis(redis));
    return redis;
  };
  const redis = connect("main");
  const { now } = await keepTime({ redis, logger }, life);
  const chain = chainOf(config, logger);
  const media = createMediaKeeper(redis);
  const worker = await createSettlementWorker(
    {
      network: config.NETWORK,
      keystore: operatorKeystore(config),
      auditorUrl: config.AUDITOR_URL,
      floatLowSats: config.FLOAT_LOW_SATS,
      floatCapSats: config.FLOAT_CAP_SATS,
      lanes: config.WALLET_LANES,
      laneSats: config.LANE_SATS,
      chainStore: config.CHAIN_STORE,
      ...(config.DEVCHAIN_URL ? { faucetUrl: config.DEVCHAIN_URL } : {}),
    },
    {
      redis,
      queueRedis: connect("queue"),
      chain,
      // M6, C6: its file goes on chain for good, and no title of what was taken down with it.
      async readJournal(roundId) {
        const entries = await readJournal(redis, roundId);
        return withoutTitles(entries, await media.takenOf(enteredOf(entries)));
      },
      readMedia: (sha256) => media.read(sha256),
      auditHead: () => auditHead({ redis, now }),
      isTakenDown: async (memeId) => (await media.takenOf([memeId])).size > 0,
      logger,
      now,
    },
  );
  life.add("settlement worker", () => worker.stop());
  const files = createChainFiles({ network: config.NETWORK }, { redis, chain });
  life.add("media cooling", media.startCooling({ finalOnChain: (all) => files.finalOf(all), logger }));
  const queues = createQueueAge([SETTLEMENT_QUEUE], { redis, logger, now });
  life.add("queue age", () => queues.stop());
  await startHealth(config, life);
}
