/**
 * The secp256k1 steps that wallets' signatures need beyond a plain check: whose key made one, and keys made from keys.
 * Owns: choosing libsecp256k1 where its binding loads, plain JavaScript elsewhere, with the same answers.
 * Does not own: what is hashed, or how a signature is written (auth/schemes). Nothing here throws for bad input.
 */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { loadNative, type Native } from "./ecdsa.ts";

export interface Curve {
  /**
   * The compressed key that made a compact signature (64 bytes) over a digest (32 bytes). `recovery` is 0..3.
   * Undefined when there is none. A high S is answered too: who minds refuses it with isLowS.
   */
  recover(digest: Uint8Array, signature: Uint8Array, recovery: number): Uint8Array | undefined;
  /** True when the compressed key made the compact signature over the digest. A high S is refused. */
  verify(digest: Uint8Array, signature: Uint8Array, key: Uint8Array): boolean;
  /** `times` x key + `plus` x G, compressed; scalars of 32 bytes. Undefined where that is no key. */
  combine(key: Uint8Array, times: Uint8Array | undefined, plus: Uint8Array): Uint8Array | undefined;
}

export type CurveBackend = "libsecp256k1" | "noble";

/** Half of the group order; a larger s is the malleable twin of a smaller one. */
const HALF_ORDER = Buffer.from("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0", "hex");

/** True when the s of a compact signature is the smaller of its two forms. */
export const isLowS = (signature: Uint8Array): boolean =>
  Buffer.compare(signature.subarray(32, 64), HALF_ORDER) <= 0;

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    // No point of the curve, a number beyond the order, a sum at infinity: there is no answer, which is the answer.
    return undefined;
  }
}

const nativeCurve = (native: Native): Curve => ({
  recover: (digest, signature, recovery) => attempt(() => native.ecdsaRecover(signature, recovery, digest)),
  verify: (digest, signature, key) => attempt(() => native.ecdsaVerify(signature, digest, key)) ?? false,
  combine: (key, times, plus) =>
    attempt(() =>
      native.publicKeyTweakAdd(times === undefined ? key : native.publicKeyTweakMul(key, times), plus),
    ),
});

const portableCurve: Curve = {
  recover: (digest, signature, recovery) =>
    attempt(() =>
      secp256k1.Signature.fromBytes(signature, "compact")
        .addRecoveryBit(recovery)
        .recoverPublicKey(digest)
        .toBytes(true),
    ),
  verify: (digest, signature, key) =>
    attempt(() =>
      secp256k1.verify(signature, digest, key, { prehash: false, lowS: true, format: "compact" }),
    ) ?? false,
  combine: (key, times, plus) =>
    attempt(() => {
      const { Fn, BASE } = secp256k1.Point;
      const point = secp256k1.Point.fromBytes(key);
      const product = times === undefined ? point : point.multiplyUnsafe(Fn.fromBytes(times));
      const addend = Fn.fromBytes(plus);
      return (addend === 0n ? product : product.add(BASE.multiplyUnsafe(addend))).toBytes(true);
    }),
};

/** The fastest there is on this machine, or the one asked for. Throws when that one does not load here. */
export function createCurve(backend?: CurveBackend): Curve {
  const native = backend === "noble" ? undefined : loadNative();
  if (native !== undefined) return nativeCurve(native);
  if (backend === "libsecp256k1") throw new Error("libsecp256k1 has no binary for this platform");
  return portableCurve;
}
