/**
 * Texts to bytes, where each byte string has exactly one text: a signature must not exist in two spellings (I1).
 * Owns: strict base64, base58, hex and DER. Does not own: what the bytes mean. Pure; nothing throws for bad input.
 */
import { base58 } from "@scure/base";

/** Standard base64, padded, no space, no spare bits; undefined for anything else. */
export function readBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

/** Lowercase hex of whole bytes; undefined for anything else. */
export function readHex(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "hex");
  return bytes.toString("hex") === text ? bytes : undefined;
}

/** Base58 of exactly `length` bytes; undefined for anything else. */
export function readBase58(text: string, length: number): Buffer | undefined {
  // Reading takes time with the square of the length: 1.4 characters a byte are the most there can be.
  if (text.length > Math.ceil(length * 1.4) || !/^[1-9A-HJ-NP-Za-km-z]+$/.test(text)) return undefined;
  const bytes = Buffer.from(base58.decode(text));
  return bytes.length === length && base58.encode(bytes) === text ? bytes : undefined;
}

/** A DER integer of at most 32 bytes at `at`, without sign or needless zeros; where it ends. */
function readInteger(der: Uint8Array, at: number): { value: Uint8Array; end: number } | undefined {
  const [tag, length] = der.subarray(at, at + 2);
  const end = at + 2 + (length ?? 0);
  if (tag !== 0x02 || length === undefined || length === 0 || length > 33 || end > der.length)
    return undefined;
  const body = der.subarray(at + 2, end);
  const [first = 0, second = 0] = body;
  if (first >= 0x80) return undefined;
  if (first === 0 && (length === 1 || second < 0x80)) return undefined;
  const value = first === 0 ? body.subarray(1) : body;
  return value.length > 32 ? undefined : { value, end };
}

/** The compact form (64 bytes) of a strictly encoded DER signature without a scope byte; undefined for anything else. */
export function readDer(der: Uint8Array): Buffer | undefined {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return undefined;
  const r = readInteger(der, 2);
  const s = r && readInteger(der, r.end);
  if (!r || !s || s.end !== der.length) return undefined;
  const compact = Buffer.alloc(64);
  compact.set(r.value, 32 - r.value.length);
  compact.set(s.value, 64 - s.value.length);
  return compact;
}
