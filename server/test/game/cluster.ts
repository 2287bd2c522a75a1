/**
 * The whole game as separate processes for one test file: Redis, devchain, AITubo, auditor, workers, game server.
 * Owns: starting and stopping them in order. Holds no assertion.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAitubo } from "../../standins/aitubo/server.ts";
import { startDevchain } from "../../standins/devchain/server.ts";
import { freePort } from "../support/ports.ts";
import { startService, type TestProcess } from "../support/processes.ts";
import { startRedis } from "../support/redis.ts";

const AITUBO_KEY = "api-test";

export interface Cluster {
  url: string;
  dataDir: string;
  redisUrl: string;
  devchain: Awaited<ReturnType<typeof startDevchain>>;
  aitubo: Awaited<ReturnType<typeof startAitubo>>;
  processes: {
    auditor: TestProcess;
    payment: TestProcess;
    content: TestProcess;
    models: TestProcess;
    game: TestProcess;
  };
  /** Starts another process of the game server on its own port. */
  another(): Promise<TestProcess & { url: string }>;
  stop(): Promise<void>;
}

export async function startCluster(options: {
  roundSeconds: number;
  /** Identities with the role admin. */
  admins?: readonly string[];
  /** Settings of every process beside those of the cluster. */
  env?: Record<string, string>;
}): Promise<Cluster> {
  const dataDir = await mkdtemp(join(tmpdir(), "meme-rounds-cluster-"));
  const redis = await startRedis({ durable: true });
  const devchain = await startDevchain({ port: 0, blockSeconds: 2 });
  const aitubo = await startAitubo({ port: 0, apiKey: AITUBO_KEY, latencyMs: 200 });
  const auditorPort = await freePort();
  const gamePort = await freePort();
  const env = {
    DATA_DIR: dataDir,
    REDIS_URL: redis.url,
    ARC_URL: devchain.url,
    WOC_URL: devchain.url,
    DEVCHAIN_URL: devchain.url,
    AITUBO_URL: aitubo.url,
    AITUBO_API_KEY: AITUBO_KEY,
    PUBLIC_URL: `http://127.0.0.1:${gamePort}`,
    AUDITOR_URL: `http://127.0.0.1:${auditorPort}`,
    AUDITOR_PORT: String(auditorPort),
    KEYSTORE_PASSPHRASE: "only for tests",
    ROUND_SECONDS: String(options.roundSeconds),
    DRAIN_SECONDS: "0",
    ADMINS: (options.admins ?? []).join(","),
    ...options.env,
  };
  const auditor = await startService("auditor", { ...env, PORT: String(auditorPort) });
  const payment = await startService("payment-worker", env);
  const content = await startService("content-worker", env);
  const models = await startService("model-worker", env);
  const services = "auth,content,round,payment,audience";
  const game = await startService(services, { ...env, PORT: String(gamePort) });
  const others: TestProcess[] = [];
  return {
    url: game.url,
    dataDir,
    redisUrl: redis.url,
    devchain,
    aitubo,
    processes: { auditor, payment, content, models, game },
    async another() {
      const one = await startService(services, env);
      others.push(one);
      return one;
    },
    async stop() {
      for (const one of [...others, game, models, content, payment, auditor]) await one.stop();
      await Promise.all([aitubo.close(), devchain.close(), redis.close()]);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
