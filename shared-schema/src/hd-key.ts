/**
 * From a seed to one key (BIP-32, private derivation only). Owns: the master key, a path's key.
 * Does not own: words and their seed (client wallet/mnemonic.ts), extended keys as text: nothing here hands them out.
 */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, fromHex, toHex, u32be, utf8 } from "./bytes.ts";
import { publicKeyOf } from "./crypto.ts";

/** A secret with what its children are derived from. */
export interface HdKey {
  secret: Uint8Array;
  chainCode: Uint8Array;
}

const ORDER = secp256k1.Point.CURVE().n;
const HARDENED = 0x8000_0000;
const PATH = /^m(?:\/\d{1,10}'?)*$/;

/** The number of 32 bytes of HMAC output, plus the parent's; throws where BIP-32 says that there is no such key. */
function sumOf(left: Uint8Array, parent: bigint): Uint8Array {
  const tweak = BigInt(`0x${toHex(left)}`);
  const sum = (tweak + parent) % ORDER;
  if (tweak >= ORDER || sum === 0n) throw new RangeError("BIP-32 has no key at this place");
  return fromHex(sum.toString(16).padStart(64, "0"));
}

/** The master key of a seed of 16 to 64 bytes. Throws a RangeError for other lengths. */
export function masterKeyOf(seed: Uint8Array): HdKey {
  if (seed.length < 16 || seed.length > 64) throw new RangeError("a seed has 16 to 64 bytes");
  const digest = hmac(sha512, utf8("Bitcoin seed"), seed);
  return { secret: sumOf(digest.subarray(0, 32), 0n), chainCode: digest.slice(32) };
}

function childOf({ secret, chainCode }: HdKey, index: number): HdKey {
  const from = index >= HARDENED ? concat(Uint8Array.of(0), secret) : fromHex(publicKeyOf(secret));
  const digest = hmac(sha512, chainCode, concat(from, u32be(index)));
  return { secret: sumOf(digest.subarray(0, 32), BigInt(`0x${toHex(secret)}`)), chainCode: digest.slice(32) };
}

/** The key at a path such as m/44'/236'/0'/0/0. Throws a RangeError for a path that is none. */
export function derive(master: HdKey, path: string): HdKey {
  if (!PATH.test(path)) throw new RangeError(`${path} is not a derivation path`);
  return path
    .split("/")
    .slice(1)
    .reduce((key, part) => {
      const index = Number.parseInt(part, 10);
      if (index >= HARDENED) throw new RangeError(`${part} is not an index of a derivation path`);
      return childOf(key, part.endsWith("'") ? index + HARDENED : index);
    }, master);
}
