/**
 * Unlocking scripts for every lock of the game (protocol.md 8). Owns: signing an input, the order of pushes, the
 * grinding a refund needs. Does not own: which transaction to build. Signatures follow RFC 6979 with low S: the
 * same transaction signed twice has the same txid (M3).
 */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { fromHex, toHex } from "./bytes.ts";
import { hash256 } from "./hash.ts";
import { FINAL_SEQUENCE, type PlainTx, preimages, SIGHASH_ALL_FORKID } from "./sighash.ts";

const SCOPE_HEX = SIGHASH_ALL_FORKID.toString(16);
/** Longest signature with low S, its scope byte, the key, and the two push bytes. */
const SIGNED_BYTES = 1 + 72 + 1 + 33;
/** Worst-case sizes of unlocking scripts, bytes: what fees are estimated with. */
export const UNLOCK_BYTES = {
  p2pkh: SIGNED_BYTES,
  twoKey: 2 * SIGNED_BYTES,
  settle: 2 * SIGNED_BYTES + 1,
} as const;

/** A signature (DER with scope byte) and the key it is by, hex. */
export interface KeySignature {
  signature: string;
  publicKey: string;
}

/** Signs a digest (32 bytes): DER, low S, RFC 6979. A native one may be handed in: the bytes are the same. */
export type DigestSigner = (digest: Uint8Array, secret: Uint8Array) => Uint8Array;

const portableSigner: DigestSigner = (digest, secret) =>
  secp256k1.sign(digest, secret, { prehash: false, format: "der" });

/** DER signature of a preimage, low S, with its scope byte, hex. */
export const signPreimage = (
  preimage: Uint8Array,
  secret: Uint8Array,
  sign: DigestSigner = portableSigner,
): string => toHex(sign(hash256(preimage), secret)) + SCOPE_HEX;

/** True when the signature signs the preimage under scope 0x41; high S and foreign bytes are refused. */
export function verifyPreimage(preimage: Uint8Array, signed: KeySignature): boolean {
  const { signature, publicKey } = signed;
  if (!/^(?:[0-9a-f]{2}){9,73}$/.test(signature) || !signature.endsWith(SCOPE_HEX)) return false;
  const der = fromHex(signature.slice(0, -SCOPE_HEX.length));
  return secp256k1.verify(der, hash256(preimage), fromHex(publicKey), { prehash: false, format: "der" });
}

/** Push of up to 65,535 bytes (hex) in its minimal form; none of ours is a single small number. */
function push(hex: string): string {
  const length = hex.length / 2;
  if (length < 0x4c) return toHex(Uint8Array.of(length)) + hex;
  if (length <= 0xff) return `4c${toHex(Uint8Array.of(length))}${hex}`;
  return `4d${toHex(Uint8Array.of(length & 0xff, length >> 8))}${hex}`;
}

const pushSigned = (signed: KeySignature): string => push(signed.signature) + push(signed.publicKey);

export const p2pkhUnlock = (owner: KeySignature): string => pushSigned(owner);

/** Opens a carry: the operator's signature lies on top, its check comes first. */
export const twoKeyUnlock = (operator: KeySignature, auditor: KeySignature): string =>
  pushSigned(auditor) + pushSigned(operator);

/** Opens an escrow by its first path (M2). */
export const settleUnlock = (operator: KeySignature, auditor: KeySignature): string =>
  `${twoKeyUnlock(operator, auditor)}51`;

/** The escrow's script adds 1 to the hash's last byte and reads the hash as a positive low S: both ends must allow it. */
function refundable(preimage: Uint8Array): boolean {
  const hash = hash256(preimage);
  const fits = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x01 && byte <= 0x7e;
  return fits(hash[0]) && fits(hash[31]);
}

/**
 * Opens an escrow by its second path (M2, M9): the player alone, after the deadline. `tx.locktime` must be at
 * least the deadline. Lowers the input's sequence until the script can check the preimage (3 tries on average)
 * and returns the transaction with that sequence. Sign other inputs after this one: they cover the sequence.
 */
export function refundUnlock(
  tx: PlainTx,
  index: number,
  player: { secret: Uint8Array; publicKey: string },
): { tx: PlainTx; unlocking: string } {
  for (let sequence = FINAL_SEQUENCE - 1; sequence > FINAL_SEQUENCE - 10_000; sequence--) {
    const inputs = tx.inputs.map((input, at) => (at === index ? { ...input, sequence } : input));
    const candidate = { ...tx, inputs };
    const preimage = preimages(candidate)(index);
    if (!refundable(preimage)) continue;
    const signature = signPreimage(preimage, player.secret);
    return {
      tx: candidate,
      unlocking: `${pushSigned({ signature, publicKey: player.publicKey })}${push(toHex(preimage))}00`,
    };
  }
  throw new Error("no sequence makes this refund checkable");
}
