/** Blocks of addresses as people write them (I5). Owns: reading them, one written form. Pure. Does not own: matching. */
import { isIP } from "node:net";
import { canonicalIp, groupsOf } from "./client-ip.ts";

export interface Block {
  /** Network address and length, bits behind the length zero: `10.0.0.0/8`, `2001:db8::/32`. */
  cidr: string;
  network: string;
  prefix: number;
  family: "ipv4" | "ipv6";
}

/** Longest text that can be a block: eight groups, a slash, three digits. */
const MAX_CHARS = 64;

/**
 * `10.0.0.0/8`, `2001:db8::/32`, or one address. Bits behind the length are cut off; a block of IPv4 written as IPv6
 * (`::ffff:10.0.0.0/104`) becomes one of IPv4. Undefined when it is no block, a zone (`%eth0`) included.
 */
export function parseBlock(text: string): Block | undefined {
  if (text.length > MAX_CHARS || text.includes("%")) return undefined;
  const match = /^([0-9a-fA-F.:]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text.trim());
  const written = match?.[1] ?? "";
  const canonical = canonicalIp(written);
  if (canonical === undefined) return undefined;
  const bits = isIP(written) === 4 ? 32 : 128;
  const given = match?.[2] === undefined ? bits : Number(match[2]);
  if (given > bits) return undefined;
  if (isIP(canonical) === 4) {
    // Written as IPv6 and shorter than the mark of IPv4: it is a block of IPv6 that holds more than IPv4.
    if (bits === 128 && given < 96) return undefined;
    return block(
      maskV4(canonical, bits === 128 ? given - 96 : given),
      bits === 128 ? given - 96 : given,
      "ipv4",
    );
  }
  return block(maskV6(canonical, given), given, "ipv6");
}

const block = (network: string, prefix: number, family: Block["family"]): Block => ({
  cidr: `${network}/${prefix}`,
  network,
  prefix,
  family,
});

/** `value` of `width` bits with only its first `keep` bits. */
const cut = (value: number, width: number, keep: number): number => {
  const kept = Math.min(Math.max(keep, 0), width);
  return value - (value % 2 ** (width - kept));
};

const maskV4 = (address: string, prefix: number): string =>
  address
    .split(".")
    .map((part, index) => cut(Number(part), 8, prefix - index * 8))
    .join(".");

function maskV6(address: string, prefix: number): string {
  const groups = (groupsOf(address) ?? []).map((group, index) => cut(group, 16, prefix - index * 16));
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]`).hostname.slice(1, -1);
}
