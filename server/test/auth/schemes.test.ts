/** Wallets' signatures (I1): the vectors, other implementations as oracles, and everything that must be refused. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { PrivateKey, ProtoWallet } from "@bsv/sdk";
import { sha256 } from "@meme-rounds/shared-schema/hash";
import { schnorr } from "@noble/curves/secp256k1.js";
import { base58 } from "@scure/base";
import fc from "fast-check";
import { z } from "zod";
import { bip322Signer } from "../../src/auth/schemes/bip322.ts";
import { verifyBrc100 } from "../../src/auth/schemes/brc100.ts";
import { createSchemes, schemeOf } from "../../src/auth/schemes/index.ts";
import { verifySchnorr } from "../../src/auth/schemes/schnorr.ts";
import { type CurveBackend, createCurve } from "../../src/infra/curve.ts";
import { signBrc100, signerCases } from "./wallet-signers.ts";

const vectorSchema = z.object({
  scheme: z.string(),
  message: z.string(),
  address: z.string().optional(),
  addressType: z.string().optional(),
  signature: z.string().optional(),
  signatureHex: z.string().optional(),
  signatureBase58: z.string().optional(),
  publicKey: z.string().optional(),
  identityKey: z.string().optional(),
  keyID: z.string().optional(),
  protocolID: z.tuple([z.literal(2), z.string()]).optional(),
});
const bip322Schema = z.object({
  simple: z.array(
    z.object({
      message: z.string(),
      address: z.string(),
      type: z.string(),
      bip322_signatures: z.array(z.string()),
    }),
  ),
  error: z.array(
    z.object({ description: z.string(), message: z.string(), address: z.string(), signature: z.string() }),
  ),
});
const readVectors = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(new URL(`vectors/${name}.json`, import.meta.url), "utf8"));

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const secretOf = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const NONCE = "nonce-0123456789";
const VECTOR_ADDRESS = "1Gc98ZvN8NcD7dRuP8uohwGuUyW8fSRLAr";
const VECTOR_KEY = "03de0649ef4270adbc81a705bf1686853f8ad59e38cd9379ac650058e142e3e1c9";

for (const backend of ["libsecp256k1", "noble"] as const satisfies CurveBackend[])
  describe(`auth: signature schemes (I1), by ${backend}`, () => {
    const curve = createCurve(backend);
    const all = createSchemes({ network: "main" }, { curve });

    it("I1: wallet-signatures.json: every signature of a wallet of ours names its key", async () => {
      const { vectors } = z
        .object({ vectors: z.array(vectorSchema) })
        .parse(await readVectors("wallet-signatures"));
      const seen: string[] = [];
      for (const vector of vectors) {
        const { scheme, message, address = "", signature = "", addressType = "" } = vector;
        seen.push(`${scheme} ${addressType}`.trim());
        const verify = (wallet: "manual" | "yours" | "okx" | "unisat" | "phantom", claim: object) =>
          schemeOf(all, wallet).verify({ nonce: NONCE, message, signature, address, ...claim });
        if (scheme === "bsm") {
          const expected = { ok: true, identity: `ecdsa-secp256k1:${VECTOR_KEY}` };
          assert.deepEqual(verify("manual", {}), expected);
          assert.deepEqual(verify("yours", { publicKey: VECTOR_KEY }), expected);
        } else if (scheme === "ecdsa") {
          const expected = { ok: true, identity: `ecdsa-secp256k1:${VECTOR_KEY}` };
          assert.deepEqual(verify("okx", {}), expected, addressType);
          assert.deepEqual(verify("unisat", { publicKey: VECTOR_KEY }), expected, addressType);
        } else if (scheme === "bip322-simple") {
          const key =
            addressType === "p2tr"
              ? hex(bip322Signer(message, signature, address, curve) ?? Buffer.of())
              : VECTOR_KEY;
          assert.deepEqual(verify("okx", {}), { ok: true, identity: `bip322:${key}` });
          assert.deepEqual(verify("unisat", { publicKey: VECTOR_KEY }), {
            ok: true,
            identity: `bip322:${key}`,
          });
        } else if (scheme === "solana-ed25519") {
          const { publicKey = "", signatureBase58 = "", signatureHex = "" } = vector;
          const expected = { ok: true, identity: `ed25519:${hex(base58.decode(publicKey))}` };
          const base64 = Buffer.from(signatureHex, "hex").toString("base64");
          assert.deepEqual(verify("phantom", { address: publicKey, signature: signatureBase58 }), expected);
          assert.deepEqual(verify("phantom", { address: publicKey, signature: base64 }), expected);
        } else if (scheme === "brc100") {
          const { protocolID = [2, ""], keyID = "", identityKey = "", signatureHex = "" } = vector;
          const key = Buffer.from(identityKey, "hex");
          assert.ok(verifyBrc100(message, signatureHex, key, { protocolID, keyID }, curve));
          for (const other of [
            { protocolID, keyID: "8f2c1d7f" },
            { protocolID: [1, protocolID[1]] as const, keyID },
            { protocolID: [2, "memerounds signin"] as const, keyID },
          ])
            assert.ok(!verifyBrc100(message, signatureHex, key, other, curve));
        } else {
          // BRC-77: no wallet of ours signs so.
          const { signatureHex = "", identityKey = "" } = vector;
          assert.equal(scheme, "brc77");
          for (const one of all)
            for (const text of [signatureHex, Buffer.from(signatureHex, "hex").toString("base64")])
              for (const publicKey of [identityKey, undefined])
                assert.deepEqual(
                  one.verify({ nonce: NONCE, message, signature: text, address: VECTOR_ADDRESS, publicKey }),
                  { ok: false },
                  one.wallet,
                );
        }
      }
      assert.deepEqual(seen, [
        "bsm",
        "ecdsa p2pkh",
        "ecdsa p2wpkh",
        "ecdsa p2shP2wpkh",
        "ecdsa p2tr",
        "bip322-simple p2wpkh",
        "bip322-simple p2tr",
        "solana-ed25519",
        "brc100",
        "brc77",
      ]);
    });

    it("I1: bip322-basic.json: P2WPKH and P2TR are taken, multisig and every error case refused", async () => {
      const { simple, error } = bip322Schema.parse(await readVectors("bip322-basic"));
      let taken = 0;
      for (const { message, address, type, bip322_signatures } of simple)
        for (const signature of bip322_signatures) {
          const verdict = schemeOf(all, "unisat").verify({ nonce: NONCE, message, signature, address });
          assert.equal(verdict.ok, type === "p2wpkh" || type === "p2tr", `${type}: ${message}`);
          if (verdict.ok) taken++;
        }
      assert.equal(taken, 5);
      assert.equal(error.length, 8);
      for (const { description, ...claim } of error)
        for (const one of all)
          assert.deepEqual(one.verify({ nonce: NONCE, ...claim }), { ok: false }, description);
    });

    it("I1: every honest wallet of other implementations comes in, with any text", async () => {
      const texts = ["x", "mémé 🐸 测试", "e\u0301", "x".repeat(252), "x".repeat(253), "a\nb\r\n\u0000"];
      for (const [index, message] of texts.entries())
        for (const one of signerCases) {
          const secret = secretOf(index + 1);
          const claim = await one.claim(secret, message, NONCE);
          assert.deepEqual(
            schemeOf(all, one.wallet).verify(claim),
            { ok: true, identity: one.identity(secret) },
            `${one.name}: ${message}`,
          );
        }
    });

    it("I1: Schnorr agrees with noble, at its edges as well", () => {
      const digest = sha256(Uint8Array.of(1));
      for (let fill = 1; fill < 20; fill++) {
        const secret = secretOf(fill);
        const key = schnorr.getPublicKey(secret);
        const good = schnorr.sign(digest, secret);
        assert.ok(verifySchnorr(digest, good, key, curve));
        const order = Buffer.from("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", "hex");
        const bad = [
          Buffer.concat([good.subarray(0, 32), order]),
          Buffer.concat([good.subarray(0, 32), Buffer.alloc(32)]),
          Buffer.concat([Buffer.alloc(32, 0xff), good.subarray(32)]),
          Buffer.concat([Buffer.alloc(32), good.subarray(32)]),
        ];
        for (const one of bad) {
          assert.equal(verifySchnorr(digest, one, key, curve), false);
          assert.equal(schnorr.verify(one, digest, key), false);
        }
        assert.equal(verifySchnorr(sha256(Uint8Array.of(2)), good, key, curve), false);
        assert.equal(verifySchnorr(digest, good, Buffer.alloc(32, 0xff), curve), false);
      }
    });

    it("I1: BRC-100 gives the SDK's verdicts, whatever key, text, protocol and keyID", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((s) => s[0] !== 255 && s.some((b) => b > 0)),
          fc.string({ minLength: 1, maxLength: 100, unit: "binary" }),
          fc.constantFrom<0 | 1 | 2>(0, 1, 2),
          fc.stringMatching(/^[a-z][a-z0-9]{5,20}$/),
          fc.string({ minLength: 1, maxLength: 60, unit: "grapheme" }),
          fc.boolean(),
          async (secret, message, level, name, keyID, isHonest) => {
            const protocolID: [0 | 1 | 2, string] = [level, name];
            const signature = await signBrc100(secret, message, protocolID, keyID);
            const identityKey = new PrivateKey(hex(secret), "hex").toPublicKey().toString();
            const asked = isHonest ? keyID : `${keyID}x`;
            const sdk = await new ProtoWallet("anyone")
              .verifySignature({
                data: [...Buffer.from(message, "utf8")],
                signature: [...Buffer.from(signature, "hex")],
                protocolID,
                keyID: asked,
                counterparty: identityKey,
              })
              .then(
                ({ valid }) => valid,
                () => false,
              );
            assert.equal(sdk, isHonest);
            const ours = verifyBrc100(
              message,
              signature,
              Buffer.from(identityKey, "hex"),
              { protocolID, keyID: asked },
              curve,
            );
            assert.equal(ours, sdk);
          },
        ),
        { numRuns: 25 },
      );
    });
  });
