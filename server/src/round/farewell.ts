/**
 * One round leaving its process (R11). Owns: what its people are told, and the order in which the round is let go of, so
 * that whatever was accepted is answered and the next process starts at once. Does not own: when (drain.ts), sockets.
 */
import type { Notice } from "@meme-rounds/shared-schema/messages";
import type { RoundActor } from "./actor.ts";
import type { HostedRound } from "./drain.ts";
import type { LeaseKeeper } from "./lease-keeper.ts";
import type { RoundLife } from "./life.ts";

export interface FarewellDeps {
  actor: Pick<RoundActor, "close" | "open">;
  life: Pick<RoundLife, "isFinished">;
  lease: Pick<LeaseKeeper, "release">;
  now(): number;
  tell(notice: Notice): void;
  /** The room begins nothing any more; what it sends from now on nobody would count. */
  still(): void;
  /** Closes the players' sockets with the code that brings them back to the round. */
  close(): Promise<unknown>;
}

const FINISHED_HERE = "This server is being updated. Your round is finished on it first.";
const GOES_ON = "This server is being updated. The round goes on on another one in a moment.";

export class Farewell implements HostedRound {
  readonly roundId: string;
  private readonly deps: FarewellDeps;
  private said: Notice | undefined;
  private going = false;

  constructor(deps: FarewellDeps) {
    this.deps = deps;
    this.roundId = deps.actor.open.roundId;
  }

  /** What those who come now have to know, too. */
  get notice(): Notice | undefined {
    return this.said;
  }

  /** Another process has the round, or will have it in a moment. */
  get isGoing(): boolean {
    return this.going;
  }

  standing() {
    return { closesAt: this.deps.actor.open.closesAt, isFinished: this.deps.life.isFinished };
  }

  warn(until: number): void {
    const at = this.deps.now();
    this.said = { kind: "drain", text: until > at ? FINISHED_HERE : GOES_ON, at, until };
    this.deps.tell(this.said);
  }

  /** Answers first, the lease next, the sockets last: who comes back finds the round being taken over already. */
  async handOver(): Promise<void> {
    const { actor, lease, still, close } = this.deps;
    this.going = true;
    still();
    try {
      await actor.close();
      await lease.release();
    } finally {
      // Not waited for: a seat that was given and not taken keeps a room for seconds, and nobody else waits for it.
      void close();
    }
  }
}
