/** P2PKH addresses (protocol.md 9). Owns: reading one with its checksum and network. Making one: crypto.ts addressOf. */
import { decodeBase58Check } from "./base58.ts";
import { toHex } from "./bytes.ts";
import type { Network } from "./records.ts";

/** First byte of an address: 00 on devchain and main, 6f on test. */
export const addressVersion = (network: Network): number => (network === "test" ? 0x6f : 0x00);

export type ReadAddress = { ok: true; script: string } | { ok: false; reason: string };

/** The locking script (hex) an address stands for, or why it is none on this network, in words for a person. */
export function readAddress(text: string, network: Network): ReadAddress {
  const payload = decodeBase58Check(text);
  if (payload === undefined)
    return { ok: false, reason: "this is no address: a character is wrong or missing" };
  if (payload.length !== 21) return { ok: false, reason: "this is not an address of a key" };
  const version = payload[0];
  if (version === addressVersion(network))
    return { ok: true, script: `76a914${toHex(payload.slice(1))}88ac` };
  if (version === 0x00 || version === 0x6f)
    return { ok: false, reason: `this address is of another network than ${network}` };
  return { ok: false, reason: "addresses of this kind cannot be paid on BSV" };
}
