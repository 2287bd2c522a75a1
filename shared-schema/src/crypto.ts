/**
 * Keys and signatures of the protocol. Owns: compact secp256k1 signatures, Ed25519, P2PKH addresses.
 * Does not own: what is signed (voucher.ts, receipt.ts) or wallets' own signature formats (sign-in.ts).
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { addressVersion } from "./address.ts";
import { encodeBase58Check } from "./base58.ts";
import { concat, fromHex, toHex } from "./bytes.ts";
import { hash160 } from "./hash.ts";
import type { Network } from "./records.ts";

const COMPACT_SIG = /^[0-9a-f]{128}$/;
const COMPRESSED_KEY = /^0[23][0-9a-f]{64}$/;

/** Compressed secp256k1 public key, hex. Throws when the secret is not a valid 32-byte scalar. */
export const publicKeyOf = (secret: Uint8Array): string => toHex(secp256k1.getPublicKey(secret, true));

/** Signs sha256(bytes): RFC 6979, low S, 64 bytes compact, hex (protocol.md 3). */
export const signCompact = (bytes: Uint8Array, secret: Uint8Array): string =>
  toHex(secp256k1.sign(bytes, secret, { prehash: true, lowS: true, format: "compact" }));

/** True when sigHex is a low-S compact signature of sha256(bytes) by the compressed key. Never throws. */
export function verifyCompact(bytes: Uint8Array, sigHex: string, publicKeyHex: string): boolean {
  if (!COMPACT_SIG.test(sigHex) || !COMPRESSED_KEY.test(publicKeyHex)) return false;
  try {
    return secp256k1.verify(fromHex(sigHex), bytes, fromHex(publicKeyHex), {
      prehash: true,
      lowS: true,
      format: "compact",
    });
  } catch {
    // An x off the curve or an r, s out of range: such a signature simply does not verify.
    return false;
  }
}

/** The server passes a faster native implementation with the same answers. */
export type VerifyCompact = typeof verifyCompact;

/** Ed25519 public key of a 32-byte seed, hex. */
export const ed25519PublicKey = (seed: Uint8Array): string => toHex(ed25519.getPublicKey(seed));

/** Ed25519 signature over the bytes themselves, hex. */
export const signEd25519 = (bytes: Uint8Array, seed: Uint8Array): string => toHex(ed25519.sign(bytes, seed));

/** Strict RFC 8032 verification. Never throws. */
export function verifyEd25519(bytes: Uint8Array, sigHex: string, publicKeyHex: string): boolean {
  if (!COMPACT_SIG.test(sigHex) || !/^[0-9a-f]{64}$/.test(publicKeyHex)) return false;
  try {
    return ed25519.verify(fromHex(sigHex), bytes, fromHex(publicKeyHex), { zip215: false });
  } catch {
    // Not a point of the curve: does not verify.
    return false;
  }
}

/** P2PKH address of a compressed key: version 00 on devchain and main, 6f on test (protocol.md 9). */
export const addressOf = (publicKeyHex: string, network: Network): string =>
  encodeBase58Check(concat(Uint8Array.of(addressVersion(network)), hash160(fromHex(publicKeyHex))));
