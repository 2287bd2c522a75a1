/**
 * Byte helpers shared by every codec. Owns: hex, UTF-8 (NFC), concatenation, big-endian integers.
 * Does not own: hashing (hash.ts) or any message layout.
 */
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";

export const toHex = (bytes: Uint8Array): string => bytesToHex(bytes);

/** Parses lowercase or uppercase hex. Throws a TypeError-like Error on odd length or a foreign character. */
export const fromHex = (hex: string): Uint8Array => hexToBytes(hex);

/** UTF-8 bytes of the NFC form (protocol.md, preamble). */
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text.normalize("NFC"));

export const concat = (...parts: Uint8Array[]): Uint8Array => concatBytes(...parts);

/** Unsigned big-endian 32-bit integer. */
export function u32be(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value);
  return out;
}

/** Unsigned big-endian 64-bit integer of a safe integer. */
export function u64be(value: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value));
  return out;
}
