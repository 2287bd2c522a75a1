/**
 * Addresses as keys that do not tell the address (I6). Owns: the salt and how it changes from day to day.
 * Does not own: how long anything is kept under such a key; each key has its own TTL.
 *
 * The salt of a day follows from a secret that all processes have, so they agree without asking anybody. There are
 * few enough addresses to try them all: the hash is worth what the secret is worth, and the TTL does the rest.
 */
import { createHmac, hash } from "node:crypto";
import { networkOf } from "./client-ip.ts";

/** 22 characters that stand for an address (IPv6: its /64) until midnight UTC. */
export type IpHash = (ip: string) => string;

const DAY_MS = 86_400_000;
/** Hashes remembered, so that a caller who comes again costs no hashing. */
const REMEMBERED = 10_000;

/** `secret`: the same in every process, derived from one of the configuration. `now`: ms since the epoch. */
export function createIpHash(options: { secret: string }, deps: { now(): number }): IpHash {
  let day = -1;
  let salt: Buffer = Buffer.alloc(0);
  const known = new Map<string, string>();
  return (ip) => {
    const today = Math.floor(deps.now() / DAY_MS);
    if (today !== day) {
      day = today;
      salt = createHmac("sha256", options.secret).update(`ip salt ${today}`).digest();
      known.clear();
    }
    const had = known.get(ip);
    if (had !== undefined) return had;
    // The salt is a secret of a fixed length, and half of the hash stays here: nothing to lengthen. One call is a
    // fiftieth of an HMAC, and in a rush everybody is new.
    const made = hash("sha256", Buffer.concat([salt, Buffer.from(networkOf(ip))]), "buffer")
      .subarray(0, 16)
      .toString("base64url");
    if (known.size >= REMEMBERED) known.clear();
    known.set(ip, made);
    return made;
  };
}
