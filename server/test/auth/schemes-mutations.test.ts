/**
 * One bit of message, address or signature changed: refused, for every wallet and address type (I1). Every bit of one
 * claim each, and random bits of random claims.
 */
import assert from "node:assert/strict";
import { sha256 } from "@meme-rounds/shared-schema/hash";
import { base58, bech32, bech32m, createBase58check } from "@scure/base";
import fc from "fast-check";
import { createSchemes, type SignatureClaim, schemeOf } from "../../src/auth/schemes/index.ts";
import { type SignerCase, signerCases } from "./wallet-signers.ts";

const schemes = createSchemes({ network: "devchain" });
const base58check = createBase58check(sha256);
const NONCE = "0aZ_-nonce0123456789";
const MESSAGE = "play.example asks you to sign in to Meme Rounds.\n\nNonce: 0aZ_-nonce0123456789";

/** Texts and their bytes, and back: as whoever tampers with the bytes would write them again. */
interface Codec {
  decode(text: string): Uint8Array;
  encode(bytes: Uint8Array): string;
}

const latin: Codec = {
  decode: (text) => Uint8Array.from(text, (char) => char.charCodeAt(0)),
  encode: (bytes) => String.fromCharCode(...bytes),
};
const base64: Codec = {
  decode: (text) => Buffer.from(text, "base64"),
  encode: (bytes) => Buffer.from(bytes).toString("base64"),
};
const prefixed: Codec = {
  decode: (text) => base64.decode(text.slice(3)),
  encode: (bytes) => `smp${base64.encode(bytes)}`,
};
const hex: Codec = {
  decode: (text) => Buffer.from(text, "hex"),
  encode: (bytes) => Buffer.from(bytes).toString("hex"),
};

function signatureCodec(text: string): Codec {
  if (/^[0-9a-f]+$/.test(text)) return hex;
  if (text.startsWith("smp")) return prefixed;
  return text.includes("=") || (text.length % 4 === 0 && text.startsWith("A")) ? base64 : base58;
}

/** The address's bytes with a checksum that fits whatever they become. */
function addressCodec(text: string, wallet: string): Codec {
  if (wallet === "phantom") return base58;
  if (!text.startsWith("bc1")) return base58check;
  const coder = text.startsWith("bc1p") ? bech32m : bech32;
  const version = text.startsWith("bc1p") ? 1 : 0;
  return {
    decode: (address) => coder.fromWords(coder.decode(address as `bc1${string}`).words.slice(1)),
    encode: (bytes) => coder.encode("bc", [version, ...coder.toWords(bytes)]),
  };
}

type Field = "message" | "address" | "signature";
interface Place {
  field: Field;
  form: "characters" | "bytes";
  codec: Codec;
  bits: number;
}

/** Where a bit of this claim can be changed. */
function places(claim: SignatureClaim, wallet: string): Place[] {
  const place = (field: Field, form: Place["form"], codec: Codec): Place => ({
    field,
    form,
    codec,
    bits: codec.decode(claim[field]).length * 8,
  });
  return [
    place("message", "characters", latin),
    place("address", "characters", latin),
    place("address", "bytes", addressCodec(claim.address, wallet)),
    place("signature", "characters", latin),
    place("signature", "bytes", signatureCodec(claim.signature)),
  ];
}

function mutate(claim: SignatureClaim, { field, codec }: Place, bit: number): SignatureClaim {
  const bytes = Uint8Array.from(codec.decode(claim[field]));
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  const text = codec.encode(bytes);
  assert.notEqual(text, claim[field]);
  return { ...claim, [field]: text };
}

const verdict = (one: SignerCase, claim: SignatureClaim) => schemeOf(schemes, one.wallet).verify(claim);

describe("auth: mutations of signatures (I1)", () => {
  for (const one of signerCases) {
    it(`I1: ${one.name}: every single bit counts`, async () => {
      const secret = new Uint8Array(32).fill(41);
      const claim = await one.claim(secret, MESSAGE, NONCE);
      assert.deepEqual(verdict(one, claim), { ok: true, identity: one.identity(secret) });
      for (const place of places(claim, one.wallet)) {
        assert.equal(place.codec.encode(place.codec.decode(claim[place.field])), claim[place.field]);
        for (let bit = 0; bit < place.bits; bit++)
          assert.deepEqual(
            verdict(one, mutate(claim, place, bit)),
            { ok: false },
            `${place.field}, bit ${bit} of its ${place.form}`,
          );
      }
    });

    it(`I1: ${one.name}: a random bit of a random claim`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((s) => s[0] !== 255 && s.some((b) => b > 0)),
          fc.string({
            minLength: 1,
            maxLength: 300,
            unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)),
          }),
          fc.stringMatching(/^[A-Za-z0-9_-]{16,32}$/),
          fc.nat(),
          fc.nat(),
          async (secret, message, nonce, at, bit) => {
            const claim = await one.claim(secret, message, nonce);
            assert.deepEqual(verdict(one, claim), { ok: true, identity: one.identity(secret) });
            const all = places(claim, one.wallet);
            const place = all[at % all.length];
            assert.ok(place);
            assert.deepEqual(verdict(one, mutate(claim, place, bit % place.bits)), { ok: false });
          },
        ),
        { numRuns: 40 },
      );
    });
  }
});
