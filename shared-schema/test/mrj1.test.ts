/** M6: the journal file keeps every record, and no bit of it can change unseen. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { fromHex, toHex } from "@meme-rounds/shared-schema/bytes";
import { sha256 } from "@meme-rounds/shared-schema/hash";
import { decodeJournal, encodeJournal } from "@meme-rounds/shared-schema/mrj1";
import { FileMalformed } from "@meme-rounds/shared-schema/mrj1-columns";
import {
  journalScript,
  packJournal,
  readJournalScript,
  unpackJournal,
} from "@meme-rounds/shared-schema/mrj1-file";
import { verifyCompactJournal } from "@meme-rounds/shared-schema/mrj1-verify";
import type { Entry } from "@meme-rounds/shared-schema/records";
import { decodeVoucher } from "@meme-rounds/shared-schema/voucher";
import fc from "fast-check";
import { planArb, play } from "./support/journals.ts";
import { actor, memeIdOf, REAL, type Signer, STUB, TestRound, txidOf } from "./support/round.ts";

const GOLDEN = new URL("fixtures/round.mrj1", import.meta.url);

/** A small round with every kind of record in it. */
function smallRound(signer: Signer, sentence = "so it begins"): TestRound {
  const round = new TestRound({ signer, carryIn: 700 });
  const [ann, bob, cyd] = [actor("ann"), actor("bob"), actor("cyd")];
  for (const who of [ann, bob, cyd]) round.must(round.deposit(who, 20_000, `deposit ${who.playKey}`));
  round.at(1_000).must(round.enter(ann, "anns"));
  round.at(2_500).must(round.enter(bob, "bobs"));
  round.must(round.enter(cyd, "cyds"));
  round.must(round.chat(bob, sentence));
  for (let n = 1; n <= 5; n++) round.at(3_000 + 900 * n).must(round.boost(ann, "bobs", 10 + n));
  round.must(round.boost(bob, "anns", 5_000));
  round.must({ kind: "report", playKey: bob.playKey, memeId: memeIdOf("cyds") });
  round.must({ kind: "unhide", memeId: memeIdOf("cyds"), by: "mod", reason: "fine" });
  round.must({ kind: "hide", memeId: memeIdOf("cyds"), by: "mod", reason: "not fine" });
  round.must({ kind: "takedown", memeId: memeIdOf("cyds"), by: "mod", reason: "stolen \u{1f5bc}" });
  round.at(590_000).must(round.boost(cyd, "anns", 300));
  round.must(round.chat(actor("guest"), "e\u0301te\u0301"));
  return round.end();
}

/** As the file gives it back: of voucher signatures only each player's last. */
function withoutCovered(entries: readonly Entry[]): Entry[] {
  const seen = new Set<string>();
  return entries
    .toReversed()
    .map((entry) => {
      const { record } = entry;
      if (record.kind !== "enter" && record.kind !== "boost") return entry;
      const key = decodeVoucher(record.body.voucher)?.playKey ?? "";
      if (!seen.has(key)) {
        seen.add(key);
        return entry;
      }
      const { sig: _covered, ...rest } = entry;
      return rest;
    })
    .reverse();
}
const lastHash = (entries: readonly Entry[]): string => entries.at(-1)?.hash ?? "";
const malformed = (error: unknown): boolean => error instanceof FileMalformed;

