/** Stored media with the chain behind them. Does not own: either side. */
import type { Redis } from "../../infra/redis.ts";
import { createShelf, type ShelfDeps } from "./shelf.ts";
import { MediaStore } from "./store.ts";

/** C6: a miss is read back from the chain, where there is a way to it; without one, what left Redis is gone. */
export function createMediaStore(
  deps: Pick<ShelfDeps, "logger" | "now"> & {
    redis: Redis;
    fetchFromChain?: ShelfDeps["fetchFromChain"] | undefined;
  },
): MediaStore {
  const { redis, fetchFromChain } = deps;
  return new MediaStore(
    redis,
    fetchFromChain ? { fromChain: createShelf({}, { ...deps, fetchFromChain }) } : {},
  );
}
