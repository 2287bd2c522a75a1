/** I3, M9: what can be brought back: words, a key, the plain file of before, the sealed file; and what is refused, why. */
import assert from "node:assert/strict";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { hashJson } from "@meme-rounds/shared-schema/hash";
import { toWif } from "@meme-rounds/shared-schema/wif";
import fc from "fast-check";
import { makeBackup, readRestored } from "../src/wallet/backup-file.ts";
import type { KeptDeposit } from "../src/wallet/book.ts";
import { buildDeposit } from "../src/wallet/deposit.ts";
import { makeWordKey, wordsOf } from "../src/wallet/mnemonic.ts";

const secret = new Uint8Array(32).fill(7);
const closesAt = 1_800_000_000_000;
const PASSPHRASE = "correct horse battery";

function depositOf(owner: Uint8Array, seed: number): KeptDeposit {
  const round = {
    roundId: "main-1799999400",
    network: "devchain",
    operatorKey: publicKeyOf(new Uint8Array(32).fill(1)),
    auditorKey: publicKeyOf(new Uint8Array(32).fill(2)),
    closesAt,
    deadline: closesAt / 1000 + 86_400,
  } as const;
  const coin = { txid: seed.toString(16).padStart(64, "0"), vout: 0, sats: 20_000 };
  const built = buildDeposit(round, [coin], { sats: 10_000, satPerKb: 100 }, owner);
  assert.ok(built);
  return { ...built, state: "accepted", at: closesAt - 60_000 };
}
const [one, two] = [depositOf(secret, 1), depositOf(secret, 2)];

const how = (change: object = {}) => ({ network: "devchain" as const, crypto, ...change });
const plain = (deposits: unknown, change: object = {}): string =>
  JSON.stringify({
    format: "meme-rounds-backup",
    version: 1,
    network: "devchain",
    wif: toWif(secret, "devchain"),
    deposits,
    ...change,
  });
const depositsOf = async (text: string): Promise<unknown> => {
  const read = await readRestored(text, how());
  assert.ok(read.ok, "it is read");
  return read.deposits;
};
const refused = async (text: string, change: object = {}) => {
  const read = await readRestored(text, how(change));
  assert.ok(!read.ok, "it is refused");
  return read;
};

describe("bringing a key back", () => {
  it("M9: a plain file brings its deposits back, a bare key none; what does not fit the key is left out", async () => {
    const wif = toWif(secret, "devchain");
    assert.deepEqual(await readRestored(` ${wif} `, how()), { ok: true, content: { secret }, deposits: [] });
    assert.deepEqual(await depositsOf(plain([one, two])), [one, two]);
    const foreign = { ...one, escrow: { ...one.escrow, playKey: one.escrow.operatorKey } };
    const forged = { ...one, txid: two.txid };
    assert.deepEqual(await depositsOf(plain([foreign, forged, 5, null, {}, two])), [two]);
    assert.deepEqual(await depositsOf(plain("x")), []);
  });

  it("I3: each thing that is none says so", async () => {
    for (const [text, sentence] of [
      ["", /neither 12 words, nor/],
      ["K123", /neither/],
      ["Kx".padEnd(52, "x"), /neither/],
      ["{", /damaged/],
      ["{}", /not a backup of this game/],
      [JSON.stringify({ wif: 5 }), /not a backup of this game/],
      [plain([], { wif: "K1" }), /damaged/],
      [plain([], { wif: undefined }), /damaged/],
      ["abandon abandon", /2 words/],
    ] as const)
      assert.match((await refused(text)).message, sentence, text);
  });

  it("I3: what is of another network is refused, and says of which", async () => {
    const main = { network: "main" as const };
    assert.match((await refused(plain([]), main)).message, /"devchain".*"main"/);
    assert.match((await refused(toWif(secret, "test"))).message, /another network than "devchain"/);
    assert.match((await refused(toWif(secret, "main"), { network: "test" })).message, /"test"/);
    // Before anything is known of the network, a key is a key.
    assert.ok((await readRestored(toWif(secret, "test"), how({ network: undefined }))).ok);
  });
});

