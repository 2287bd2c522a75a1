/** M4: the page keeps the auditor's word on the journals it saw live. */
import assert from "node:assert/strict";
import { ed25519PublicKey, signEd25519 } from "@meme-rounds/shared-schema/crypto";
import { headBytes, type SignedHead } from "@meme-rounds/shared-schema/receipt";
import { createHeads } from "../src/net/heads.ts";
import { memoryStorage } from "./support.ts";

const seed = new Uint8Array(32).fill(5);
const round = { roundId: "main-1", roundTag: "ab".repeat(16), auditorHeadKey: ed25519PublicKey(seed) };
const headOf = (seq: number, auditorTime: number): SignedHead => {
  const hash = "cd".repeat(32);
  return {
    seq,
    hash,
    auditorTime,
    sig: signEd25519(headBytes(round.roundTag, seq, hash, auditorTime), seed),
  };
};

describe("the auditor's heads on the page", () => {
  it("M4: genuine ones are kept, one in ten seconds; others are refused and not kept", () => {
    const heads = createHeads({ storage: memoryStorage() });
    assert.equal(heads.take(round, headOf(3, 1_000)), true);
    assert.equal(heads.take(round, headOf(4, 10_999)), true);
    assert.equal(heads.take(round, headOf(5, 11_000)), true);
    assert.equal(heads.take(round, { ...headOf(6, 30_000), seq: 7 }), false);
    assert.equal(heads.take(round, { ...headOf(6, 30_000), hash: "" }), false);
    assert.equal(heads.take({ ...round, roundTag: "00".repeat(16) }, headOf(6, 30_000)), false);
    assert.deepEqual(heads.of("main-1"), [headOf(3, 1_000), headOf(5, 11_000)]);
  });
  it("M4: ten rounds stay, a hundred heads of each, also after a reload", () => {
    const storage = memoryStorage();
    for (let n = 1; n <= 12; n++)
      createHeads({ storage }).take({ ...round, roundId: `main-${n}` }, headOf(1, 1_000));
    const heads = createHeads({ storage });
    assert.deepEqual([heads.of("main-2").length, heads.of("main-3").length], [0, 1]);
    for (let n = 1; n <= 101; n++) heads.take({ ...round, roundId: "main-12" }, headOf(n, n * 10_000));
    assert.equal(heads.of("main-12").length, 100);
    assert.equal(heads.of("main-12").at(-1)?.seq, 101);
  });
});
