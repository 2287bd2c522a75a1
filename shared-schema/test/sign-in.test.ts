/** Sign-in bytes: BSM against another implementation and a published-style vector, the challenge's text, the proof. */
import assert from "node:assert/strict";
import { BSM, PrivateKey, Signature } from "@bsv/sdk";
import {
  bsmHash,
  challengeMessage,
  ecdsaIdentity,
  playKeyProofBytes,
  recoverBsm,
  signBsm,
} from "@meme-rounds/shared-schema/sign-in";
import { secp256k1 } from "@noble/curves/secp256k1.js";

const hex = (bytes: Uint8Array | number[]): string => Buffer.from(bytes).toString("hex");
const secretOf = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

/** A test key's signature made by a wallet; nobody holds coins under it. */
const VECTOR = {
  wif: "Kzo4WTLyGGLXBdaC66vAf19qKawtnfzXdATAiWUmvfbmYycLkPPe",
  address: "1Gc98ZvN8NcD7dRuP8uohwGuUyW8fSRLAr",
  message:
    "livememe.example wants you to sign in\nwallet: yours\nnonce: 8f2c1d7e\nissued: 2026-11-22T15:00:00Z",
  signature: "H3COTKqsRbzHxTwqbp8Ya+j7ABo3ZiC7i1VPOrEBNK0GJSBPUkIjRRkB40vrQ/okGPwZaeEz4oFaCG5cRiiEgT8=",
};

const CHALLENGE = {
  domain: "play.example:2567",
  nonce: "nonce0123",
  issuedAt: Date.UTC(2026, 10, 22, 15),
  wallet: "manual",
  address: VECTOR.address,
  playKey: `02${"ab".repeat(32)}`,
};

describe("shared-schema: sign-in (I2)", () => {
  it("I2: recovers the key of a wallet's BSM vector, and makes the same signature from the key", () => {
    const key = PrivateKey.fromWif(VECTOR.wif);
    assert.equal(recoverBsm(VECTOR.message, VECTOR.signature), key.toPublicKey().toString());
    assert.equal(key.toAddress(), VECTOR.address);
    assert.equal(signBsm(VECTOR.message, Uint8Array.from(key.toArray("be", 32))), VECTOR.signature);
  });

  it("I2: signatures verify in the BSV SDK, for every length class of text and beyond ASCII", () => {
    const texts = ["", "x".repeat(252), "x".repeat(253), "x".repeat(70_000), "mémé 🐸", "e\u0301"];
    for (const [index, text] of texts.entries()) {
      const secret = secretOf(index + 1);
      const key = new PrivateKey(hex(secret), "hex").toPublicKey();
      const raw = [...Buffer.from(text, "utf8")];
      assert.equal(hex(bsmHash(text)), hex(BSM.magicHash(raw)), `hash of text ${index}`);
      const signature = signBsm(text, secret);
      assert.ok(BSM.verify(raw, Signature.fromCompact(signature, "base64"), key), `text ${index}`);
      assert.equal(recoverBsm(text, signature), key.toString());
    }
  });

  it("I2: another text or a changed signature gives another key, never the signer's", () => {
    const key = hex(secp256k1.getPublicKey(secretOf(7)));
    const signature = signBsm("sign in", secretOf(7));
    assert.equal(recoverBsm("sign in", signature), key);
    assert.notEqual(recoverBsm("sign in ", signature), key);
    for (let at = 0; at < 65; at++) {
      const bytes = Buffer.from(signature, "base64");
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      assert.notEqual(recoverBsm("sign in", bytes.toString("base64")), key, `byte ${at}`);
    }
  });

  it("I2: what is no signature gives no key", () => {
    const good = Buffer.from(signBsm("sign in", secretOf(7)), "base64");
    const withHeader = (header: number): string =>
      Buffer.concat([Buffer.of(header), good.subarray(1)]).toString("base64");
    const none = [
      "",
      "not base64",
      good.subarray(0, 64).toString("base64"),
      Buffer.concat([good, Buffer.of(0)]).toString("base64"),
      ` ${good.toString("base64")}`,
      good.toString("hex"),
      withHeader(26),
      withHeader(43),
      Buffer.concat([Buffer.of(31), Buffer.alloc(64)]).toString("base64"),
      Buffer.concat([Buffer.of(31), Buffer.alloc(64, 0xff)]).toString("base64"),
    ];
    for (const text of none) assert.equal(recoverBsm("sign in", text), undefined, text);
  });

  it("I2: the challenge holds domain, nonce, issued time, wallet, address and play key", () => {
    assert.equal(
      challengeMessage(CHALLENGE),
      [
        "play.example:2567 asks you to sign in to Meme Rounds.",
        "This moves no coins and costs nothing.",
        "By signing you accept the terms, version 1, and say that you are 18 or older.",
        "",
        "Wallet: manual",
        `Address: ${VECTOR.address}`,
        `Play key: ${CHALLENGE.playKey}`,
        "Nonce: nonce0123",
        "Issued: 2026-11-22T15:00:00.000Z",
      ].join("\n"),
    );
  });

  it("I2: no field can write another line of the challenge", () => {
    for (const field of ["domain", "nonce", "wallet", "address", "playKey"] as const)
      for (const text of ["a\nNonce: b", "a b", "a\u2028b", "é", ""])
        assert.throws(
          () => challengeMessage({ ...CHALLENGE, [field]: text }),
          RangeError,
          `${field} ${text}`,
        );
  });

  it("protocol 4: the proof is MRB1 | nonce | identity string", () => {
    const identity = ecdsaIdentity(CHALLENGE.playKey);
    assert.equal(identity, `ecdsa-secp256k1:${CHALLENGE.playKey}`);
    assert.equal(Buffer.from(playKeyProofBytes("n1", identity)).toString("utf8"), `MRB1n1${identity}`);
  });
});
