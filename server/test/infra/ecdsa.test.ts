/** Native secp256k1 against the portable one: the same verdict on everything, the same signatures (protocol.md 3). */
import { strict as assert } from "node:assert";
import { createHash, randomBytes } from "node:crypto";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { publicKeyOf, signCompact, verifyCompact } from "@meme-rounds/shared-schema/crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import fc from "fast-check";
import {
  createDigestSigner,
  createVerifier,
  type VerifierBackend,
  verifierBackend,
  verifierBackends,
} from "../../src/infra/ecdsa.ts";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const hex32 = (value: bigint): string => value.toString(16).padStart(64, "0");
const secret = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .filter((bytes) => secp256k1.utils.isValidSecretKey(bytes));
const loaded: VerifierBackend[] = verifierBackend() === "openssl" ? ["openssl"] : [...verifierBackends];

describe("native secp256k1", function () {
  this.timeout(30_000);
  for (const backend of loaded) {
    it(`protocol 3: ${backend} gives the portable verdict on good, changed and malleable signatures`, () => {
      const verify = createVerifier(backend);
      const agree = (bytes: Uint8Array, sig: string, key: string, expected?: boolean): void => {
        const verdict = verify(bytes, sig, key);
        assert.equal(verdict, verifyCompact(bytes, sig, key), `${sig} by ${key}`);
        if (expected !== undefined) assert.equal(verdict, expected);
      };
      fc.assert(
        fc.property(
          secret,
          secret,
          fc.uint8Array({ maxLength: 200 }),
          fc.nat(511),
          (own, other, bytes, bit) => {
            const key = publicKeyOf(own);
            const sig = signCompact(bytes, own);
            agree(bytes, sig, key, true);
            agree(bytes, sig, publicKeyOf(other), toHex(own) === toHex(other));
            const flipped = Buffer.from(sig, "hex");
            flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
            agree(bytes, flipped.toString("hex"), key, false);
            const highS = hex32(ORDER - BigInt(`0x${sig.slice(64)}`));
            agree(bytes, sig.slice(0, 64) + highS, key, false);
            agree(Uint8Array.of(...bytes, 0), sig, key, false);
          },
        ),
        { numRuns: 40 },
      );
    });
    it(`protocol 3: ${backend} refuses numbers out of range, keys that are none, and wrong lengths`, () => {
      const verify = createVerifier(backend);
      const own = randomBytes(32);
      const key = publicKeyOf(own);
      const bytes = randomBytes(130);
      const sig = signCompact(bytes, own);
      const r = sig.slice(0, 64);
      const s = sig.slice(64);
      const uncompressed = toHex(secp256k1.getPublicKey(own, false));
      const cases: [string, string][] = [
        [hex32(0n) + s, key],
        [r + hex32(0n), key],
        ["00".repeat(64), key],
        [hex32(ORDER) + s, key],
        [r + hex32(ORDER), key],
        [r + hex32(BigInt(`0x${s}`) + ORDER).slice(-64), key],
        ["ff".repeat(64), key],
        [sig.slice(2), key],
        [`${sig}00`, key],
        [sig.toUpperCase(), key],
        ["", key],
        [sig, `02${"ff".repeat(32)}`],
        [sig, `05${key.slice(2)}`],
        [sig, uncompressed],
        [sig, key.slice(2)],
        [sig, ""],
      ];
      for (const [badSig, badKey] of cases)
        assert.equal(verify(bytes, badSig, badKey), false, `${badSig} ${badKey}`);
      assert.equal(verify(bytes, sig, key), true);
    });
  }
  it("M3: the native signer's signatures are the portable one's, byte for byte", () => {
    const sign = createDigestSigner();
    fc.assert(
      fc.property(secret, fc.uint8Array({ maxLength: 50 }), (own, bytes) => {
        const digest = createHash("sha256").update(bytes).digest();
        const portable = secp256k1.sign(digest, own, { prehash: false, format: "der" });
        assert.equal(toHex(sign(digest, own)), toHex(portable));
      }),
      { numRuns: 100 },
    );
  });
});
