/**
 * BIP-322 "simple" signatures (I1) of P2WPKH and P2TR key-path addresses: a witness for a transaction that can never be
 * sent. Owns: reading the witness, the two digests, whose key it shows. Does not own: other scripts: multisig and
 * P2WSH are refused. Pure; the transactions are known but for message and address, so only their digests are made.
 */
import { hash160 } from "@meme-rounds/shared-schema/hash";
import type { Curve } from "../../infra/curve.ts";
import { p2trOutputKey, p2wpkhAddress, sha256, taggedHash } from "./addresses.ts";
import { readBase64, readDer } from "./encoding.ts";
import { verifySchnorr } from "./schnorr.ts";

const PREFIX = "smp";
const ALL = 0x01;
const DEFAULT = 0x00;
const hash256 = (...parts: Uint8Array[]): Buffer => sha256(sha256(...parts));
const u32le = (value: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
};

/** Version, locktime, sequence and amount: all of them 0. */
const ZERO4 = u32le(0);
const ZERO8 = Buffer.alloc(8);
/** The one output: no amount, OP_RETURN. */
const OUTPUT = Buffer.concat([ZERO8, Buffer.of(1, 0x6a)]);

/** txid, in the order of bytes on the wire, of the transaction that is said to be spent. */
function toSpendTxid(message: string, script: Uint8Array): Buffer {
  const hash = taggedHash("BIP0322-signed-message", Buffer.from(message, "utf8"));
  return hash256(
    ZERO4,
    Buffer.of(1),
    Buffer.alloc(32),
    u32le(0xffffffff),
    Buffer.of(34, 0, 32),
    hash,
    ZERO4,
    Buffer.of(1),
    ZERO8,
    Buffer.of(script.length),
    script,
    ZERO4,
  );
}

/** BIP-143's digest with scope ALL, of the input that spends P2WPKH. */
function witnessV0Digest(message: string, keyHash: Uint8Array): Buffer {
  const outpoint = Buffer.concat([toSpendTxid(message, Buffer.concat([Buffer.of(0, 20), keyHash])), ZERO4]);
  return hash256(
    ZERO4,
    hash256(outpoint),
    hash256(ZERO4),
    outpoint,
    Buffer.of(25, 0x76, 0xa9, 20),
    keyHash,
    Buffer.of(0x88, 0xac),
    ZERO8,
    ZERO4,
    hash256(OUTPUT),
    ZERO4,
    u32le(ALL),
  );
}

/** BIP-341's digest of a key-path spend with scope DEFAULT or ALL. */
function witnessV1Digest(message: string, outputKey: Uint8Array, scope: number): Buffer {
  const script = Buffer.concat([Buffer.of(0x51, 32), outputKey]);
  return taggedHash(
    "TapSighash",
    Buffer.of(0, scope),
    ZERO4,
    ZERO4,
    sha256(toSpendTxid(message, script), ZERO4),
    sha256(ZERO8),
    sha256(Buffer.of(script.length), script),
    sha256(ZERO4),
    sha256(OUTPUT),
    Buffer.of(0),
    ZERO4,
  );
}

/** The items of a witness whose lengths are below 253 bytes, nothing behind them; undefined for anything else. */
function readWitness(bytes: Uint8Array): Uint8Array[] | undefined {
  const items: Uint8Array[] = [];
  const [count = 0] = bytes;
  if (count === 0 || count > 2) return undefined;
  let at = 1;
  for (let item = 0; item < count; item++) {
    const length = bytes[at];
    if (length === undefined || length >= 0xfd || at + 1 + length > bytes.length) return undefined;
    items.push(bytes.subarray(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return at === bytes.length ? items : undefined;
}

/**
 * The key behind a BIP-322 simple signature (base64, with or without the prefix `smp`) of a main-net address:
 * compressed (33 bytes) for P2WPKH, the x-only output key (32 bytes) for P2TR. Undefined when it is not that address's
 * signature of the message.
 */
export function bip322Signer(
  message: string,
  signature: string,
  address: string,
  curve: Curve,
): Uint8Array | undefined {
  const bytes = readBase64(signature.startsWith(PREFIX) ? signature.slice(PREFIX.length) : signature);
  const [first, key, ...more] = (bytes && readWitness(bytes)) ?? [];
  if (first === undefined || more.length > 0) return undefined;
  if (key === undefined) {
    const outputKey = p2trOutputKey(address);
    if (outputKey === undefined) return undefined;
    const scope = first.length === 65 ? first[64] : first.length === 64 ? DEFAULT : undefined;
    if (scope === undefined || (first.length === 65 && scope !== ALL)) return undefined;
    const digest = witnessV1Digest(message, outputKey, scope);
    return verifySchnorr(digest, first.subarray(0, 64), outputKey, curve) ? outputKey : undefined;
  }
  if (key.length !== 33 || first.at(-1) !== ALL) return undefined;
  const keyHash = hash160(key);
  if (p2wpkhAddress(keyHash) !== address) return undefined;
  const compact = readDer(first.subarray(0, -1));
  if (compact === undefined) return undefined;
  return curve.verify(witnessV0Digest(message, keyHash), compact, key) ? key : undefined;
}
