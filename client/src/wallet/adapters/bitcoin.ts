/**
 * Addresses and signatures of Bitcoin wallets (I1). Owns: which kind of main-net address a text is, and which identity
 * a signature of its owner proves. Does not own: wallets, or the verdict: the server checks everything again. Pure.
 */
import { decodeBase58Check } from "@meme-rounds/shared-schema/base58";
import { concat, fromHex, toHex } from "@meme-rounds/shared-schema/bytes";
import { hash160 } from "@meme-rounds/shared-schema/hash";
import { ecdsaIdentity, recoverBsm } from "@meme-rounds/shared-schema/sign-in";
import type { Signed } from "./types.ts";

export interface BitcoinAddress {
  kind: "p2pkh" | "p2sh" | "p2wpkh" | "p2tr";
  /** Hash of the key or script; for p2tr the output key, x only. */
  program: Uint8Array;
}

const LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATORS = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const BECH32 = 1;
const BECH32M = 0x2bc830a3;
const SUM_LETTERS = 6;
const MAIN = "bc";

/** BIP-173's checksum of 5-bit values. */
function checksum(values: readonly number[]): number {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [bit, generator] of GENERATORS.entries()) if ((top >>> bit) & 1) sum ^= generator;
  }
  return sum >>> 0;
}

/** A segwit address of the main net: P2WPKH or P2TR; undefined for any other text. */
function readSegwit(text: string): BitcoinAddress | undefined {
  if (!text.startsWith(`${MAIN}1`) || text.length > 90) return undefined;
  const values = [...text.slice(MAIN.length + 1)].map((letter) => LETTERS.indexOf(letter));
  if (values.includes(-1) || values.length <= SUM_LETTERS) return undefined;
  const prefix = [...MAIN].map((letter) => letter.charCodeAt(0));
  const expanded = [...prefix.map((code) => code >> 5), 0, ...prefix.map((code) => code & 31)];
  const [version, ...words] = values.slice(0, -SUM_LETTERS);
  if (checksum([...expanded, ...values]) !== (version === 0 ? BECH32 : BECH32M)) return undefined;
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const word of words) {
    held = ((held << 5) | word) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >> bits) & 0xff);
  }
  const program = Uint8Array.from(bytes);
  if (bits >= 5 || (held & ((1 << bits) - 1)) !== 0) return undefined;
  if (version === 0 && program.length === 20) return { kind: "p2wpkh", program };
  return version === 1 && program.length === 32 ? { kind: "p2tr", program } : undefined;
}

/** A main-net address of one key; undefined for other texts, scripts and networks. */
export function readBitcoinAddress(text: string): BitcoinAddress | undefined {
  const segwit = readSegwit(text);
  if (segwit !== undefined) return segwit;
  const payload = decodeBase58Check(text);
  if (payload?.length !== 21) return undefined;
  const program = payload.slice(1);
  if (payload[0] === 0) return { kind: "p2pkh", program };
  return payload[0] === 5 ? { kind: "p2sh", program } : undefined;
}

/** True for an address of a test network: right wallet, wrong switch. */
export const isTestAddress = (text: string): boolean =>
  /^(?:tb1|bcrt1|sb1|[mn2][1-9A-HJ-NP-Za-km-z]{25,})/.test(text);

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

function isOfKey({ kind, program }: BitcoinAddress, key: Uint8Array): boolean {
  const keyHash = hash160(key);
  if (kind === "p2sh") return same(hash160(concat(Uint8Array.of(0, 20), keyHash)), program);
  return same(keyHash, program);
}

const bytesOfBase64 = (text: string): Uint8Array | undefined => {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return undefined; // Not base64 after all.
  }
};

/** Wallets differ in the header byte (BIP-137); ours is the one of a compressed key. */
function withPlainHeader(signature: string): string {
  const bytes = bytesOfBase64(signature);
  if (bytes?.length !== 65) return signature;
  bytes[0] = 31 + (((bytes[0] ?? 0) - 27) & 3);
  return btoa(String.fromCharCode(...bytes));
}

/**
 * What a wallet's signature of `message` is meant to prove: a BSM of the address's key, or BIP-322 simple of P2WPKH and
 * P2TR. Undefined when it is the signature of another key, or none.
 */
export function provenBy(message: string, signature: string, address: BitcoinAddress): Signed | undefined {
  const signer = recoverBsm(message, signature);
  if (signer !== undefined) {
    // Whether a Taproot address is that key's, only the server finds out.
    if (address.kind !== "p2tr" && !isOfKey(address, fromHex(signer))) return undefined;
    return { signature: withPlainHeader(signature), publicKey: signer, identity: ecdsaIdentity(signer) };
  }
  const witness = bytesOfBase64(signature.replace(/^smp/, ""));
  if (witness === undefined || witness.length < 65) return undefined;
  if (address.kind === "p2tr") return { signature, identity: `bip322:${toHex(address.program)}` };
  const key = witness.slice(-33);
  return isOfKey(address, key) ? { signature, identity: `bip322:${toHex(key)}` } : undefined;
}
