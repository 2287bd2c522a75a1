/**
 * Leases with fencing tokens in Redis (R1). Owns: taking, renewing and giving up a named lease.
 * Does not own: what a lease is for. A token only ever grows; whoever writes under an old one is refused.
 */
import { type Redis, runScript, script } from "./redis.ts";

export interface Lease {
  name: string;
  /** Grows by one with every holder, for ever. */
  token: number;
}

const keysOf = (name: string): string[] => [`mr:lease:${name}`, `mr:fence:${name}`];

/**
 * KEYS lease, fence. ARGV ttl ms. Takes a free lease and gives it the next token.
 * Returns the token, or 0 when somebody holds it.
 */
const TAKE = script(
  "lease.take",
  `if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
   local token = redis.call('INCR', KEYS[2])
   redis.call('SET', KEYS[1], token, 'PX', ARGV[1])
   return token`,
);
/** KEYS lease. ARGV token, ttl ms. Returns 1 when it was ours and lives on, else 0. */
const RENEW = script(
  "lease.renew",
  `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
   redis.call('PEXPIRE', KEYS[1], ARGV[2])
   return 1`,
);
/** KEYS lease. ARGV token. Deletes it when it is ours. */
const RELEASE = script(
  "lease.release",
  `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
   return 0`,
);

export const leaseKey = (name: string): string => `mr:lease:${name}`;

export async function takeLease(redis: Redis, name: string, ttlMs: number): Promise<Lease | undefined> {
  const token = Number(await runScript(redis, TAKE, keysOf(name), [ttlMs]));
  return token === 0 ? undefined : { name, token };
}

/** False when the lease was lost: the holder must stop at once. */
export async function renewLease(redis: Redis, lease: Lease, ttlMs: number): Promise<boolean> {
  return Number(await runScript(redis, RENEW, [leaseKey(lease.name)], [lease.token, ttlMs])) === 1;
}

export async function releaseLease(redis: Redis, lease: Lease): Promise<void> {
  await runScript(redis, RELEASE, [leaseKey(lease.name)], [lease.token]);
}