describe("journal file", () => {
  it("M6 every random round comes back record by record, and verifies", async () => {
    await fc.assert(
      fc.asyncProperty(planArb, async (plan) => {
        const { entries } = play(plan, STUB);
        const columns = encodeJournal(entries);
        const back = decodeJournal(columns);
        assert.deepEqual(back, withoutCovered(entries));
        assert.deepEqual(encodeJournal(back), columns);
        const verdict = verifyCompactJournal(back, STUB.verify);
        assert.ok(verdict.ok, verdict.ok ? "" : verdict.reason);
        assert.deepEqual(await unpackJournal(await packJournal(entries)), back);
      }),
      { numRuns: 60 },
    );
  });

  it("M6 the golden file: these bytes, this journal, real signatures", async () => {
    const file = Uint8Array.from(readFileSync(GOLDEN));
    const { entries } = smallRound(REAL);
    const kinds = new Set(entries.map(({ record }) => record.kind));
    assert.equal(kinds.size, 12, "every kind but `void`");
    const back = await unpackJournal(file);
    assert.deepEqual(back, withoutCovered(entries));
    assert.equal(verifyCompactJournal(back, REAL.verify).ok, true);
    // Another deflate may pack differently; what is packed is fixed.
    assert.deepEqual(encodeJournal(entries), Uint8Array.from(gunzipSync(file)));
    assert.equal(
      toHex(sha256(encodeJournal(entries))),
      "eaeff089111475a5743b6b35353ae247e5c4a2d7bab2d0d3d22b75a622cacc5f",
    );
  });

  it("M6 no bit of a file can change unseen", async () => {
    const file = await packJournal(smallRound(STUB).entries);
    for (let bit = 0; bit < file.length * 8; bit += 3) {
      const bent = Uint8Array.from(file);
      bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await assert.rejects(unpackJournal(bent), malformed, `bit ${bit}`);
    }
    await assert.rejects(unpackJournal(file.subarray(0, -1)), malformed);
    await assert.rejects(unpackJournal(Uint8Array.of(...file, 0)), malformed);
    await assert.rejects(unpackJournal(new Uint8Array(0)), malformed);
  });

  it("M6 a bit changed before packing is refused, or is another journal, or does not verify", () => {
    const { entries } = smallRound(STUB);
    const columns = encodeJournal(entries);
    let refused = 0;
    let other = 0;
    let unverified = 0;
    for (let bit = 0; bit < columns.length * 8; bit += 7) {
      const bent = Uint8Array.from(columns);
      bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      let back: Entry[];
      try {
        back = decodeJournal(bent);
      } catch (error) {
        assert.ok(malformed(error), `bit ${bit}: ${String(error)}`);
        refused += 1;
        continue;
      }
      if (lastHash(back) !== lastHash(entries)) other += 1;
      else {
        assert.equal(verifyCompactJournal(back, STUB.verify).ok, false, `bit ${bit}`);
        unverified += 1;
      }
    }
    // Signatures are the only bytes that no hash covers: three last vouchers and two lines, 2,560 bits.
    assert.ok(refused > 100 && other > 1_000, `${refused} refused, ${other} other journals`);
    assert.ok(Math.abs(unverified - 2_560 / 7) < 2, `${unverified} unverified`);
  });

  it("M6 bytes behind the end, a missing column and a number in a longer form are refused", () => {
    const columns = encodeJournal(smallRound(STUB).entries);
    assert.throws(() => decodeJournal(Uint8Array.of(...columns, 0)), malformed);
    assert.throws(() => decodeJournal(columns.subarray(0, -1)), malformed);
    assert.throws(() => decodeJournal(columns.subarray(0, 4)), malformed);
    assert.throws(() => decodeJournal(columns.subarray(1)), malformed);
    const first = columns[4] ?? 0;
    assert.ok(first < 0x80);
    const longer = Uint8Array.of(...columns.subarray(0, 4), first | 0x80, 0, ...columns.subarray(5));
    assert.throws(() => decodeJournal(longer), malformed);
  });

  it("M6 a file that unpacks to more than the bound is refused before it is held", async () => {
    const { entries } = smallRound(STUB, "a".repeat(240));
    const file = await packJournal(entries);
    const size = encodeJournal(entries).length;
    assert.equal((await unpackJournal(file, size)).length, entries.length);
    await assert.rejects(unpackJournal(file, size - 1), malformed);
  });

  it("M6 it is a gzip file that any gunzip reads", async () => {
    const { entries } = smallRound(STUB);
    assert.deepEqual(Uint8Array.from(gunzipSync(await packJournal(entries))), encodeJournal(entries));
  });

  it("R10 removed lines and titles stay removed, and the file still verifies", async () => {
    const entries = smallRound(STUB).entries.map((entry) => {
      const { private: _text, ...rest } = entry;
      if (entry.record.kind === "enter") return rest;
      const { sig: _sig, ...bare } = rest;
      return entry.record.kind === "chat" ? bare : entry;
    });
    const back = await unpackJournal(await packJournal(entries));
    assert.deepEqual(back, withoutCovered(entries));
    assert.equal(verifyCompactJournal(back, STUB.verify).ok, true);
  });

  it("M6 every way a round can end comes back: cancelled before and after the freeze, void after its result", () => {
    const cancel = (dropped: string[]) =>
      ({ kind: "cancel", by: "admin", reason: "power cut", dropped }) as const;
    const play = (end: (round: TestRound) => void): TestRound => {
      const round = new TestRound({ signer: STUB });
      for (const name of ["ann", "bob"]) {
        round.must(round.deposit(actor(name), 20_000, name));
        round.must(round.enter(actor(name), name));
      }
      round.must(round.boost(actor("ann"), "bob", 100));
      end(round);
      return round;
    };
    const rounds = [
      play((round) => round.must(cancel([]))),
      play((round) => round.must(cancel([`${txidOf("ann")}:0`]))),
      play((round) => {
        round.end();
        round.now = round.state.open.closesAt + 12 * 3_600_000;
        round.must({ kind: "expire" });
      }),
    ];
    for (const { entries } of rounds) {
      assert.equal(entries.at(-1)?.record.kind, "void");
      const back = decodeJournal(encodeJournal(entries));
      assert.deepEqual(back, withoutCovered(entries));
      assert.equal(verifyCompactJournal(back, STUB.verify).ok, true);
    }
  });

  it("M6 what could not be read back is not written", () => {
    const { entries } = smallRound(STUB);
    const bent = (kind: string, change: (entry: Entry) => Entry, last = false) => {
      const at = entries[last ? "findLastIndex" : "findIndex"](({ record }) => record.kind === kind);
      return entries.map((entry, i) => (i === at ? change(entry) : entry));
    };
    const unsigned = ({ sig: _sig, ...rest }: Entry): Entry => rest;
    const untexted = ({ private: _text, ...rest }: Entry): Entry => rest;
    assert.doesNotThrow(() => encodeJournal(bent("enter", unsigned)));
    assert.throws(() => encodeJournal(bent("boost", unsigned, true)), RangeError);
    assert.throws(() => encodeJournal(bent("chat", unsigned)), RangeError);
    assert.doesNotThrow(() => encodeJournal(bent("enter", untexted)));
    assert.throws(
      () => encodeJournal(bent("boost", (entry) => ({ ...entry, hash: "00".repeat(32) }))),
      RangeError,
    );
    assert.throws(() => encodeJournal(entries.slice(1)), RangeError);
    assert.throws(() => encodeJournal(entries.filter((_, at) => at !== 4)), RangeError);
  });

  it("M6 the output on chain holds file and round", () => {
    const file = fromHex("1f8b00ff");
    const script = journalScript("main-1800000000", file);
    assert.deepEqual(readJournalScript(script), { roundId: "main-1800000000", file });
    assert.equal(readJournalScript(script.replace("6d726a31", "6d726a32")), undefined);
    assert.equal(readJournalScript("006a"), undefined);
    assert.equal(readJournalScript("76a9"), undefined);
  });
});

