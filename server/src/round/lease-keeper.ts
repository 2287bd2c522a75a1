/** Keeps one round's lease alive (R1). Owns: when to renew, noticing the loss. Does not own: what is done about it. */
import { type Lease, releaseLease, renewLease } from "../infra/leases.ts";
import type { Redis } from "../infra/redis.ts";

/** A dead owner's round is free again after this long. */
export const LEASE_TTL_MS = 3_000;
const RENEW_EVERY_MS = 1_000;

export class LeaseKeeper {
  private readonly lease: Lease;
  private readonly redis: Redis;
  private readonly onLost: (error: Error) => void;
  private renewedAt = 0;
  private lost = false;

  constructor(lease: Lease, deps: { redis: Redis }, onLost: (error: Error) => void) {
    this.lease = lease;
    this.redis = deps.redis;
    this.onLost = onLost;
  }

  async tick(now: number): Promise<void> {
    if (this.lost || now - this.renewedAt < RENEW_EVERY_MS) return;
    this.renewedAt = now;
    if (await renewLease(this.redis, this.lease, LEASE_TTL_MS)) return;
    this.lost = true;
    this.onLost(new Error(`lease ${this.lease.name} was lost`));
  }

  async release(): Promise<void> {
    if (!this.lost) await releaseLease(this.redis, this.lease);
  }
}