describe("the sealed backup file", function () {
  this.timeout(20_000);
  const about = { network: "devchain" as const, address: "1abc", createdAt: closesAt };
  let words: Awaited<ReturnType<typeof makeWordKey>>;
  let json: string;
  before(async () => {
    words = await makeWordKey(crypto);
    const deposits = [depositOf(words.secret, 3)];
    json = (await makeBackup(words, { ...about, deposits }, PASSPHRASE, crypto)).json;
  });
  const open = (text: string, passphrase = PASSPHRASE) => readRestored(text, how({ passphrase }));

  it("I3: brings back key, words and deposits, and shows none of them without the passphrase", async () => {
    const read = await open(json);
    assert.ok(read.ok);
    assert.deepEqual(read.content, words);
    assert.equal(read.deposits.length, 1);
    const phrase = await wordsOf(words.entropy);
    const hidden = [
      toHex(words.secret),
      toWif(words.secret, "devchain"),
      phrase,
      read.deposits[0]?.txid ?? "",
    ];
    for (const one of hidden) assert.ok(!json.includes(one));
    const { kdf } = JSON.parse(json) as { kdf: { iterations: number } };
    assert.ok(kdf.iterations >= 600_000);
  });

  it("I3: a key without words makes a file without words", async () => {
    const made = await makeBackup({ secret }, { ...about, deposits: [one] }, PASSPHRASE, crypto);
    assert.deepEqual(await open(made.json), { ok: true, content: { secret }, deposits: [one] });
    assert.equal(made.fileName, "meme-rounds-1abc.json");
  });

  it("I3: a wrong or missing passphrase is asked for again; blanks around it and its way of typing do not matter", async () => {
    for (const passphrase of [undefined, "", "wrong horse battery", `${PASSPHRASE}!`]) {
      const read = await refused(json, { passphrase });
      assert.equal(read.needsPassphrase, true, passphrase);
    }
    assert.ok((await open(json, `  ${PASSPHRASE}\n`)).ok);
    const composed = (await makeBackup({ secret }, { ...about, deposits: [] }, "caf\u00e9 ole ole", crypto))
      .json;
    assert.ok((await open(composed, "cafe\u0301 ole ole")).ok);
  });

  it("I3: a file that was changed anywhere is damaged, and no passphrase is blamed", async () => {
    const file = JSON.parse(json) as { sealed: string; kdf: object };
    const changed = [
      { ...file, sealed: `00${file.sealed.slice(2)}` },
      { ...file, sealed: file.sealed.slice(2) },
      { ...file, network: "main" },
      { ...file, address: "1other" },
      { ...file, extra: 1 },
      { ...file, kdf: { ...file.kdf, iterations: 1 } },
      { ...file, kdf: { ...file.kdf, iterations: 2 ** 40 } },
      { ...file, sealed: undefined },
      { ...file, version: "2" },
    ];
    for (const one of changed) {
      const read = await refused(JSON.stringify(one), { passphrase: PASSPHRASE });
      assert.equal(read.needsPassphrase, undefined);
      assert.match(read.message, /damaged/);
    }
    const later = { ...file, version: 3 };
    assert.match((await refused(JSON.stringify(later), { passphrase: PASSPHRASE })).message, /newer version/);
  });

  it("I3: whoever mends the sum of a changed head still does not get it opened", async () => {
    const { sum: _, ...file } = JSON.parse(json) as { sum: string; [name: string]: unknown };
    const forged = { ...file, network: "main" };
    const read = await readRestored(
      JSON.stringify({ ...forged, sum: hashJson(forged) }),
      how({ network: "main", passphrase: PASSPHRASE }),
    );
    assert.ok(!read.ok);
  });

  it("I3: any cut of the file is refused with a sentence", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(json.length - 1), async (length) => {
        const read = await readRestored(json.slice(0, length), how({ passphrase: PASSPHRASE }));
        assert.ok(!read.ok && read.message.length > 10);
      }),
      { numRuns: 40 },
    );
  });
});
