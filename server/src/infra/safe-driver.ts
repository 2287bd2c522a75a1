/**
 * Colyseus' Redis driver with what it lacks. Owns: `insert`, an atomic claim of a room's row, so that a room created
 * twice (its first process stalled and woke late) exists once; and not finding rooms whose process is gone, so that who
 * joins one is told at once instead of after two time-outs.
 */
import { RedisDriver } from "@colyseus/redis-driver";
import { isReachable } from "./process-registry.ts";
import type { Redis } from "./redis.ts";

const ROWS = "roomcaches";
/** A process whose last heartbeat is this old does not answer now, ms. */
const SILENT_MS = 1_800;

export class SafeRedisDriver extends RedisDriver {
  private readonly rows: Redis;

  /** Takes over the connection: the driver's shutdown closes it. */
  constructor(redis: Redis) {
    super(redis);
    this.rows = redis;
  }

  /** True when this process's row is the one that stands. */
  async insert(room: { roomId: string }): Promise<boolean> {
    return (await this.rows.hsetnx(ROWS, room.roomId, JSON.stringify(room))) === 1;
  }

  override findOne(...args: Parameters<RedisDriver["findOne"]>): ReturnType<RedisDriver["findOne"]> {
    const found = super.findOne(...args);
    return args[0].roomId === undefined
      ? found
      : (this.reachable(found) as ReturnType<RedisDriver["findOne"]>);
  }

  /** The room when its process listens for it and has been heard of lately. */
  private async reachable(
    found: ReturnType<RedisDriver["findOne"]>,
  ): Promise<Awaited<ReturnType<RedisDriver["findOne"]>> | undefined> {
    const room = await found;
    if (!room) return undefined;
    const { listens, isHeard } = await isReachable(this.rows, room, SILENT_MS);
    return listens && isHeard ? room : undefined;
  }
}
