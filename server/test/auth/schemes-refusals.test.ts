/** What no wallet may send (I1): foreign keys and addresses, second spellings, other scopes, sizes. */
import assert from "node:assert/strict";
import { PrivateKey } from "@bsv/sdk";
import { encodeBase58Check } from "@meme-rounds/shared-schema/base58";
import { addressOf, publicKeyOf as keyOf } from "@meme-rounds/shared-schema/crypto";
import { hash160 } from "@meme-rounds/shared-schema/hash";
import { bsmHash, signBsm } from "@meme-rounds/shared-schema/sign-in";
import { isAddressOf } from "../../src/auth/schemes/addresses.ts";
import { readDer } from "../../src/auth/schemes/encoding.ts";
import { createSchemes, type SignatureClaim, schemeOf } from "../../src/auth/schemes/index.ts";
import { createCurve } from "../../src/infra/curve.ts";
import { addresses, outputKey, signBip322, signerCases } from "./wallet-signers.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const secretOf = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const schemes = createSchemes({ network: "main" });
const NONCE = "nonce-0123456789";
const VECTOR_ADDRESS = "1Gc98ZvN8NcD7dRuP8uohwGuUyW8fSRLAr";
const VECTOR_KEY = "03de0649ef4270adbc81a705bf1686853f8ad59e38cd9379ac650058e142e3e1c9";

/** Refused by every kind of wallet. */
function refusedByAll(claim: SignatureClaim, why: string): void {
  for (const { wallet, verify } of schemes)
    assert.deepEqual(verify(claim), { ok: false }, `${wallet}: ${why}`);
}

