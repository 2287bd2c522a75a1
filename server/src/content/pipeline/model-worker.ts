/** The pipeline's part that takes a core: sculptor and queue put together. Does not own: either of them. */
import type { Logger } from "../../infra/logger.ts";
import type { Redis } from "../../infra/redis.ts";
import { createMediaStore } from "../media/index.ts";
import type { ShelfDeps } from "../media/shelf.ts";
import type { Timing } from "./queues.ts";
import { startSculptWorker } from "./sculpt-worker.ts";
import { Sculptor, type SculptorOptions } from "./sculptor.ts";
import { type PipelinePart, watch } from "./watch.ts";

/** Resolves when the sculptor is warm and jobs are taken. */
export async function createModelWorker(
  deps: {
    redis: Redis;
    /** C6: where a meme's bytes are when they have left Redis. */
    fetchFromChain?: ShelfDeps["fetchFromChain"];
    logger: Logger;
    now(): number;
    timing?: Timing;
  },
  options: SculptorOptions = {},
): Promise<PipelinePart> {
  const sculptor = new Sculptor(options, deps);
  await sculptor.warm();
  const worker = startSculptWorker({ ...deps, media: createMediaStore(deps), sculptor });
  const part = watch([worker], deps.logger);
  return {
    async stop() {
      await part.stop();
      await sculptor.stop();
    },
  };
}
