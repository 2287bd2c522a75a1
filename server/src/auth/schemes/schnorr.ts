/** BIP-340 signatures (I1). Owns: the check, from the curve's steps. Does not own: the digest signed. Pure. */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import type { Curve } from "../../infra/curve.ts";
import { taggedHash } from "./addresses.ts";

/**
 * True when `signature` (64 bytes) over `digest` is of the key with this x and an even y: s x G - e x P is the point
 * with an even y whose x the signature gives. Never throws.
 */
export function verifySchnorr(
  digest: Uint8Array,
  signature: Uint8Array,
  xOnlyKey: Uint8Array,
  curve: Curve,
): boolean {
  const r = signature.subarray(0, 32);
  const { Fn } = secp256k1.Point;
  const challenge = BigInt(`0x${taggedHash("BIP0340/challenge", r, xOnlyKey, digest).toString("hex")}`);
  const minusE = Fn.neg(Fn.create(challenge));
  const key = Buffer.concat([Buffer.of(2), xOnlyKey]);
  const point = curve.combine(key, Fn.toBytes(minusE), signature.subarray(32, 64));
  // A first number beyond the field is no x of any point, so comparing bytes refuses it as well.
  return point !== undefined && point[0] === 2 && Buffer.compare(point.subarray(1), r) === 0;
}
