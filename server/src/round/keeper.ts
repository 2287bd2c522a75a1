/**
 * Opens each slot on time and takes over rounds nobody hosts (R1, R3, R5).
 * Owns: when to try for a lease. Does not own: the round once its room exists.
 */
import { roundIdOf } from "@meme-rounds/shared-schema/rules";
import { type Lease, releaseLease, takeLease } from "../infra/leases.ts";
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";
import type { RoundDirectory } from "./directory.ts";
import { LEASE_TTL_MS } from "./lease-keeper.ts";
import type { RoomOptions } from "./room-deps.ts";

const EVERY_MS = 200;

export interface KeeperOptions {
  arena: string;
  roundSeconds: number;
}

export interface KeeperDeps {
  redis: Redis;
  directory: RoundDirectory;
  logger: Logger;
  now(): number;
  /** Creates the room in this very process. */
  createRoom(options: RoomOptions): Promise<void>;
}

export class RoundKeeper {
  private readonly options: KeeperOptions;
  private readonly deps: KeeperDeps;
  private timer: NodeJS.Timeout | undefined;
  private turn: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(options: KeeperOptions, deps: KeeperDeps) {
    this.options = options;
    this.deps = deps;
  }

  start(): void {
    const loop = async () => {
      await this.look().catch((err: unknown) => this.deps.logger.error({ err }, "the keeper failed to look"));
      if (!this.stopped) this.timer = setTimeout(next, EVERY_MS);
    };
    const next = () => {
      this.turn = loop();
    };
    next();
  }

  /** Takes no new round any more; rounds hosted here go on (R11). */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.turn;
  }

  /** One look: the slot that is running now, then whatever was left unfinished. */
  async look(): Promise<void> {
    const { arena, roundSeconds } = this.options;
    const length = roundSeconds * 1000;
    const opensAt = Math.floor(this.deps.now() / length) * length;
    const current = roundIdOf(arena, opensAt);
    const done = await this.deps.directory.finished(current);
    if (done === undefined) await this.host(current, opensAt);
    for (const roundId of await this.deps.directory.unfinished(arena)) {
      if (roundId === current) continue;
      const start = Number(roundId.slice(roundId.lastIndexOf("-") + 1)) * 1000;
      if (Number.isSafeInteger(start)) await this.host(roundId, start);
    }
  }

  private async host(roundId: string, opensAt: number): Promise<void> {
    if (this.stopped) return;
    const { redis, logger } = this.deps;
    const lease: Lease | undefined = await takeLease(redis, `round:${roundId}`, LEASE_TTL_MS);
    if (lease === undefined) return;
    try {
      await this.deps.createRoom({ roundId, arena: this.options.arena, opensAt, lease });
    } catch (err) {
      logger.error({ err, roundId }, "a round could not be opened here");
      await releaseLease(redis, lease);
    }
  }
}
