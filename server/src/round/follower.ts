/**
 * Rounds that other processes host, read along (R5): whoever takes one over has only the last half second of its journal
 * left to read, however long it is. Owns: reading along, for rounds that are not over; nothing is written or shown.
 * Does not own: when a round is taken over (keeper.ts), the replay itself. The state stays what the journal adds up to
 * (R4): before it is handed out, its last record is compared with the journal's.
 */
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";
import type { RoundDirectory } from "./directory.ts";
import { hasRecord, pagesStored } from "./journal-store.ts";
import { Replay } from "./replay.ts";

const EVERY_MS = 500;
/** The live one and some that still settle; each may take 100 MB with 10,000 players. */
const MAX_ROUNDS = 4;

export interface FollowerDeps {
  redis: Redis;
  directory: Pick<RoundDirectory, "unfinished">;
  logger: Pick<Logger, "warn">;
  /** Calls back after ms; what it gives back calls it off. */
  after(ms: number, run: () => void): () => void;
}

export class RoundFollower {
  private readonly arena: string;
  private readonly deps: FollowerDeps;
  private readonly replays = new Map<string, Replay>();
  /** Rounds that are hosted here. */
  private readonly own = new Set<string>();
  private callOff = (): void => undefined;
  private turn: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(options: { arena: string }, deps: FollowerDeps) {
    this.arena = options.arena;
    this.deps = deps;
  }

  start(): void {
    const loop = async () => {
      await this.look().catch((err: unknown) =>
        this.deps.logger.warn({ err }, "rounds of other processes are not read along"),
      );
      if (!this.stopped) this.callOff = this.deps.after(EVERY_MS, next);
    };
    const next = () => {
      this.turn = loop();
    };
    next();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.callOff();
    await this.turn;
    this.replays.clear();
  }

  /** Reads on in every round that is not over and not hosted here. */
  async look(): Promise<void> {
    const unfinished = await this.deps.directory.unfinished(this.arena);
    for (const roundId of this.replays.keys())
      if (!unfinished.includes(roundId)) this.replays.delete(roundId);
    for (const roundId of unfinished.filter((id) => !this.own.has(id)).slice(0, MAX_ROUNDS))
      await this.readOn(roundId);
  }

  /**
   * The round is hosted here from now on. What was read of it, or undefined: nothing, or another process reads it anew,
   * for its last record is not the journal's (Redis came back without it).
   */
  async take(roundId: string): Promise<Replay | undefined> {
    this.own.add(roundId);
    const replay = this.replays.get(roundId);
    this.replays.delete(roundId);
    const head = replay?.head;
    if (head === undefined) return undefined;
    return (await hasRecord(this.deps.redis, roundId, head.seq, head.hash)) ? replay : undefined;
  }

  /** It is not hosted here any more. */
  leave(roundId: string): void {
    this.own.delete(roundId);
  }

  private async readOn(roundId: string): Promise<void> {
    const replay = this.replays.get(roundId) ?? new Replay();
    this.replays.set(roundId, replay);
    try {
      for await (const page of pagesStored(this.deps.redis, roundId, replay.head?.seq)) {
        // Taken while this page was on its way: somebody else reads on in it.
        if (this.stopped || this.replays.get(roundId) !== replay) return;
        for (const item of page) replay.add(item);
      }
    } catch (error) {
      // What was read may be half a record too far: it begins anew.
      if (this.replays.get(roundId) === replay) this.replays.delete(roundId);
      throw error;
    }
  }
}
