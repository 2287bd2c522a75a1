/** Hashes the protocol names. Owns: sha256, double sha256, hash160, canonical JSON and its hash. */
import { ripemd160 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import canonicalize from "canonicalize";
import { toHex, utf8 } from "./bytes.ts";

export { sha256 };

export const sha256Hex = (bytes: Uint8Array): string => toHex(sha256(bytes));
export const hash256 = (bytes: Uint8Array): Uint8Array => sha256(sha256(bytes));
export const hash160 = (bytes: Uint8Array): Uint8Array => ripemd160(sha256(bytes));

/** RFC 8785 text of a JSON value. Throws when the value has no JSON form. */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error("value has no canonical JSON form");
  return text;
}

/** sha256 of the canonical JSON, hex (protocol.md 2). */
export const hashJson = (value: unknown): string => sha256Hex(utf8(canonicalJson(value)));
