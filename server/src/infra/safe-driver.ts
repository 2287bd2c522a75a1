/**
 * Colyseus' Redis driver with the insert it lacks. Owns: `insert`, an atomic claim of a room's row, so that a room
 * created twice (its first process stalled and woke late) exists once.
 */
import { RedisDriver } from "@colyseus/redis-driver";
import type { Redis } from "./redis.ts";

export class SafeRedisDriver extends RedisDriver {
  private readonly rows: Redis;

  /** Takes over the connection: the driver's shutdown closes it. */
  constructor(redis: Redis) {
    super(redis);
    this.rows = redis;
  }

  /** True when this process's row is the one that stands. */
  async insert(room: { roomId: string }): Promise<boolean> {
    return (await this.rows.hsetnx("roomcaches", room.roomId, JSON.stringify(room))) === 1;
  }
}