describe("auth: what no wallet may send (I1)", () => {
  const curve = createCurve();
  const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const message = "sign in";

  const compactHighS = (compact: Uint8Array): Buffer => {
    const s = ORDER - BigInt(`0x${hex(compact.subarray(32))}`);
    return Buffer.concat([compact.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, "0"), "hex")]);
  };
  const der = (compact: Uint8Array): Buffer => {
    const integer = (bytes: Uint8Array): Buffer => {
      const at = bytes.findIndex((byte) => byte !== 0);
      const body = Buffer.from(bytes.subarray(at));
      const signed = (body[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), body]) : body;
      return Buffer.concat([Buffer.of(2, signed.length), signed]);
    };
    const both = Buffer.concat([integer(compact.subarray(0, 32)), integer(compact.subarray(32))]);
    return Buffer.concat([Buffer.of(0x30, both.length), both]);
  };
  const claimOf = async (name: string, secret = secretOf(7)) => {
    const found = signerCases.find((one) => one.name === name);
    assert.ok(found, name);
    return await found.claim(secret, message, NONCE);
  };

  it("I1: the address of one key with a signature of another", async () => {
    for (const one of signerCases) {
      const [mine, other] = [secretOf(1), secretOf(2)];
      const claim = await one.claim(mine, message, NONCE);
      const foreign = await one.claim(other, message, NONCE);
      refusedByAll({ ...claim, address: foreign.address }, one.name);
      refusedByAll({ ...claim, address: foreign.address, publicKey: foreign.publicKey }, one.name);
      refusedByAll({ ...claim, signature: foreign.signature }, one.name);
      refusedByAll({ ...claim, publicKey: hex(Buffer.alloc(33, 2)) }, `${one.name}: foreign public key`);
    }
  });

  it("I1: the signature of one scheme under the address of another, of one and the same secret", async () => {
    const secret = secretOf(3);
    for (const own of signerCases) {
      const claim = await own.claim(secret, message, NONCE);
      const addressType = /p2\w+/.exec(own.name)?.[0] ?? "none";
      for (const other of signerCases) {
        const { signature } = await other.claim(secret, message, NONCE);
        // BSM is one signature for every address of its key; BIP-322 names its kind of address.
        const isGood = other.name.includes("BSM")
          ? own.wallet !== "phantom"
          : other.name.includes("BIP-322")
            ? ["okx", "unisat"].includes(own.wallet) && other.name.includes(addressType)
            : own.wallet === other.wallet && !own.name.includes("BSM");
        const verdict = schemeOf(schemes, own.wallet).verify({ ...claim, signature });
        assert.equal(verdict.ok, isGood, `${other.name} as ${own.name}`);
      }
    }
  });

  it("I1: addresses of test networks, of scripts, and in other spellings", async () => {
    const bsm = await claimOf("okx, BSM, p2wpkh");
    const segwit = await claimOf("okx, BIP-322, p2wpkh");
    const taproot = await claimOf("unisat, BIP-322, p2tr");
    const secret = secretOf(7);
    const foreign = [
      addresses.p2wpkh(secret).replace("bc1", "tb1"),
      addresses.p2wpkh(secret).toUpperCase(),
      addresses.p2tr(secret).toUpperCase(),
      ` ${addresses.p2wpkh(secret)}`,
      `${addresses.p2pkh(secret)}\n`,
      `1${addresses.p2pkh(secret)}`,
      "bc1qp0ahvfh83088w49k405szqgg4f3pptr7p2g06tdxfjcd40z4lh4q95lsz9",
      "bc1p",
      "bc1",
      "3",
      "",
    ];
    for (const address of foreign)
      for (const claim of [bsm, segwit, taproot]) refusedByAll({ ...claim, address }, address);
    // The same key's address on the test network is good there alone.
    const own = { nonce: NONCE, message, signature: signBsm(message, secret) };
    const onTest = { ...own, address: addressOf(keyOf(secret), "test") };
    const test = schemeOf(createSchemes({ network: "test" }), "manual");
    refusedByAll(onTest, "test net");
    assert.equal(test.verify(onTest).ok, true);
    assert.deepEqual(test.verify({ ...own, address: addresses.p2pkh(secret) }), { ok: false });
    // The address of the key written uncompressed.
    const point = Buffer.from(new PrivateKey(hex(secret), "hex").toPublicKey().encode(false) as number[]);
    const uncompressed = encodeBase58Check(Buffer.concat([Buffer.of(0), hash160(point)]));
    refusedByAll({ ...own, address: uncompressed }, "uncompressed key");
    const bytes = Buffer.from(own.signature, "base64");
    const signature = Buffer.concat([Buffer.of((bytes[0] ?? 0) - 4), bytes.subarray(1)]).toString("base64");
    refusedByAll({ ...own, signature, address: uncompressed }, "uncompressed key and its header");
  });

  it("I1: a BSM signature has one spelling: header 31 to 34, low S, canonical base64", async () => {
    const good = await claimOf("manual, BSM, p2pkh");
    const bytes = Buffer.from(good.signature, "base64");
    const own = bytes[0] ?? 0;
    for (let header = 0; header < 256; header++) {
      if (header === own) continue;
      const signature = Buffer.concat([Buffer.of(header), bytes.subarray(1)]).toString("base64");
      refusedByAll({ ...good, signature }, `header ${header}`);
    }
    const highS = Buffer.concat([Buffer.of(((own - 31) ^ 1) + 31), compactHighS(bytes.subarray(1))]);
    const twin = curve.recover(bsmHash(message), highS.subarray(1), (own - 31) ^ 1);
    assert.equal(hex(twin ?? Buffer.of()), keyOf(secretOf(7)));
    refusedByAll({ ...good, signature: highS.toString("base64") }, "high S");
    const text = good.signature;
    for (const signature of [
      text.slice(0, -1),
      ` ${text}`,
      `${text}\n`,
      `${text.slice(0, 40)}\n${text.slice(40)}`,
      `${text}=`,
      bytes.toString("hex"),
      bytes.toString("base64url"),
    ])
      refusedByAll({ ...good, signature }, JSON.stringify(signature));
  });

  it("I1: BIP-322: high S, loose DER, other scopes, more items, bytes behind the end, an empty witness", async () => {
    const good = await claimOf("okx, BIP-322, p2wpkh");
    const bytes = Buffer.from(good.signature, "base64");
    const length = bytes[1] ?? 0;
    const compact = readDer(bytes.subarray(2, 1 + length));
    const key = bytes.subarray(-33);
    assert.ok(compact);
    const witness = (...items: Uint8Array[]): string =>
      Buffer.concat([
        Buffer.of(items.length),
        ...items.flatMap((item) => [Buffer.of(item.length), item]),
      ]).toString("base64");
    const scope = Buffer.of(1);
    assert.equal(witness(Buffer.concat([der(compact), scope]), key), good.signature);
    const loose = Buffer.concat([der(compact), scope]);
    loose[1] = (loose[1] ?? 0) + 1;
    const padded = der(compact);
    const rLength = padded[3] ?? 0;
    const longR = Buffer.concat([
      Buffer.of(0x30, padded.length - 1, 2, rLength + 1, 0),
      padded.subarray(4),
      scope,
    ]);
    const bad = [
      witness(Buffer.concat([der(compactHighS(compact)), scope]), key),
      witness(loose, key),
      witness(longR, key),
      witness(Buffer.concat([der(compact), Buffer.of(0x81)]), key),
      witness(der(compact), key),
      witness(Buffer.concat([der(compact), scope])),
      witness(Buffer.concat([der(compact), scope]), key, Buffer.of(0)),
      witness(Buffer.alloc(0), key),
      witness(),
      Buffer.concat([bytes, Buffer.of(0)]).toString("base64"),
      bytes.subarray(0, -1).toString("base64"),
      `ful${good.signature}`,
      `smpsmp${good.signature}`,
      "",
    ];
    for (const signature of bad) refusedByAll({ ...good, signature }, signature);
    for (const other of [2, 3, 0x81, 0x82, 0x83]) {
      for (const type of ["p2wpkh", "p2tr"] as const) {
        const claim = await claimOf(`${type === "p2tr" ? "unisat" : "okx"}, BIP-322, ${type}`);
        refusedByAll(
          { ...claim, signature: signBip322(secretOf(7), message, type, other) },
          `scope ${other}`,
        );
      }
    }
    // An explicit DEFAULT would be a second spelling of the shorter form.
    const taproot = await claimOf("unisat, BIP-322, p2tr");
    const schnorrBytes = Buffer.from(taproot.signature, "base64").subarray(2);
    refusedByAll({ ...taproot, signature: witness(Buffer.concat([schnorrBytes, Buffer.of(0)])) }, "scope 0");
    refusedByAll({ ...taproot, signature: witness(schnorrBytes, Buffer.of(0x50)) }, "annex");
  });

  it("I1: BRC-100: another nonce, no key, high S, loose DER, capitals", async () => {
    const good = await claimOf("yours, BRC-100");
    const { signature, publicKey = "" } = good;
    const compact = readDer(Buffer.from(signature, "hex"));
    assert.ok(compact);
    const long = Buffer.from(signature, "hex");
    const bad: SignatureClaim[] = [
      { ...good, nonce: `${NONCE}0` },
      { ...good, nonce: "" },
      { ...good, publicKey: undefined },
      { ...good, publicKey: publicKey.toUpperCase() },
      { ...good, publicKey: publicKey.slice(2) },
      { ...good, publicKey: publicKey.replace(/^0./, publicKey.startsWith("02") ? "03" : "02") },
      { ...good, signature: signature.toUpperCase() },
      { ...good, signature: hex(der(compactHighS(compact))) },
      { ...good, signature: hex(Buffer.concat([long, Buffer.of(0)])) },
      { ...good, signature: hex(compact) },
      { ...good, signature: Buffer.from(signature, "hex").toString("base64") },
    ];
    for (const [at, claim] of bad.entries()) refusedByAll(claim, `claim ${at}`);
  });

  it("I1: what is too long is refused before any arithmetic, and nothing throws", () => {
    const never = () => assert.fail("arithmetic for what should not be read");
    const unread = createSchemes(
      { network: "main" },
      { curve: { recover: never, verify: never, combine: never } },
    );
    const good = { nonce: NONCE, message, address: VECTOR_ADDRESS, publicKey: VECTOR_KEY };
    const long = 10_240;
    const texts = [
      "A".repeat(long),
      "0".repeat(long),
      "z".repeat(long),
      `smp${"A".repeat(long)}`,
      "é".repeat(long),
    ];
    for (const { verify, wallet } of unread) {
      for (const signature of [
        ...texts,
        "",
        " ",
        "\u0000",
        "🐸".repeat(44),
        "=".repeat(88),
        `${"A".repeat(87)}=`,
      ])
        for (const address of [
          good.address,
          addresses.p2tr(secretOf(1)),
          addresses.p2wpkh(secretOf(1)),
          ...texts,
        ])
          assert.deepEqual(verify({ ...good, signature, address }), { ok: false }, wallet);
      for (const publicKey of texts)
        assert.deepEqual(verify({ ...good, signature: signBsm(message, secretOf(1)), publicKey }), {
          ok: false,
        });
      const signature = signBsm("x".repeat(5_000), secretOf(1));
      assert.deepEqual(verify({ ...good, message: "x".repeat(5_000), signature }), { ok: false });
    }
  });

  it("I1: half a character would stand for another text, and is refused", () => {
    const secret = secretOf(4);
    const address = addresses.p2pkh(secret);
    const signature = signBsm("\ufffd", secret);
    const claim = { nonce: NONCE, message: "\ufffd", signature, address };
    assert.equal(schemeOf(schemes, "manual").verify(claim).ok, true);
    refusedByAll({ ...claim, message: "\ud83d" }, "a lone surrogate");
  });

  it("I1: P2TR and P2SH addresses agree with btc-signer for many keys, and with no other key", () => {
    for (let fill = 1; fill < 40; fill++) {
      const secret = secretOf(fill);
      const key = Buffer.from(keyOf(secret), "hex");
      for (const make of Object.values(addresses)) {
        assert.ok(isAddressOf(make(secret), key, curve));
        assert.ok(!isAddressOf(make(secretOf(fill + 1)), key, curve));
      }
    }
  });

  it("I1: a Taproot account may show its internal or its output key beside a BIP-322 signature", async () => {
    const good = await claimOf("unisat, BIP-322, p2tr");
    const internal = keyOf(secretOf(7));
    const output = hex(outputKey(secretOf(7)));
    for (const publicKey of [internal, internal.slice(2), output])
      assert.equal(schemeOf(schemes, "unisat").verify({ ...good, publicKey }).ok, true, publicKey);
    for (const publicKey of [VECTOR_KEY, VECTOR_KEY.slice(2), "ff".repeat(32), "02", ""])
      refusedByAll({ ...good, publicKey }, publicKey);
  });
});
