/** A Redis and the /media route on a port of its own, for tests. Holds no assertion. */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { mediaRouter } from "../../src/content/media/routes.ts";
import { MediaStore, type MediaStoreOptions } from "../../src/content/media/store.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { startRedis } from "../support/redis.ts";

export const quiet = createLogger("test", "silent");
export const someBytes = (length = 1_000): Uint8Array => new Uint8Array(randomBytes(length));

export interface MediaRig {
  redis: Redis;
  url: string;
  /** A store on the same Redis, as another process has one. */
  store(options?: MediaStoreOptions): MediaStore;
  /** What the route serves from now on. */
  serve(store: MediaStore): void;
  stop(): Promise<void>;
}

export async function startMedia(): Promise<MediaRig> {
  const server = await startRedis();
  const redis = createRedis(server.url);
  const app = express();
  app.disable("x-powered-by");
  let serving = new MediaStore(redis);
  app.use("/media", (req, res, next) => mediaRouter(serving, quiet)(req, res, next));
  const http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    redis,
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/media`,
    store: (options) => new MediaStore(redis, options),
    serve(store) {
      serving = store;
    },
    async stop() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      redis.disconnect();
      await server.close();
    },
  };
}
