/**
 * Leases with fencing tokens in Redis (R1). Owns: taking, renewing and giving up a named lease.
 * Does not own: what a lease is for.
 *
 * Two keys: `lease` runs out and only says who may be asked to wait; `fence` is the newest token, for ever. A lease
 * keeps others polite, the fence keeps the journal whole: whoever writes under a token that is not the newest is
 * refused, whatever any clock says. So a lease that ran out by itself, with nobody after it, can be renewed.
 */
import { type Redis, runScript, script } from "./redis.ts";

export interface Lease {
  name: string;
  /** Grows with every holder, for ever. */
  token: number;
}

export const leaseKey = (name: string): string => `mr:lease:${name}`;
export const fenceKey = (name: string): string => `mr:fence:${name}`;
const keysOf = (name: string): string[] => [leaseKey(name), fenceKey(name)];

/**
 * The scripts, for whoever has to show what they do (the model of the simulation is compared with them).
 *
 * take: KEYS lease, fence. ARGV ttl ms, not before (unix ms by Redis' own clock, 0: at any time).
 *   Returns {token, 0}, or {0, ms until another try makes sense} when it is held or too early.
 * renew: KEYS lease, fence. ARGV token, ttl ms. Returns 1 when nobody took it after this token, else 0.
 * free: KEYS lease. ARGV token. Lets go of it for a holder that is gone; its token stays the newest until the next take.
 * release: KEYS lease, fence. ARGV token. Frees what is this token's, and uses the token up: whatever its holder still has
 *   on the way is refused. Returns 1 then, else 0.
 */
export const LEASE_SCRIPTS = {
  take: script(
    "lease.take",
    `if tonumber(ARGV[2]) > 0 then
       local time = redis.call('TIME')
       local early = tonumber(ARGV[2]) - (time[1] * 1000 + math.floor(time[2] / 1000))
       if early > 0 then return {0, early} end
     end
     local left = redis.call('PTTL', KEYS[1])
     if left ~= -2 then return {0, math.max(left, 1)} end
     local token = redis.call('INCR', KEYS[2])
     redis.call('SET', KEYS[1], token, 'PX', ARGV[1])
     return {token, 0}`,
  ),
  renew: script(
    "lease.renew",
    `if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
     redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
     return 1`,
  ),
  free: script(
    "lease.free",
    `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
     redis.call('DEL', KEYS[1])
     return 1`,
  ),
  release: script(
    "lease.release",
    `if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
     redis.call('INCR', KEYS[2])
     redis.call('DEL', KEYS[1])
     return 1`,
  ),
};

/** Either the lease, or how long another try makes no sense, ms. */
export type Attempt = { lease: Lease; againInMs: 0 } | { lease?: never; againInMs: number };

/**
 * One try to take a lease for `ttlMs`.
 * @param notBefore unix ms by Redis' clock: processes whose clocks are ahead take nothing early. 0: at any time.
 */
export async function tryLease(redis: Redis, name: string, ttlMs: number, notBefore = 0): Promise<Attempt> {
  const reply = await runScript(redis, LEASE_SCRIPTS.take, keysOf(name), [ttlMs, notBefore]);
  const [token = 0, againInMs = 0] = (reply as unknown[]).map(Number);
  return token === 0 ? { againInMs } : { lease: { name, token }, againInMs: 0 };
}

/** The lease when it is free, for `ttlMs`. */
export const takeLease = async (redis: Redis, name: string, ttlMs: number): Promise<Lease | undefined> =>
  (await tryLease(redis, name, ttlMs)).lease;

/** False when somebody took it since, or it was released: the holder must stop at once. One that ran out lives again. */
export async function renewLease(redis: Redis, lease: Lease, ttlMs: number): Promise<boolean> {
  const args = [lease.token, ttlMs];
  return Number(await runScript(redis, LEASE_SCRIPTS.renew, keysOf(lease.name), args)) === 1;
}

/** Lets others take it before it runs out, for a holder that is gone. One that is not can take it back by renewing. */
export async function freeLease(redis: Redis, lease: Lease): Promise<boolean> {
  return Number(await runScript(redis, LEASE_SCRIPTS.free, [leaseKey(lease.name)], [lease.token])) === 1;
}

/** Frees it at once. Nothing can be written under its token after that. */
export async function releaseLease(redis: Redis, lease: Lease): Promise<void> {
  await runScript(redis, LEASE_SCRIPTS.release, keysOf(lease.name), [lease.token]);
}
