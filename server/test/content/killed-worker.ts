/** A model worker to be killed: says when it holds a job, and keeps it. Owns: one worker on the Redis it is given. */
import { MediaStore } from "../../src/content/media/store.ts";
import { startSculptWorker } from "../../src/content/pipeline/sculpt-worker.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis } from "../../src/infra/redis.ts";
import { FAST } from "./pipeline-kit.ts";

const redis = createRedis(process.env.REDIS_URL ?? "");
const sculptor = {
  make(): Promise<never> {
    console.log("holding");
    return new Promise(() => {});
  },
};
const logger = createLogger("test", "silent");
startSculptWorker({ redis, media: new MediaStore(redis), sculptor, logger, timing: FAST });
console.log("started");
