/**
 * The addresses one secp256k1 key has on the networks of wallets, and which of them a text claims to be (I1).
 * Owns: P2PKH, P2WPKH, P2SH-P2WPKH and P2TR texts of the main net. Does not own: paying to any of them. Pure.
 */
import { createHash } from "node:crypto";
import { encodeBase58Check } from "@meme-rounds/shared-schema/base58";
import { hash160 } from "@meme-rounds/shared-schema/hash";
import { bech32, bech32m } from "@scure/base";
import type { Curve } from "../../infra/curve.ts";

const PREFIX = "bc";
const P2PKH_VERSION = 0x00;
const P2SH_VERSION = 0x05;

export const sha256 = (...parts: Uint8Array[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** BIP-340's tagged hash. */
export function taggedHash(tag: string, ...parts: Uint8Array[]): Buffer {
  const tagHash = sha256(Buffer.from(tag, "utf8"));
  return sha256(tagHash, tagHash, ...parts);
}

/** Witness version 0 with the hash160 of a compressed key. */
export const p2wpkhAddress = (keyHash: Uint8Array): string =>
  bech32.encode(PREFIX, [0, ...bech32.toWords(keyHash)]);

/** Witness version 1 with an output key, x only. */
const p2trAddress = (outputKey: Uint8Array): string =>
  bech32m.encode(PREFIX, [1, ...bech32m.toWords(outputKey)]);

/** The output key (32 bytes, x only) in a P2TR address of the main net; undefined for any other text. */
export function p2trOutputKey(address: string): Uint8Array | undefined {
  const decoded = bech32m.decodeUnsafe(address);
  if (decoded === undefined || decoded.words.shift() !== 1) return undefined;
  const key = bech32m.fromWordsUnsafe(decoded.words);
  // Made again it must be the same text: no capitals, no other prefix.
  return key instanceof Uint8Array && key.length === 32 && p2trAddress(key) === address ? key : undefined;
}

/** BIP-341's output key of an internal key (x only) without scripts: x only; undefined where there is none. */
export function taprootOutputKey(internal: Uint8Array, curve: Curve): Uint8Array | undefined {
  const even = Buffer.concat([Buffer.of(2), internal]);
  return curve.combine(even, undefined, taggedHash("TapTweak", internal))?.subarray(1);
}

/**
 * True when `address` is exactly the text of one of the addresses of a compressed key on the main net: P2PKH, P2WPKH,
 * P2SH-P2WPKH or P2TR without scripts.
 */
export function isAddressOf(address: string, key: Uint8Array, curve: Curve): boolean {
  if (address.startsWith("bc1p")) {
    const output = taprootOutputKey(key.subarray(1), curve);
    return output !== undefined && p2trAddress(output) === address;
  }
  const keyHash = hash160(key);
  if (address.startsWith("bc1")) return p2wpkhAddress(keyHash) === address;
  if (address.startsWith("3")) {
    const script = hash160(Buffer.concat([Buffer.of(0, 20), keyHash]));
    return encodeBase58Check(Buffer.concat([Buffer.of(P2SH_VERSION), script])) === address;
  }
  return encodeBase58Check(Buffer.concat([Buffer.of(P2PKH_VERSION), keyHash])) === address;
}
