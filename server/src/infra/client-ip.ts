/**
 * Whose address a request came from (I5). Owns: which proxies are believed, one written form of an address, the
 * network an address is counted as. Does not own: what is done about an address.
 */
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import express from "express";

/** Who asks, as far as a request says: node's own requests are such, and those of other servers can be made into one. */
export interface Caller {
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** Whether the hop at this distance from us (0: our own socket's peer) is a proxy of ours. */
export type Trust = (address: string, hop: number) => boolean;

/**
 * TRUST_PROXY as a rule: empty trusts nobody; a number is how many hops in front of us are ours; otherwise addresses,
 * CIDRs or `loopback`, `linklocal`, `uniquelocal`, separated by commas.
 * Throws TypeError for anything else; `true` (believe everybody) is not taken.
 */
export function trustOf(text: string): Trust {
  if (text.trim() === "") return () => false;
  const app = express();
  try {
    app.set("trust proxy", /^\d+$/.test(text.trim()) ? Number(text) : text);
  } catch (cause) {
    throw new TypeError(`TRUST_PROXY: ${text} names no proxy`, { cause });
  }
  return app.get("trust proxy fn") as Trust;
}

/** Whether `trustOf` takes it. */
export function isTrust(text: string): boolean {
  try {
    trustOf(text);
    return true;
  } catch {
    // The reason is in the name of the setting.
    return false;
  }
}

/** An IPv6 address as eight numbers of 16 bits; undefined when it is none. */
export function groupsOf(address: string): number[] | undefined {
  if (isIP(address) !== 6 || address.includes("%")) return undefined;
  // The URL parser writes every form of an address in one: no dotted tail, one `::` at most.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const numbers = (part: string) =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const left = numbers(head);
  const right = tail === undefined ? [] : numbers(tail);
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/** One written form of an address; IPv4 inside IPv6 becomes IPv4. Undefined when it is no address. */
export function canonicalIp(text: string): string | undefined {
  const address = text.replace(/%.*$/, "");
  const family = isIP(address);
  if (family === 4) return address;
  const groups = groupsOf(address);
  if (groups === undefined) return undefined;
  const [a, b, c, d, e, mark, high = 0, low = 0] = groups;
  if (!a && !b && !c && !d && !e && mark === 0xffff)
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/** What is counted as one caller: an IPv4 address, or the /64 an IPv6 address lies in (one household has all of it). */
export function networkOf(address: string): string {
  const canonical = canonicalIp(address) ?? "unknown";
  const groups = groupsOf(canonical);
  return groups === undefined
    ? canonical
    : `${groups
        .slice(0, 4)
        .map((group) => group.toString(16))
        .join(":")}::/64`;
}

/** Whether a canonical address is this machine's own: 127.0.0.0/8 or ::1. */
export const isLoopbackIp = (address: string): boolean => address === "::1" || address.startsWith("127.");

/**
 * The caller's address by the same steps as express' `req.ip`, for requests express never sees (upgrades, seats):
 * from our socket outwards, the first hop that is no proxy of ours. Only X-Forwarded-For is read, and only as far as
 * trusted proxies wrote it; `unknown` when the socket is gone or a trusted proxy wrote what is no address.
 */
export function createClientIp(trust: Trust): (req: Caller) => string {
  return (req) => {
    const peer = req.socket.remoteAddress ?? "";
    const header = req.headers["x-forwarded-for"];
    // Not even parsed where nobody is trusted.
    if (header === undefined || !trust(peer, 0)) return canonicalIp(peer) ?? "unknown";
    const hops = [
      peer,
      ...String(header)
        .split(",")
        .map((hop) => hop.trim())
        .reverse(),
    ];
    const own = hops.findIndex((hop, index) => index === hops.length - 1 || !trust(hop, index));
    return canonicalIp(hops[own] ?? "") ?? "unknown";
  };
}
