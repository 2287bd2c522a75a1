/**
 * The plain locking scripts of the game. Owns: P2PKH to a key, the two-key lock of pots and carries (protocol.md 8).
 * Does not own: the escrow (escrow.ts) or what opens a lock (unlock.ts). Scripts are lowercase hex; bytes only, no SDK.
 */
import { fromHex, toHex } from "./bytes.ts";
import { hash160 } from "./hash.ts";

/** hash160 of a compressed public key, hex to hex. Throws on anything but 33 bytes. */
export function keyHash(publicKey: string): string {
  const bytes = fromHex(publicKey);
  if (bytes.length !== 33) throw new RangeError("a public key has 33 bytes");
  return toHex(hash160(bytes));
}

/** P2PKH of a compressed public key (E9: payouts go to the play key). */
export const p2pkhScript = (publicKey: string): string => `76a914${keyHash(publicKey)}88ac`;

/** M2: both keys sign, the operator's checked first; without a refund branch. */
export const twoKeyScript = (operatorKey: string, auditorKey: string): string =>
  `76a914${keyHash(operatorKey)}88ad76a914${keyHash(auditorKey)}88ac`;

/**
 * Whose keys a lock of ours asks for, as hash160 hex: both of a two-key lock or an escrow, the operator's alone of a
 * P2PKH. Undefined for other scripts.
 */
export function keyHashesOf(script: string): { operator: string; auditor?: string } | undefined {
  const two = /76a914([0-9a-f]{40})88ad76a914([0-9a-f]{40})88ac/.exec(script);
  if (two?.[1] !== undefined && two[2] !== undefined) return { operator: two[1], auditor: two[2] };
  const one = /^76a914([0-9a-f]{40})88ac$/.exec(script)?.[1];
  return one === undefined ? undefined : { operator: one };
}
