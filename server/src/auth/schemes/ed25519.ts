/**
 * Ed25519 as Phantom signs (I1). Owns: which keys and encodings count (RFC 8032, strict). Pure.
 * OpenSSL checks the equation, S below the order and R's one encoding; keys it would take but no wallet has are
 * refused here: with a key of small order one signature fits many messages.
 */
import { createPublicKey, verify } from "node:crypto";
import { ED25519_TORSION_SUBGROUP } from "@noble/curves/ed25519.js";
import { readBase58, readBase64 } from "./encoding.ts";

/** SubjectPublicKeyInfo of an Ed25519 key, up to the key itself. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** Its y alone: the highest bit is the sign of x. */
function withoutSign(key: Uint8Array): Buffer {
  const y = Buffer.from(key);
  y[31] = (y[31] ?? 0) & 0x7f;
  return y;
}

/** The y of the points of small order, as hex. */
const SMALL_ORDER: ReadonlySet<string> = new Set(
  ED25519_TORSION_SUBGROUP.map((hex) => withoutSign(Buffer.from(hex, "hex")).toString("hex")),
);

/** 2^255 - 19, most significant byte first. */
const FIELD = Buffer.from(`7f${"ff".repeat(30)}ed`, "hex");

/** True for a key in its one encoding that is not of small order. */
function isSoundKey(key: Uint8Array): boolean {
  const y = withoutSign(key);
  return !SMALL_ORDER.has(y.toString("hex")) && Buffer.compare(Buffer.from(y).reverse(), FIELD) < 0;
}

/** The 64 bytes of a signature as base58 or base64, which is the one that ends with "=="; undefined for anything else. */
function readSignature(text: string): Buffer | undefined {
  if (!text.endsWith("==")) return readBase58(text, 64);
  const bytes = readBase64(text);
  return bytes?.length === 64 ? bytes : undefined;
}

/** The key (32 bytes) that `address` is, when it signed the message; undefined otherwise. */
export function ed25519Signer(message: string, signature: string, address: string): Uint8Array | undefined {
  const key = readBase58(address, 32);
  const bytes = readSignature(signature);
  if (key === undefined || bytes === undefined || !isSoundKey(key)) return undefined;
  try {
    const spki = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, key]), format: "der", type: "spki" });
    return verify(null, Buffer.from(message, "utf8"), spki, bytes) ? key : undefined;
  } catch {
    // Not a point of the curve: it signed nothing.
    return undefined;
  }
}
