/** M4: the auditor follows live journals, signs heads, and finds out a journal that was rewritten or back-dated. */
import { strict as assert } from "node:assert";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ed25519PublicKey } from "@meme-rounds/shared-schema/crypto";
import { isGenuineHead, type SignedHead } from "@meme-rounds/shared-schema/receipt";
import { EMPTY_HEAD, seal } from "@meme-rounds/shared-schema/records";
import { OPENS_AT, openBody } from "../../../shared-schema/test/support/round.ts";
import { ann, bob, cat, Rig, rechain, SEED } from "./tail-rig.ts";

describe("the auditor's tail", () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await Rig.start();
  });
  afterEach(() => rm(rig.folder, { recursive: true, force: true }));
  const lastHead = (): SignedHead => {
    const last = rig.shown.at(-1);
    assert.ok(last);
    return last.head;
  };

  it("M4: each look signs the head there is, with the auditor's time; a quiet journal gets a new time", async () => {
    await rig.play().look();
    const { state } = rig.round;
    const first = lastHead();
    assert.deepEqual([first.seq, first.hash], [state.head.seq, state.head.hash]);
    assert.equal(first.auditorTime, rig.round.now + rig.drift);
    assert.ok(isGenuineHead(state.roundTag, first, ed25519PublicKey(SEED)));
    assert.ok(!isGenuineHead(state.roundTag, { ...first, seq: 1 }, ed25519PublicKey(SEED)));
    rig.round.at(1_000);
    await rig.look();
    assert.deepEqual([lastHead().seq, lastHead().auditorTime], [first.seq, first.auditorTime + 1_000]);
    await rig.boost(2_000).look();
    assert.equal(lastHead().seq, first.seq + 1);
    assert.deepEqual(
      rig.shown.map(({ isNew }) => isNew),
      [true, false, true],
    );
  });
  it("M4: a head is on disk before it is shown", async () => {
    await rig.play().look();
    await rig.boost(1_000).look();
    assert.equal(rig.shown.length, 2);
    for (const { head, onDisk } of rig.shown) assert.ok(onDisk.includes(head.hash));
  });
  it("M4: reads only what is new, and nothing any more once the journal has ended", async () => {
    rig.play();
    for (let ms = 1_000; ms <= 20_000; ms += 1_000) await rig.boost(ms, 50).look();
    assert.equal(rig.reads, 20);
    rig.round.end();
    await rig.look();
    assert.equal(lastHead().hash, rig.round.state.head.hash);
    const { reads } = rig;
    await rig.look();
    assert.equal(rig.reads, reads);
    rig.live = [];
    await rig.look();
    assert.equal(await rig.flag(), undefined);
  });
  it("M4: the end of a round that has left the list by then is signed all the same", async () => {
    await rig.play().boost(1_000).look();
    rig.live = [];
    rig.round.at(600_000);
    await rig.look();
    rig.round.end();
    await rig.look();
    assert.equal(lastHead().hash, rig.round.state.head.hash);
    const { reads } = rig;
    await rig.look();
    assert.equal(rig.reads, reads, "and then it is left alone");
  });
  it("M4: a round that left the list without an end is left alone after an hour", async () => {
    await rig.play().look();
    rig.live = [];
    rig.round.now = rig.round.state.open.closesAt + 3_600_000;
    await rig.look();
    const { reads } = rig;
    await rig.look();
    assert.equal(rig.reads, reads);
  });
  it("M4: after a restart it goes on where it was, over a torn last line", async () => {
    await rig.play().look();
    const file = join(rig.folder, "rounds", `${rig.id}.jsonl`);
    await writeFile(file, '{"kind":"flag","code":"JOUR', { flag: "a" });
    await rig.restart();
    await rig.boost(3_000).look();
    assert.equal(await rig.flag(), undefined);
    assert.equal(lastHead().hash, rig.round.state.head.hash);
  });
  it("M4: what cannot be read this second is read the next", async () => {
    await rig.play().look();
    const { texts } = rig;
    Object.defineProperty(rig, "texts", {
      get: () => assert.fail("Redis is away"),
      set: () => undefined,
      configurable: true,
    });
    await rig.tail.look();
    Object.defineProperty(rig, "texts", { value: texts, writable: true, configurable: true });
    await rig.boost(9_000).look();
    assert.equal(lastHead().hash, rig.round.state.head.hash);
    assert.equal(await rig.flag(), undefined);
  });
  it("M4: a round that is stuck does not keep another from being followed", async () => {
    rig.live = ["main-77", "../../etc/passwd", rig.id];
    await rig.play().look();
    assert.equal(lastHead().hash, rig.round.state.head.hash);
    assert.ok((await readdir(join(rig.folder, "rounds"))).every((name) => /^main-\d+\.jsonl$/.test(name)));
  });

  it("M4: a clock of the auditor's that is put back accuses nobody", async () => {
    rig.drift = 60_000;
    rig.live = [];
    await rig.look();
    rig.live = [rig.id];
    rig.drift = 0;
    rig.round.now += 1_000;
    await rig.play().look();
    await rig.boost(2_000).look();
    assert.equal(await rig.flag(), undefined);
    assert.equal(rig.shown.length, 2);
  });
  describe("refuses a journal that", () => {
    it("M4: has lost its last records", async () => {
      await rig.play().boost(1_000).look();
      await rig.look(rig.round.entries.slice(0, -1));
      await rig.assertFlagged("JOURNAL_CONTRADICTS_HEAD", /record 7 was seen and is gone/);
    });
    it("M4: is gone", async () => {
      await rig.play().look();
      await rig.look([]);
      await rig.assertFlagged("JOURNAL_CONTRADICTS_HEAD", /gone/);
    });
    it("M4: was rewritten under a head that was signed, also while the auditor was away", async () => {
      await rig.play().boost(1_000).look();
      const rewritten = rechain(
        rig.round.entries.map((entry) =>
          entry.record.kind === "deposit"
            ? { ...entry, record: { ...entry.record, body: { ...entry.record.body, sats: 9_001 } } }
            : entry,
        ),
      );
      await rig.restart();
      await rig.look(rewritten);
      await rig.assertFlagged("JOURNAL_CONTRADICTS_HEAD", /is not the one that was signed/);
    });
    it("M4: is another journal of the same round", async () => {
      await rig.play().look();
      const open = openBody({ ...rig.round.state.open.rules, seatFeeSats: 60 });
      await rig.restart();
      await rig.look([seal(EMPTY_HEAD, OPENS_AT, { kind: "open", body: open })]);
      await rig.assertFlagged("JOURNAL_CONTRADICTS_HEAD", /another first record/);
    });
    it("M4: does not verify", async () => {
      await rig.play().boost(1_000).look();
      rig.boost(2_000);
      const last = rig.round.entries.at(-1);
      assert.ok(last?.sig);
      last.sig = "00".repeat(64);
      await rig.look();
      await rig.assertFlagged("JOURNAL_INVALID", /record 8: VOUCHER_SIGNATURE_INVALID/);
    });
    it("M4: has something in it that is no record", async () => {
      await rig.play().look();
      rig.texts.push("{");
      await rig.tail.look();
      await rig.assertFlagged("JOURNAL_INVALID", /not JSON/);
    });
    it("E11: opened by other rules than this network's, or names another auditor", async () => {
      for (const [patch, code, reason] of [
        [{ feeBps: 9_000 }, "RULES_FOREIGN", /feeBps is 9000, not 200/],
        [{ refundAfterS: 999_999 }, "RULES_FOREIGN", /refundAfterS/],
        [{ seatFeeSats: 151 }, "RULES_FOREIGN", /no fee rate/],
        [{}, "JOURNAL_INVALID", /names another auditor/],
      ] as const) {
        const one = await Rig.start();
        const { rules, auditorKey, operatorKey } = one.round.state.open;
        const key = code === "RULES_FOREIGN" ? auditorKey : operatorKey;
        const body = { ...openBody({ ...rules, ...patch }), auditorKey: key };
        await one.look([seal(EMPTY_HEAD, OPENS_AT, { kind: "open", body })]);
        await one.assertFlagged(code, reason);
        await rm(one.folder, { recursive: true });
      }
    });
    it("M4: is dated over 5 s ahead of the auditor's clock; 5 s are let pass", async () => {
      rig.drift = -5_000;
      await rig.play().look();
      assert.equal(await rig.flag(), undefined);
      rig.drift = -5_001;
      await rig.boost(1_000).look();
      await rig.assertFlagged("JOURNAL_BACKDATED", /record 7 is dated 5.0 s ahead/);
    });
    it("M4: is dated over 5 s before the look that did not find it yet; 5 s are let pass", async () => {
      await rig.play().look();
      for (const [back, flagged] of [
        [5_000, false],
        [5_001, true],
      ] as const) {
        rig.round.at(rig.round.now - OPENS_AT + 60_000);
        await rig.look();
        const looked = rig.round.now + rig.drift;
        const honest = rig.round.now;
        rig.round.now = looked - back;
        rig.round.must(rig.round.boost(cat, "a", 50));
        rig.round.now = honest + 1_000;
        await rig.look();
        assert.equal((await rig.flag()) !== undefined, flagged, `${back} ms`);
      }
      await rig.assertFlagged("JOURNAL_BACKDATED", /before the auditor saw that it was not there/);
    });
    it("M4: got older records while the auditor was away; records as old as its absence are history", async () => {
      await rig.play().look();
      const signedAt = rig.round.now + rig.drift;
      // Away for a minute in which the round went on: no reason for distrust.
      rig.boost(30_000).boost(59_000);
      rig.round.at(60_000);
      await rig.restart();
      await rig.look();
      assert.equal(await rig.flag(), undefined);
      rig.round.at(120_000);
      await rig.look();
      await rig.restart();
      const { at } = rig.round.state.head;
      assert.ok(at < signedAt + 60_000);
      rig.round.now = 0; // the record's time is that of the one before it: 61 s before the last signed head
      rig.round.must(rig.round.boost(cat, "a", 50));
      rig.round.now = OPENS_AT + 121_000;
      await rig.look();
      await rig.assertFlagged("JOURNAL_BACKDATED", /record 9 is dated 6\d\.\d s before/);
    });
    it("M4: was hidden from the list and shows up with old records", async () => {
      rig.live = [];
      rig.play().boost(1_000);
      rig.round.at(100_000);
      await rig.look();
      rig.live = [rig.id];
      await rig.look();
      await rig.assertFlagged("JOURNAL_BACKDATED", /record 1 is dated/);
    });
  });

  it("M1: at the freeze the auditor asks its own chain about what is dropped, and remembers", async () => {
    rig.play().boost(1_000);
    rig.round.at(600_000);
    const dropped = [ann, bob].map((who) => {
      const deposit = rig.round.state.players.get(who.playKey)?.deposits[0];
      assert.ok(deposit);
      return `${deposit.txid}:${deposit.vout}`;
    });
    await rig.look();
    rig.round.must({ kind: "freeze", dropped });
    rig.standing = { state: "seen" };
    await rig.look();
    rig.standing = { state: "conflict", competing: [] };
    await rig.restart();
    const notes = await rig.notes.of(rig.id);
    assert.equal(rig.asked, 2);
    for (const one of dropped) {
      assert.equal(notes.drops.get(one), "good");
      assert.equal(await rig.drops.standingOf(notes, one, rig.round.now), "good");
    }
    assert.equal(rig.asked, 2);
  });
  it("M1: what becomes of a dropped deposit long afterwards says little: only mined counts then", async () => {
    rig.play();
    const notes = await rig.notes.of(rig.id);
    const outpoint = `${"ab".repeat(32)}:0`;
    const frozenAt = rig.round.now - 61_000;
    rig.standing = { state: "seen" };
    assert.equal(await rig.drops.standingOf(notes, outpoint, frozenAt), "gone");
    rig.standing = { state: "mined", height: 1, blockHash: "ab".repeat(32) };
    assert.equal(await rig.drops.standingOf(notes, outpoint, frozenAt), "good");
    assert.equal(notes.drops.size, 0);
    rig.standing = { state: "conflict", competing: [] };
    assert.equal(await rig.drops.standingOf(notes, outpoint, rig.round.now), "gone");
    rig.standing = { state: "mined", height: 1, blockHash: "ab".repeat(32) };
    assert.equal(
      await rig.drops.standingOf(notes, outpoint, rig.round.now),
      "gone",
      "as it was at the freeze",
    );
  });
  it("notes go 14 days after their round, and no name that is none is touched", async () => {
    await rig.play().look();
    const folder = join(rig.folder, "rounds");
    await writeFile(join(folder, "README"), "by hand");
    await rig.notes.sweep(OPENS_AT + 14 * 86_400_000 - 1);
    assert.equal((await readdir(folder)).length, 2);
    await rig.notes.sweep(OPENS_AT + 14 * 86_400_000);
    assert.deepEqual(await readdir(folder), ["README"]);
  });
});
