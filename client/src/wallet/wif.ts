/**
 * A secret key as the text wallets exchange (WIF). Owns: base58check both ways, the compressed-key form.
 * Does not own: where secrets are kept (keystore.ts).
 */
import { concat } from "@meme-rounds/shared-schema/bytes";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { hash256 } from "@meme-rounds/shared-schema/hash";
import type { Network } from "@meme-rounds/shared-schema/records";

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const MAIN = 0x80;
const TEST = 0xef;
const COMPRESSED = 1;

function toBase58(bytes: Uint8Array): string {
  let value = 0n;
  for (const byte of bytes) value = value * 256n + BigInt(byte);
  let text = "";
  for (; value > 0n; value /= 58n) text = ALPHABET.charAt(Number(value % 58n)) + text;
  // A WIF's first byte is never zero, so there are no leading ones to write.
  return text;
}

function fromBase58(text: string): Uint8Array | undefined {
  let value = 0n;
  for (const char of text) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0) return undefined;
    value = value * 58n + BigInt(digit);
  }
  const bytes: number[] = [];
  for (; value > 0n; value /= 256n) bytes.unshift(Number(value % 256n));
  return Uint8Array.from(bytes);
}

/** WIF of a 32-byte secret whose public key is used compressed; version ef on `test`, 80 elsewhere. */
export function toWif(secret: Uint8Array, network: Network): string {
  const payload = concat(Uint8Array.of(network === "test" ? TEST : MAIN), secret, Uint8Array.of(COMPRESSED));
  return toBase58(concat(payload, hash256(payload).subarray(0, 4)));
}

/** The secret of a WIF of any network; undefined for anything else, an uncompressed key's WIF included. */
export function fromWif(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  if (trimmed.length < 50 || trimmed.length > 54) return undefined;
  const bytes = fromBase58(trimmed);
  if (bytes?.length !== 38 || bytes[33] !== COMPRESSED) return undefined;
  if (bytes[0] !== MAIN && bytes[0] !== TEST) return undefined;
  const sum = hash256(bytes.subarray(0, 34));
  if (bytes.subarray(34).some((byte, index) => byte !== sum[index])) return undefined;
  const secret = bytes.slice(1, 33);
  return isSecret(secret) ? secret : undefined;
}

/** True for a 32-byte number that is a key of the curve. */
export function isSecret(secret: Uint8Array): boolean {
  try {
    publicKeyOf(secret);
    return true;
  } catch {
    return false; // Zero, or at least the curve's order.
  }
}
