/**
 * Bitcoin Signed Messages of wallets, also called "ecdsa" (I1): from the signature to the key that made it.
 * Owns: which of the 65-byte forms count. Does not own: addresses (addresses.ts), the bytes signed (sign-in.ts). Pure.
 */
import { bsmHash } from "@meme-rounds/shared-schema/sign-in";
import { type Curve, isLowS } from "../../infra/curve.ts";
import { readBase64 } from "./encoding.ts";

/** Base64 of 65 bytes. */
const TEXT_LENGTH = 88;
/** 27, plus 4 for a compressed key: the other headers of BIP-137 would be further spellings of the same signature. */
const FIRST_HEADER = 31;
const LAST_HEADER = 34;

/** True for a text as long as a BSM signature: no other signature of a wallet has that length and padding. */
export const looksLikeBsm = (signature: string): boolean =>
  signature.length === TEXT_LENGTH && signature.endsWith("=") && !signature.endsWith("==");

/**
 * The compressed key that signed the message; undefined when the text is no signature as wallets write them. Any
 * signature gives some key: a caller must compare it with the one expected.
 */
export function bsmSigner(message: string, signature: string, curve: Curve): Uint8Array | undefined {
  if (!looksLikeBsm(signature)) return undefined;
  const bytes = readBase64(signature);
  const header = bytes?.[0] ?? 0;
  if (bytes === undefined || header < FIRST_HEADER || header > LAST_HEADER) return undefined;
  const compact = bytes.subarray(1);
  if (!isLowS(compact)) return undefined;
  return curve.recover(bsmHash(message), compact, header - FIRST_HEADER);
}
