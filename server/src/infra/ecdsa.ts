/**
 * secp256k1 at native speed: the same verdicts and the same signatures as shared-schema/crypto, many times faster.
 * Owns: choosing libsecp256k1 where its binding loads on this machine, OpenSSL and plain JavaScript where it does not.
 * Does not own: what is signed. All hex; signatures are 64 bytes compact, a high S is refused.
 */
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { createRequire } from "node:module";
import type { DigestSigner } from "@meme-rounds/shared-schema/unlock";
import { secp256k1 as portable } from "@noble/curves/secp256k1.js";

/** Over sha256(bytes). */
export type Verifier = (bytes: Uint8Array, sigHex: string, publicKeyHex: string) => boolean;

export const verifierBackends = ["libsecp256k1", "openssl"] as const;
export type VerifierBackend = (typeof verifierBackends)[number];

export type Native = typeof import("secp256k1");

const SIGNATURE = /^[0-9a-f]{128}$/;
const COMPRESSED_KEY = /^0[23][0-9a-f]{64}$/;

/**
 * The binding itself, not the package's main file: that one falls back to a pure JavaScript curve of its own, silently.
 * Undefined where there is no binary for this platform.
 */
export function loadNative(): Native | undefined {
  try {
    return createRequire(import.meta.url)("secp256k1/bindings.js") as Native;
  } catch {
    return undefined;
  }
}

function nativeVerifier(native: Native): Verifier {
  return (bytes, sigHex, publicKeyHex) => {
    if (!SIGNATURE.test(sigHex) || !COMPRESSED_KEY.test(publicKeyHex)) return false;
    const digest = createHash("sha256").update(bytes).digest();
    try {
      return native.ecdsaVerify(Buffer.from(sigHex, "hex"), digest, Buffer.from(publicKeyHex, "hex"));
    } catch {
      // A key that is no point on the curve, or a number beyond the group's order, verifies nothing.
      return false;
    }
  };
}

/** SubjectPublicKeyInfo of a compressed secp256k1 point, up to the point itself. */
const SPKI_PREFIX = Buffer.from("3036301006072a8648ce3d020106052b8104000a032200", "hex");
/** Half of the group order: a larger s is malleable and refused. */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
/** Imported keys that are kept; the oldest leave first. */
const MAX_KEYS = 20_000;

function opensslVerifier(): Verifier {
  const keys = new Map<string, KeyObject>();
  const keyOf = (hex: string): KeyObject => {
    const had = keys.get(hex);
    if (had) return had;
    const key = createPublicKey({
      key: Buffer.concat([SPKI_PREFIX, Buffer.from(hex, "hex")]),
      format: "der",
      type: "spki",
    });
    if (keys.size >= MAX_KEYS) {
      const oldest = keys.keys().next().value;
      if (oldest !== undefined) keys.delete(oldest);
    }
    keys.set(hex, key);
    return key;
  };
  return (bytes, sigHex, publicKeyHex) => {
    if (!SIGNATURE.test(sigHex) || !COMPRESSED_KEY.test(publicKeyHex)) return false;
    if (BigInt(`0x${sigHex.slice(64)}`) > HALF_ORDER) return false;
    try {
      const key = keyOf(publicKeyHex);
      return verify("sha256", bytes, { key, dsaEncoding: "ieee-p1363" }, Buffer.from(sigHex, "hex"));
    } catch {
      // A key that is no point on the curve verifies nothing.
      return false;
    }
  };
}

/** Which verifier createVerifier makes on this machine. */
export const verifierBackend = (): VerifierBackend =>
  loadNative() === undefined ? "openssl" : "libsecp256k1";

/** A verifier; the fastest there is, or the one asked for. Throws when that one does not load here. */
export function createVerifier(backend: VerifierBackend = verifierBackend()): Verifier {
  if (backend === "openssl") return opensslVerifier();
  const native = loadNative();
  if (native === undefined) throw new Error("libsecp256k1 has no binary for this platform");
  return nativeVerifier(native);
}

/** A signer of digests: native where it loads, else the portable one. Both give the same bytes. */
export function createDigestSigner(): DigestSigner {
  const native = loadNative();
  if (native === undefined)
    return (digest, secret) => portable.sign(digest, secret, { prehash: false, format: "der" });
  return (digest, secret) => native.signatureExport(native.ecdsaSign(digest, secret).signature);
}
