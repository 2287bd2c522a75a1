/**
 * Sign-in bytes (design.md I2, protocol.md 4 and 9): the text a wallet signs, the play key's proof, and Bitcoin
 * Signed Messages (BSM). Owns: those bytes, signing and recovering BSM. Small enough for the first page load.
 * Does not own: addresses (crypto.ts), who may sign in, or which nonces are still good (the auth service).
 */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { concat, toHex, utf8 } from "./bytes.ts";
import { hash256 } from "./hash.ts";
import { TERMS, type Terms, termsLine } from "./terms.ts";

/** What a challenge says; each of these stands in the signed text (I2). */
export interface Challenge {
  /** Host (and port) of the page that asks. */
  domain: string;
  nonce: string;
  /** ms since the epoch. */
  issuedAt: number;
  wallet: string;
  address: string;
  /** Compressed key, hex. */
  playKey: string;
  /** The terms in force (I6); those of this build by default. */
  terms?: Terms;
}

const BSM_PREFIX = utf8("\x18Bitcoin Signed Message:\n");
/** BIP-137: 27 + recovery id, + 4 where the address is that of the compressed key. */
const FIRST_HEADER = 27;
const LAST_HEADER = 42;
const COMPRESSED = 4;
/** Base64 of exactly 65 bytes. */
const SIGNATURE_TEXT = /^[A-Za-z0-9+/]{87}=$/;

/** The identity string of a wallet that signs BSM with one secp256k1 key (protocol.md 9). */
export const ecdsaIdentity = (publicKeyHex: string): string => `ecdsa-secp256k1:${publicKeyHex}`;

/**
 * The text the identity wallet signs (I2). Throws RangeError when a field holds anything but visible ASCII:
 * a line break in one would let it write the next one.
 */
export function challengeMessage(challenge: Challenge): string {
  const { domain, nonce, wallet, address, playKey } = challenge;
  for (const field of [domain, nonce, wallet, address, playKey])
    if (!/^[!-~]+$/.test(field))
      throw new RangeError("a challenge's fields are visible ASCII without spaces");
  return [
    `${domain} asks you to sign in to Meme Rounds.`,
    "This moves no coins and costs nothing.",
    termsLine(challenge.terms ?? TERMS),
    "",
    `Wallet: ${wallet}`,
    `Address: ${address}`,
    `Play key: ${playKey}`,
    `Nonce: ${nonce}`,
    `Issued: ${new Date(challenge.issuedAt).toISOString()}`,
  ].join("\n");
}

/** "MRB1" | nonce | identity: what the play key signs, hashed inside sign and verify (protocol.md 4). */
export const playKeyProofBytes = (nonce: string, identity: string): Uint8Array =>
  utf8(`MRB1${nonce}${identity}`);

function varint(value: number): Uint8Array {
  if (value < 0xfd) return Uint8Array.of(value);
  if (value <= 0xffff) return Uint8Array.of(0xfd, value & 0xff, value >> 8);
  const out = new Uint8Array(5);
  out[0] = 0xfe;
  new DataView(out.buffer).setUint32(1, value, true);
  return out;
}

/** The 32 bytes a BSM signature is over. A text is taken as it is, not normalised, as wallets do. */
export function bsmHash(message: string | Uint8Array): Uint8Array {
  const text = typeof message === "string" ? new TextEncoder().encode(message) : message;
  return hash256(concat(BSM_PREFIX, varint(text.length), text));
}

/** Signs a text or bytes as wallets do: 65 bytes (header of a compressed key, r, s; low S, RFC 6979), base64. */
export function signBsm(message: string | Uint8Array, secret: Uint8Array): string {
  const signature = secp256k1.sign(bsmHash(message), secret, { prehash: false, format: "recovered" });
  signature[0] = FIRST_HEADER + COMPRESSED + (signature[0] ?? 0);
  return btoa(String.fromCharCode(...signature));
}

/**
 * The compressed public key (hex) that made a BSM signature; undefined when the text is not a signature. Any key
 * can be recovered from some signature: a caller must compare it, or its address, with the one it expects.
 */
export function recoverBsm(message: string | Uint8Array, signatureBase64: string): string | undefined {
  if (!SIGNATURE_TEXT.test(signatureBase64)) return undefined;
  const bytes = Uint8Array.from(atob(signatureBase64), (char) => char.charCodeAt(0));
  const header = bytes[0] ?? 0;
  if (header < FIRST_HEADER || header > LAST_HEADER) return undefined;
  try {
    return toHex(
      secp256k1.Signature.fromBytes(bytes.slice(1), "compact")
        .addRecoveryBit((header - FIRST_HEADER) & 3)
        .recoverPublicKey(bsmHash(message))
        .toBytes(true),
    );
  } catch {
    // r or s out of range, or r is no point's x: there is no key, which is the answer.
    return undefined;
  }
}
