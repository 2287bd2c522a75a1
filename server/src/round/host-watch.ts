/**
 * Notices that the live round's host is gone before its lease runs out (R5): a killed process' connections to Redis are
 * closed with it. Owns: how sure one has to be, letting the lease go. Does not own: taking it (keeper.ts). A host that is
 * taken for gone and is not loses its round, never a record: the fence sees to that (R1).
 */
import { freeLease } from "../infra/leases.ts";
import { isReachable } from "../infra/process-registry.ts";
import type { Redis } from "../infra/redis.ts";
import type { RoundDirectory } from "./directory.ts";

/** Nothing was heard of the process for so long, ms. */
const SILENT_MS = 1_100;
/** And nobody has listened for its room for so long: after Redis restarts, everybody is on the way back, ms. */
const DEAF_MS = 700;

export interface HostWatchDeps {
  redis: Redis;
  directory: Pick<RoundDirectory, "live">;
  /** ms of a clock that never goes back. */
  clock(): number;
}

export class HostWatch {
  private readonly arena: string;
  private readonly deps: HostWatchDeps;
  /** The room that nobody listens for, and since when. */
  private deaf: { roomId: string; since: number } | undefined;

  constructor(options: { arena: string }, deps: HostWatchDeps) {
    this.arena = options.arena;
    this.deps = deps;
  }

  /** True when the round's lease was let go because its host is gone. To be asked several times a second. */
  async frees(roundId: string): Promise<boolean> {
    const { redis, directory, clock } = this.deps;
    const live = await directory.live(this.arena);
    if (live?.roundId !== roundId) return false;
    const { roomId, token } = live;
    const row = await redis.hget("roomcaches", roomId);
    const processId = row === null ? undefined : (JSON.parse(row) as { processId?: string }).processId;
    // Without a row it ended by itself and gave its lease back, or others have found it dead already.
    const { listens, isHeard } =
      processId === undefined
        ? { listens: false, isHeard: false }
        : await isReachable(redis, { roomId, processId }, SILENT_MS);
    if (listens) {
      this.deaf = undefined;
      return false;
    }
    if (this.deaf?.roomId !== roomId) this.deaf = { roomId, since: clock() };
    if (isHeard || clock() - this.deaf.since < DEAF_MS) return false;
    return await freeLease(redis, { name: `round:${roundId}`, token });
  }
}
