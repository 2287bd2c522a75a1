/** I3: 12 words. The published BIP-39 vectors, the way to the play key, and a sentence for every mistyped phrase. */
import assert from "node:assert/strict";
import { HD, Mnemonic } from "@bsv/sdk";
import { fromHex, toHex } from "@meme-rounds/shared-schema/bytes";
import { makeWordKey, PLAY_PATH, readWords, seedOf, wordsOf } from "../src/wallet/mnemonic.ts";

/** Entropy, words, seed under the passphrase TREZOR. */
const VECTORS: [entropy: string, phrase: string, seed: string][] = [
  [
    "00000000000000000000000000000000",
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
    "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04",
  ],
  [
    "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
    "legal winner thank year wave sausage worth useful legal winner thank yellow",
    "2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607",
  ],
  [
    "80808080808080808080808080808080",
    "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
    "d71de856f81a8acc65e6fc851a38d4d7ec216fd0796d0a6827a3ad6ed5511a30fa280f12eb2e47ed2ac03b5c462a0358d18d69fe4f985ec81778c1b370b652a8",
  ],
  [
    "ffffffffffffffffffffffffffffffff",
    "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
    "ac27495480225222079d7be181583751e86f571027b0497b5b5d11218e0a8a13332572917f0f8e5a589620c6f15b11c61dee327651a14c34e18231052e48c069",
  ],
  [
    "c0ba5a8e914111210f2bd131f3d5e08d",
    "scheme spot photo card baby mountain device kick cradle pact join borrow",
    "ea725895aaae8d4c1cf682c1bfd2d358d52ed9f0f0591131b559e2724bb234fca05aa9c02c57407e04ee9dc3b454aa63fbff483a8b11de949624b9f1831a9612",
  ],
];
const LEGAL = "legal winner thank year wave sausage worth useful legal winner thank yellow";

const sentence = async (typed: string): Promise<string> => {
  const read = await readWords(typed, crypto);
  assert.ok(!read.ok, `${typed} was taken`);
  return read.message;
};

describe("the wallet's words", () => {
  it("I3: entropy, words and seed are those BIP-39 publishes", async () => {
    for (const [entropy, phrase, seed] of VECTORS) {
      assert.equal(await wordsOf(fromHex(entropy)), phrase);
      assert.equal(toHex(await seedOf(phrase, crypto, "TREZOR")), seed);
      const read = await readWords(phrase, crypto);
      assert.ok(read.ok);
      assert.equal(toHex(read.key.entropy), entropy);
    }
  });

  it("I3: another wallet finds the same key for the same words", async () => {
    const made = await makeWordKey(crypto);
    const phrase = await wordsOf(made.entropy);
    const theirs = HD.fromSeed(Mnemonic.fromString(phrase).toSeed()).derive(PLAY_PATH);
    assert.equal(phrase.split(" ").length, 12);
    assert.equal(toHex(made.secret), theirs.privKey.toHex().padStart(64, "0"));
    const again = await readWords(phrase, crypto);
    assert.ok(again.ok);
    assert.deepEqual(again.key.secret, made.secret);
    assert.notDeepEqual((await makeWordKey(crypto)).secret, made.secret);
  });

  it("I3: case, blanks, line ends, commas and numbers do not matter", async () => {
    const words = LEGAL.split(" ");
    for (const typed of [
      `  ${LEGAL.toUpperCase()}\n`,
      words.join("\n"),
      words.join(",  "),
      words.map((word, at) => `${at + 1}. ${word}`).join("\n"),
      words.map((word, at) => `${at + 1}) ${word}`).join(" "),
      words.join("\u00a0\u3000"),
    ]) {
      const read = await readWords(typed, crypto);
      assert.ok(read.ok, typed);
      assert.equal(toHex(read.key.entropy), VECTORS[1]?.[0]);
    }
  });

  it("I3: a phrase that is none says why", async () => {
    assert.match(await sentence(LEGAL.replace("year", "yeer")), /Word 4, "yeer".*Did you mean .*"year"/);
    assert.match(await sentence(LEGAL.replace("sausage", "sausages")), /"sausages".*"sausage"/);
    assert.match(await sentence(LEGAL.replace("sausage", "qqqqq")), /Word 6, "qqqqq", is not in the list\.$/);
    assert.match(await sentence(LEGAL.replace("yellow", "year")), /together they are no key/);
    assert.match(await sentence(LEGAL.split(" ").reverse().join(" ")), /together they are no key/);
    assert.match(await sentence(LEGAL.replace(" yellow", "")), /These are 11 words/);
    assert.match(await sentence(`${LEGAL} legal`), /These are 13 words/);
    assert.match(
      await sentence("ábaco ábaco abdomen abeja abierto abogado abono aborto abrazo abrir abuelo abuso"),
      /not of the English list/,
    );
    assert.match(await sentence("あいこくしん ".repeat(12)), /not of the English list/);
  });
});