describe("journal with last signatures only", () => {
  const entries = (): Entry[] => withoutCovered(smallRound(STUB).entries);
  const reasonOf = (list: readonly Entry[]): string => {
    const verdict = verifyCompactJournal(list, STUB.verify);
    return verdict.ok ? "ok" : verdict.reason;
  };
  const lastBoost = (list: readonly Entry[]) => list.findLastIndex(({ record }) => record.kind === "boost");

  it("M6 verifies when each player's last voucher is signed", () => assert.equal(reasonOf(entries()), "ok"));

  it("M6 not without a player's last signature, nor with a wrong one", () => {
    const list = entries();
    const at = lastBoost(list);
    const bare = list.map(({ sig, ...rest }, i) => (i === at || sig === undefined ? rest : { ...rest, sig }));
    assert.equal(reasonOf(bare), "a player's last voucher has no signature");
    const wrong = list.map((entry, i) => (i === at ? { ...entry, sig: "00".repeat(64) } : entry));
    assert.equal(reasonOf(wrong), "VOUCHER_SIGNATURE_INVALID");
  });

  it("M6 the word that stands for a covered signature is none that a file could carry", () => {
    const list = entries();
    for (const kind of ["boost", "enter", "chat"]) {
      const at = list.findIndex(({ record }) => record.kind === kind);
      const forged = list.map((entry, i) => (i === at ? { ...entry, sig: "covered" } : entry));
      assert.equal(reasonOf(forged), "this is no signature");
    }
  });

  it("M6 a signature that is there is verified, even where it need not be", () => {
    const { entries: all } = smallRound(STUB);
    assert.equal(reasonOf(all), "ok");
    const at = all.findIndex(({ record }) => record.kind === "boost");
    const wrong = all.map((entry, i) => (i === at ? { ...entry, sig: "00".repeat(64) } : entry));
    assert.equal(reasonOf(wrong), "VOUCHER_SIGNATURE_INVALID");
  });
});
