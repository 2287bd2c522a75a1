/**
 * secp256k1 verification by OpenSSL: the same verdicts as shared-schema/crypto, several times faster.
 * Owns: importing compressed keys and a bounded cache of them. Does not own: what is signed.
 */
import { createPublicKey, type KeyObject, verify } from "node:crypto";

/** SubjectPublicKeyInfo of a compressed secp256k1 point, up to the point itself. */
const SPKI_PREFIX = Buffer.from("3036301006072a8648ce3d020106052b8104000a032200", "hex");
/** Half of the group order: a larger s is malleable and refused. */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/** Returns a verifier over sha256(bytes) that keeps at most `maxKeys` imported keys (oldest leave first). */
export function createVerifier(
  maxKeys = 20_000,
): (bytes: Uint8Array, sigHex: string, publicKeyHex: string) => boolean {
  const keys = new Map<string, KeyObject>();
  const keyOf = (hex: string): KeyObject => {
    const had = keys.get(hex);
    if (had) return had;
    const key = createPublicKey({
      key: Buffer.concat([SPKI_PREFIX, Buffer.from(hex, "hex")]),
      format: "der",
      type: "spki",
    });
    if (keys.size >= maxKeys) {
      const oldest = keys.keys().next().value;
      if (oldest !== undefined) keys.delete(oldest);
    }
    keys.set(hex, key);
    return key;
  };
  return (bytes, sigHex, publicKeyHex) => {
    if (!/^[0-9a-f]{128}$/.test(sigHex) || BigInt(`0x${sigHex.slice(64)}`) > HALF_ORDER) return false;
    try {
      const key = keyOf(publicKeyHex);
      return verify("sha256", bytes, { key, dsaEncoding: "ieee-p1363" }, Buffer.from(sigHex, "hex"));
    } catch {
      // A key that is no point on the curve verifies nothing.
      return false;
    }
  };
}
