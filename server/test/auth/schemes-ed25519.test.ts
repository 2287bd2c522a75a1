/** Ed25519 as Phantom signs (I1): which keys and encodings are refused, and noble as the oracle. */
import assert from "node:assert/strict";
import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { base58 } from "@scure/base";
import fc from "fast-check";
import { ed25519Signer } from "../../src/auth/schemes/ed25519.ts";
import { createSchemes, type SignatureClaim, schemeOf } from "../../src/auth/schemes/index.ts";
import { signerCases } from "./wallet-signers.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const secretOf = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const NONCE = "nonce-0123456789";

describe("auth: Ed25519 signatures (I1)", () => {
  it("I1: Ed25519: keys of small order and in second encodings, S beyond the order", async () => {
    const phantom = signerCases.find(({ name }) => name === "phantom, Ed25519, base58");
    const good = await phantom?.claim(secretOf(7), "sign in", NONCE);
    assert.ok(good);
    const refused = (claim: SignatureClaim, why: string): void =>
      assert.deepEqual(
        schemeOf(createSchemes({ network: "main" }), "phantom").verify(claim),
        { ok: false },
        why,
      );
    const signature = base58.decode(good.signature);
    const L = 2n ** 252n + 27742317777372353535851937790883648493n;
    const littleEndian = (value: bigint): Buffer =>
      Buffer.from(value.toString(16).padStart(64, "0"), "hex").reverse();
    const s = BigInt(`0x${hex(signature.slice(32).reverse())}`);
    const beyond = Buffer.concat([signature.subarray(0, 32), littleEndian(s + L)]);
    refused({ ...good, signature: base58.encode(beyond) }, "S + L");
    refused({ ...good, signature: base58.encode(Buffer.concat([signature, Buffer.of(0)])) }, "65 bytes");
    refused({ ...good, signature: `1${good.signature}` }, "a zero in front");
    refused({ ...good, address: `1${good.address}` }, "a zero in front of the key");
    refused({ ...good, publicKey: base58.encode(ed25519.getPublicKey(secretOf(9))) }, "another public key");

    // R = identity, S = 0: equation holds for the neutral key whatever is signed, for the others for some texts.
    const P = 2n ** 255n - 19n;
    const keys = [
      ...ED25519_TORSION_SUBGROUP.map((text) => Buffer.from(text, "hex")),
      littleEndian(P),
      littleEndian(P + 1n),
      littleEndian(1n + (1n << 255n)),
      littleEndian(P - 1n + (1n << 255n)),
      littleEndian(2n ** 255n - 1n),
    ];
    const nothing = Buffer.concat([littleEndian(1n), Buffer.alloc(32)]);
    for (const key of keys)
      for (const R of [
        ...ED25519_TORSION_SUBGROUP.map((text) => Buffer.from(text, "hex")),
        nothing.subarray(0, 32),
      ])
        for (const text of ["a", "b", "c", "d", "e", "f", "g", "h"])
          assert.equal(
            ed25519Signer(text, base58.encode(Buffer.concat([R, Buffer.alloc(32)])), base58.encode(key)),
            undefined,
            hex(key),
          );
  });

  it("I1: Ed25519 gives noble's strict verdicts", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        fc.string({ maxLength: 40 }),
        fc.boolean(),
        (key, noise, text, isHonest) => {
          const publicKey = isHonest ? ed25519.getPublicKey(key) : key;
          const signature = isHonest ? ed25519.sign(Buffer.from(text), key) : noise;
          let noble = false;
          try {
            noble = ed25519.verify(signature, Buffer.from(text), publicKey, { zip215: false });
          } catch {
            // Not a point: noble's way to say no.
          }
          const ours = ed25519Signer(text, base58.encode(signature), base58.encode(publicKey));
          assert.equal(ours !== undefined, noble);
          assert.equal(noble, isHonest);
        },
      ),
      { numRuns: 100 },
    );
  });
});
