/** Keeps one round's lease alive (R1). Owns: when to renew, noticing the loss. Does not own: what is done about it. */
import { type Lease, releaseLease, renewLease } from "../infra/leases.ts";
import type { Redis } from "../infra/redis.ts";

/** A dead owner's round is free again after this long. */
export const LEASE_TTL_MS = 3_000;
export const RENEW_EVERY_MS = 1_000;

export class LeaseKeeper {
  readonly lease: Lease;
  private readonly redis: Redis;
  private readonly onLost: (error: Error) => void;
  private renewedAt = Number.NEGATIVE_INFINITY;
  private lost = false;

  constructor(lease: Lease, deps: { redis: Redis }, onLost: (error: Error) => void) {
    this.lease = lease;
    this.redis = deps.redis;
    this.onLost = onLost;
  }

  /** Another process has the round: nothing that this one holds counts any more. */
  get isLost(): boolean {
    return this.lost;
  }

  /** Renews when it is time; `now` in ms, of any clock, also one that is put back. */
  async tick(now: number): Promise<void> {
    const since = now - this.renewedAt;
    if (this.lost || (since >= 0 && since < RENEW_EVERY_MS)) return;
    this.renewedAt = now;
    if (await renewLease(this.redis, this.lease, LEASE_TTL_MS)) return;
    if (this.lost) return;
    this.lost = true;
    this.onLost(new Error(`lease ${this.lease.name} was lost`));
  }

  async release(): Promise<void> {
    if (!this.lost) await releaseLease(this.redis, this.lease);
  }
}
