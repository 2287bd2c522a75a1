/** Golden bytes of protocol.md 1-5: whoever changes one of these breaks every signature ever made. */
import assert from "node:assert/strict";
import { fromHex, toHex, utf8 } from "../src/bytes.ts";
import {
  addressOf,
  ed25519PublicKey,
  publicKeyOf,
  signCompact,
  signEd25519,
  verifyCompact,
  verifyEd25519,
} from "../src/crypto.ts";
import { hashJson } from "../src/hash.ts";
import { acceptedBytes, headBytes, rejectedBytes } from "../src/receipt.ts";
import { EMPTY_HEAD, headOf, seal } from "../src/records.ts";
import { defaultRules } from "../src/rules.ts";
import {
  chatBytes,
  decodeVoucher,
  encodeVoucher,
  signVoucher,
  type Voucher,
  voucherHash,
} from "../src/voucher.ts";
import { openBody } from "./support/round.ts";

const ONE = fromHex(`${"00".repeat(31)}01`);
const G = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const TAG = "000102030405060708090a0b0c0d0e0f";
const MEME = "aa".repeat(32);
const VOUCHER: Voucher = {
  roundTag: TAG,
  playKey: G,
  seq: 258,
  kind: "boost",
  memeId: MEME,
  amount: 4_294_967_306,
  prev: "bb".repeat(32),
};
const VOUCHER_HEX = `4d525631${TAG}${G}0000010202${MEME}000000010000000a${"bb".repeat(32)}`;
/** Order of secp256k1. */
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

describe("golden bytes", () => {
  it("protocol 3: a voucher is these 130 bytes, both ways", () => {
    assert.equal(toHex(encodeVoucher(VOUCHER)), VOUCHER_HEX);
    assert.equal(VOUCHER_HEX.length, 260);
    assert.deepEqual(decodeVoucher(VOUCHER_HEX), VOUCHER);
    const enter = encodeVoucher({ ...VOUCHER, kind: "enter" });
    assert.equal(enter[57], 1);
    assert.deepEqual(decodeVoucher(toHex(enter)), { ...VOUCHER, kind: "enter" });
  });

  it("protocol 3: hash and RFC 6979 signature of that voucher", () => {
    assert.equal(
      voucherHash(VOUCHER_HEX),
      "511eb1426f5ce4cf58b113a02026f88d6290510b7fcbb1cdce8799663101c866",
    );
    assert.equal(
      signVoucher(VOUCHER, ONE).sig,
      "bfe06b276e5e4aa4aa4d0310e1d71f55ce9a4f262b1d522936230e7b5c8a729a75c12da39ded7c979cc57c00777732d606c7049c754d63eff875cba5cc8a841c",
    );
  });

  it("protocol 3: nothing else is a voucher", () => {
    const wrong = [
      VOUCHER_HEX.slice(2),
      `${VOUCHER_HEX}00`,
      VOUCHER_HEX.toUpperCase(),
      VOUCHER_HEX.replace("4d525631", "4d525632"),
      VOUCHER_HEX.replace("0000010202", "0000010203"),
      VOUCHER_HEX.replace("000000010000000a", "002000000000000a"),
      "",
    ];
    for (const hex of wrong) assert.equal(decodeVoucher(hex), undefined, hex);
    assert.throws(() => encodeVoucher({ ...VOUCHER, amount: 1.5 }), RangeError);
    assert.throws(() => encodeVoucher({ ...VOUCHER, amount: -1 }), RangeError);
  });

  it("protocol 3: a chat line signs its NFC text", () => {
    const expected = `4d524331${TAG}${G}00000007c3a9`;
    assert.equal(toHex(chatBytes(TAG, G, 7, "\u00e9")), expected);
    assert.equal(toHex(chatBytes(TAG, G, 7, "e\u0301")), expected);
  });

  it("protocol 5: receipts and heads", () => {
    const hash = "cc".repeat(32);
    const at = 1_800_000_000_123;
    assert.equal(
      toHex(acceptedBytes(TAG, 9, at, hash)),
      `4d524131${TAG}0000000000000009000001a3185c507b${hash}`,
    );
    assert.equal(toHex(headBytes(TAG, 9, hash, at)), `4d524831${TAG}0000000000000009${hash}000001a3185c507b`);
    assert.equal(
      toHex(rejectedBytes(TAG, "abc", "MEME_OWN")),
      `4d524e31${TAG}ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad4d454d455f4f574e`,
    );
  });

  it("protocol 2: the chain of hashes over canonical JSON", () => {
    const first = seal(EMPTY_HEAD, 1_800_000_000_000, {
      kind: "open",
      body: openBody(defaultRules(600, 100), 42),
    });
    const second = seal(headOf(first), 1, { kind: "phase", body: { to: "blind" } });
    assert.equal(first.hash, "7aabad5d45d24b30168e78a1f57243773219216675d5fe8591bb87ce1cf3cac4");
    assert.equal(second.record.at, 1_800_000_000_000);
    assert.equal(second.record.prev, first.hash);
    assert.equal(second.hash, "9b14b11dab9c5415eba411fb75157f1763b0a39a221e639ea72a3ba9b2efbb97");
    assert.equal(
      hashJson({ b: 1, a: [true, "é"] }),
      "83a3979059aec8e3857b1c8e232a8a54a415f02a223aeaa3ba97654ebef44020",
    );
  });

  it("protocol 9: addresses by network", () => {
    assert.equal(addressOf(G, "main"), "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH");
    assert.equal(addressOf(G, "devchain"), "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH");
    assert.equal(addressOf(G, "test"), "mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r");
  });
});

describe("signatures", () => {
  const message = utf8("message");
  it("protocol 3: low S only, exact key, exact bytes; garbage is an answer, not an exception", () => {
    const sig = signCompact(message, ONE);
    assert.equal(publicKeyOf(ONE), G);
    assert.ok(verifyCompact(message, sig, G));
    const s = BigInt(`0x${sig.slice(64)}`);
    const high = sig.slice(0, 64) + (N - s).toString(16).padStart(64, "0");
    assert.ok(!verifyCompact(message, high, G));
    assert.ok(!verifyCompact(utf8("massage"), sig, G));
    assert.ok(!verifyCompact(message, sig, `03${G.slice(2)}`));
    for (const bad of ["", "00".repeat(64), "ff".repeat(64), sig.toUpperCase(), sig.slice(2)])
      assert.ok(!verifyCompact(message, bad, G), bad);
    assert.ok(!verifyCompact(message, sig, `02${"ff".repeat(32)}`));
  });

  it("protocol 5: Ed25519", () => {
    const key = ed25519PublicKey(ONE);
    const sig = signEd25519(message, ONE);
    assert.ok(verifyEd25519(message, sig, key));
    assert.ok(!verifyEd25519(utf8("massage"), sig, key));
    assert.ok(!verifyEd25519(message, `00${sig.slice(2)}`, key));
    assert.ok(!verifyEd25519(message, sig, "zz"));
  });
});
