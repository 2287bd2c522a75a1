/**
 * Hints that a transaction of a round changed, as ARC's callbacks give them to whichever process is reachable. Owns:
 * hearing of them over Redis, having the status read again before anybody acts. Does not own: what is done then. The
 * sweep asks by itself at its own pace: a hint that is lost costs seconds, a forged one nothing.
 */
import type { CallbackHub } from "../chain/index.ts";
import { closeRedis, type Redis } from "../infra/redis.ts";
import { HINT_CHANNEL } from "./queue.ts";

export interface HintDeps {
  /** A connection of its own: it only listens. */
  redis: Redis;
  hub: CallbackHub;
  /** The network says something new about a transaction of this round. */
  onChange(roundId: string): void;
}

export class Hints {
  private readonly deps: HintDeps;
  /** Unsubscribing, by txid. */
  private readonly followed = new Map<string, () => void>();

  constructor(deps: HintDeps) {
    this.deps = deps;
  }

  async start(): Promise<void> {
    const { redis, hub } = this.deps;
    redis.on("message", (_channel, txid) => hub.hint(txid));
    await redis.subscribe(HINT_CHANNEL);
  }

  /** Follows these transactions (txid -> round) and no others any more. */
  follow(rounds: ReadonlyMap<string, string>): void {
    const { hub, onChange } = this.deps;
    for (const [txid, stop] of this.followed)
      if (!rounds.has(txid)) {
        stop();
        this.followed.delete(txid);
      }
    for (const [txid, roundId] of rounds)
      if (!this.followed.has(txid))
        this.followed.set(
          txid,
          hub.subscribe(txid, () => onChange(roundId)),
        );
  }

  async stop(): Promise<void> {
    this.follow(new Map());
    await closeRedis(this.deps.redis);
  }
}
