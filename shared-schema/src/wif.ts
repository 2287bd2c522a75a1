/**
 * A secret key as the text wallets exchange (WIF). Owns: the compressed-key form, both ways, its network byte.
 * Does not own: base58check (base58.ts), where secrets are kept.
 */
import { decodeBase58Check, encodeBase58Check } from "./base58.ts";
import { concat } from "./bytes.ts";
import { publicKeyOf } from "./crypto.ts";
import type { Network } from "./records.ts";

const MAIN = 0x80;
const TEST = 0xef;
const COMPRESSED = 1;

const versionOf = (network: Network): number => (network === "test" ? TEST : MAIN);

/** WIF of a 32-byte secret whose public key is used compressed; version ef on `test`, 80 elsewhere. */
export const toWif = (secret: Uint8Array, network: Network): string =>
  encodeBase58Check(concat(Uint8Array.of(versionOf(network)), secret, Uint8Array.of(COMPRESSED)));

/** The secret of a WIF of any network; undefined for anything else, an uncompressed key's WIF included. */
export function fromWif(text: string): Uint8Array | undefined {
  const payload = decodeBase58Check(text.trim());
  if (payload?.length !== 34 || payload[33] !== COMPRESSED) return undefined;
  if (payload[0] !== MAIN && payload[0] !== TEST) return undefined;
  const secret = payload.slice(1, 33);
  return isSecret(secret) ? secret : undefined;
}

/** True when the text is a WIF of this network's version (devchain and main share one). */
export const isWifOf = (text: string, network: Network): boolean =>
  decodeBase58Check(text.trim())?.[0] === versionOf(network);

/** True for a 32-byte number that is a key of the curve. */
export function isSecret(secret: Uint8Array): boolean {
  try {
    publicKeyOf(secret);
    return true;
  } catch {
    return false; // Zero, or at least the curve's order.
  }
}
