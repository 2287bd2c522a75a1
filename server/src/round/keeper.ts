/**
 * Opens each slot on time and takes over rounds nobody hosts (R1, R3, R5).
 * Owns: when to try for a lease, keeping it until the room does. Does not own: the round once its room exists.
 */
import { roundIdOf } from "@meme-rounds/shared-schema/rules";
import { type Lease, releaseLease, tryLease } from "../infra/leases.ts";
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";
import type { RoundDirectory } from "./directory.ts";
import { LEASE_TTL_MS, LeaseKeeper, RENEW_EVERY_MS } from "./lease-keeper.ts";
import { handicapMs, type Load } from "./placement.ts";
import type { RoomOptions } from "./room-deps.ts";

const EVERY_MS = 200;

export interface KeeperOptions {
  arena: string;
  roundSeconds: number;
}

export interface KeeperDeps {
  redis: Redis;
  directory: Pick<RoundDirectory, "finished" | "unfinished">;
  logger: Pick<Logger, "error" | "info">;
  now(): number;
  /** Calls back after ms; returns what cancels it. */
  after(ms: number, work: () => void): () => void;
  /** How busy this process is. */
  load(): Load;
  /** True when the lease of this round was let go because its host is gone. */
  frees(roundId: string): Promise<boolean>;
  /** Creates the room in this very process. */
  createRoom(options: RoomOptions): Promise<void>;
}

export class RoundKeeper {
  private readonly options: KeeperOptions;
  private readonly deps: KeeperDeps;
  private cancel = (): void => undefined;
  private turn: Promise<void> = Promise.resolve();
  private stopped = false;
  /** Rounds whose room is being made here. */
  private readonly opening = new Map<string, Promise<void>>();
  private againInMs = EVERY_MS;

  constructor(options: KeeperOptions, deps: KeeperDeps) {
    this.options = options;
    this.deps = deps;
  }

  start(): void {
    const loop = async () => {
      await this.look().catch((err: unknown) => this.deps.logger.error({ err }, "the keeper failed to look"));
      if (!this.stopped) this.cancel = this.deps.after(this.againInMs, next);
    };
    const next = () => {
      this.turn = loop();
    };
    next();
  }

  /** Takes no new round any more; rounds hosted here go on (R11). Resolves when none is being opened. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel();
    await this.turn;
    await Promise.all(this.opening.values());
  }

  /** One look: the slot that is running now, then whatever was left unfinished. */
  async look(): Promise<void> {
    const { arena, roundSeconds } = this.options;
    const length = roundSeconds * 1000;
    this.againInMs = EVERY_MS;
    const now = this.deps.now();
    const opensAt = Math.floor(now / length) * length;
    this.lookAgainIn(opensAt + length - now);
    const current = roundIdOf(arena, opensAt);
    const done = await this.deps.directory.finished(current);
    if (done === undefined) await this.host(current, opensAt);
    for (const roundId of await this.deps.directory.unfinished(arena)) {
      if (roundId === current) continue;
      const start = Number(roundId.slice(roundId.lastIndexOf("-") + 1)) * 1000;
      if (Number.isSafeInteger(start)) await this.host(roundId, start);
    }
  }

  /** A lease is tried for right when it can be free, and by the less busy first. */
  private lookAgainIn(ms: number): void {
    this.againInMs = Math.max(1, Math.min(this.againInMs, ms + handicapMs(this.deps.load())));
  }

  private async host(roundId: string, opensAt: number): Promise<void> {
    if (this.stopped || this.opening.has(roundId)) return;
    const { lease, againInMs } = await tryLease(this.deps.redis, `round:${roundId}`, LEASE_TTL_MS, opensAt);
    if (lease === undefined) {
      const isFree = await this.deps.frees(roundId);
      this.lookAgainIn(isFree ? 0 : againInMs);
      return;
    }
    const opening = this.open({ roundId, arena: this.options.arena, opensAt, lease }).finally(() =>
      this.opening.delete(roundId),
    );
    // Not waited for: other rounds must not wait for one whose replay is long or whose fee the network is slow to tell.
    this.opening.set(roundId, opening);
  }

  private async open(options: RoomOptions): Promise<void> {
    const { redis, logger } = this.deps;
    const { lease, roundId } = options;
    const done = this.keepMeanwhile(lease, roundId);
    try {
      await this.deps.createRoom(options);
    } catch (err) {
      logger.error({ err, roundId }, "a round could not be opened here");
      await releaseLease(redis, lease).catch((error: unknown) =>
        logger.error({ err: error, roundId }, "a lease was not given back: it runs out"),
      );
    } finally {
      done();
    }
  }

  /** Until the room keeps its lease itself. A loss is noticed by the first append. */
  private keepMeanwhile(lease: Lease, roundId: string): () => void {
    const { logger, after, now } = this.deps;
    const keeping = new LeaseKeeper(lease, this.deps, (err) =>
      logger.error({ err, roundId }, "a round took too long to open"),
    );
    let done = false;
    let cancel = (): void => undefined;
    const renew = (): void => {
      if (done) return;
      keeping.tick(now()).catch((err: unknown) => logger.error({ err, roundId }, "a lease was not renewed"));
      cancel = after(RENEW_EVERY_MS, renew);
    };
    cancel = after(RENEW_EVERY_MS, renew);
    return () => {
      done = true;
      cancel();
    };
  }
}
