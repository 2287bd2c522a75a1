/**
 * Connections to Redis and documented scripts. Owns: connection options, script registration.
 * Does not own: any key; each store names its own, all under `mr:`.
 */
import { createHash } from "node:crypto";
import { Redis } from "ioredis";

export { Redis };

/** A connection that waits for Redis instead of failing commands while it restarts (BullMQ needs the same). */
export function createRedis(url: string): Redis {
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(2_000, 50 * attempt),
  });
  redis.on("connect", () => writeTogether(redis.stream));
  return redis;
}

/** Ends a connection: after what is under way where Redis is there; at once where it is not, since nothing would come. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === "ready") await redis.quit();
  else redis.disconnect();
}

/**
 * What is asked in one turn leaves in one write, in order. ioredis makes a system call of each command, and they were the
 * second largest cost of a storm of joins.
 */
function writeTogether(stream: Redis["stream"]): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let open = false;
  stream.write = (...args: unknown[]): boolean => {
    if (!open) {
      open = true;
      stream.cork();
      process.nextTick(() => {
        open = false;
        stream.uncork();
      });
    }
    return write(...args);
  };
}

/** A Lua script: one atomic step over several keys. The comment at its head says keys, arguments and results. */
export interface Script {
  name: string;
  lua: string;
  sha: string;
}

export const script = (name: string, lua: string): Script => ({
  name,
  lua,
  sha: createHash("sha1").update(lua).digest("hex"),
});

/** Runs a script by its hash, loading it where Redis does not know it yet. */
export async function runScript(
  redis: Redis,
  code: Script,
  keys: string[],
  args: (string | number | Buffer)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(code.sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
    return await redis.eval(code.lua, keys.length, ...keys, ...args);
  }
}
