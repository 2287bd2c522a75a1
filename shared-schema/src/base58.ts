/** Base58, and base58check: a payload with the first 4 bytes of its double hash behind it. Owns: these text forms only. */
import { concat } from "./bytes.ts";
import { hash256 } from "./hash.ts";

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const SUM_BYTES = 4;
/** Nothing we read is longer; the arithmetic below grows with the square of the length. */
const MAX_CHARS = 120;

export function encodeBase58Check(payload: Uint8Array): string {
  const bytes = concat(payload, hash256(payload).subarray(0, SUM_BYTES));
  let value = 0n;
  for (const byte of bytes) value = value * 256n + BigInt(byte);
  let text = "";
  for (; value > 0n; value /= 58n) text = ALPHABET.charAt(Number(value % 58n)) + text;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return "1".repeat(zeros < 0 ? bytes.length : zeros) + text;
}

/** The bytes, or undefined when a character is foreign or there is nothing to read. */
export function decodeBase58(text: string): Uint8Array | undefined {
  if (text.length === 0 || text.length > MAX_CHARS) return undefined;
  let value = 0n;
  for (const char of text) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0) return undefined;
    value = value * 58n + BigInt(digit);
  }
  const bytes: number[] = [];
  for (; value > 0n; value /= 256n) bytes.unshift(Number(value % 256n));
  const zeros = text.length - text.replace(/^1+/, "").length;
  return Uint8Array.from([...new Array<number>(zeros).fill(0), ...bytes]);
}

/** The payload, or undefined when a character is foreign or the checksum does not fit. */
export function decodeBase58Check(text: string): Uint8Array | undefined {
  const all = decodeBase58(text);
  if (all === undefined || all.length <= SUM_BYTES) return undefined;
  const payload = all.slice(0, -SUM_BYTES);
  const sum = hash256(payload);
  return all.slice(-SUM_BYTES).every((byte, at) => byte === sum[at]) ? payload : undefined;
}
