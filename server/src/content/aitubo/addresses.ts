/**
 * Which addresses of the Internet a stranger's URL may lead to: public ones only, so that nobody can make this server
 * ask a machine beside it (C3: no request forgery). Owns: the list, and a look-up for node:http that holds it.
 * Does not own: requests (download.ts).
 */
import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { BlockList, isIP, type LookupFunction } from "node:net";

export type Resolve = (host: string) => Promise<LookupAddress[]>;

const NOT_PUBLIC_4: readonly [string, number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  // Link-local, and the address under which clouds hand out a machine's credentials.
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];
/** Of IPv6 only global unicast is public, without what is in it for tunnels and documentation. */
const PUBLIC_6: readonly [string, number] = ["2000::", 3];
const NOT_PUBLIC_6: readonly [string, number][] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const listOf = (nets: readonly (readonly [string, number])[], family: "ipv4" | "ipv6"): BlockList => {
  const list = new BlockList();
  for (const [net, prefix] of nets) list.addSubnet(net, prefix, family);
  return list;
};
const notPublic4 = listOf(NOT_PUBLIC_4, "ipv4");
const public6 = listOf([PUBLIC_6], "ipv6");
const notPublic6 = listOf(NOT_PUBLIC_6, "ipv6");

/** Whether an address (IPv4 or IPv6, no brackets) is on the public Internet. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !notPublic4.check(address, "ipv4");
  return family === 6 && public6.check(address, "ipv6") && !notPublic6.check(address, "ipv6");
}

export const resolveAll: Resolve = (host) => lookup(host, { all: true });

/** A host that leads to an address nobody may be sent to. */
export class PrivateAddressError extends Error {
  constructor() {
    super("a host leads to an address that is not public");
    this.name = "PrivateAddressError";
  }
}

/** Throws PrivateAddressError for a URL whose host is written as an address that is not public. */
export function refusePrivateLiteral(url: URL): void {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw new PrivateAddressError();
}

/**
 * A look-up for a request's `lookup` option, for addresses that `allows` (public ones) lets through: the connection goes to the very addresses that were checked, so a name
 * that changes between the check and the connection gains nothing. One address that is not public refuses the host.
 */
export function publicLookup(resolve: Resolve, allows = isPublicAddress): LookupFunction {
  return (host, options, callback) => {
    resolve(host).then(
      (addresses) => {
        const [first] = addresses;
        if (!first || !addresses.every(({ address }) => allows(address)))
          callback(new PrivateAddressError(), []);
        else if (options.all) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), []),
    );
  };
}
