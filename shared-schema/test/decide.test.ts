/** What decide() accepts at the edge of a rule (R2, R4, R7, R10, R12, E1, E2, protocol 1 and 3). */
import assert from "node:assert/strict";
import { decide } from "../src/decide.ts";
import { phashDistance, spendableOf } from "../src/decide-spend.ts";
import { voucherHash } from "../src/voucher.ts";
import { bob, flipped, started, T } from "./support/refusals.ts";
import { actor, memeIdOf, phashOf, REAL } from "./support/round.ts";

describe("decide: what is accepted at the edge of a rule", () => {
  it("R4: accepting changes nothing either; folding in is the reducer's", () => {
    const round = started();
    const command = round.boost(bob, "a", 10);
    const before = structuredClone(round.state);
    assert.ok(decide(round.state, command, round.now, round.signer.verify).ok);
    assert.deepEqual(round.state, before);
  });

  it("protocol 3: a refused voucher uses up no number", () => {
    const round = started();
    assert.equal(round.try(round.boost(bob, "a", 9)), "BOOST_TOO_SMALL");
    round.must(round.boost(bob, "a", 10, { seq: 1 }));
  });

  it("protocol 3: a voucher continues the sha256 of the one before, entries and boosts in one chain", () => {
    const round = started();
    const entry = round.enter(bob, "b");
    round.must(entry);
    const boost = round.boost(bob, "a", 10, { seq: 2, prev: voucherHash(entry.voucher.bytes) });
    round.must(boost);
    round.must(round.boost(bob, "a", 10, { seq: 3, prev: voucherHash(boost.voucher.bytes) }));
  });

  it("R2: a boost in the last millisecond, a deposit just before its close", () => {
    const round = started();
    round.at(T - 5_001).must(round.deposit(bob, 1_000));
    round.at(T - 1).must(round.boost(bob, "a", 10));
  });

  it("protocol 1: a clock that went back does not reopen what the journal's time has closed", () => {
    const round = started();
    round.at(T * 0.95);
    round.now -= 60_000;
    assert.equal(round.try(round.enter(bob, "b")), "ENTRIES_CLOSED");
    round.must(round.boost(bob, "a", 10));
    assert.equal(round.state.head.at, round.state.open.blindAt);
  });

  it("E2: everything but the seat fees can be spent", () => {
    const round = started();
    round.must(round.deposit(bob, 1_000));
    round.must(round.boost(bob, "a", 5_940));
    const player = round.state.players.get(bob.playKey);
    assert.ok(player);
    assert.equal(spendableOf(player, round.state.open.rules), 0);
  });

  it("R7: distance 7 is another picture; E1: the price doubles after the fiftieth", () => {
    assert.equal(phashDistance(phashOf("a"), flipped(phashOf("a"), 7)), 7);
    const round = started({ rules: { entryDoublesAfter: 1 } });
    const command = round.enter(bob, "b");
    const content = { ...command.content, phash: flipped(phashOf("a"), 7) };
    round.must({ ...command, content });
    assert.equal(round.state.memes.get(memeIdOf("b"))?.price, 2_000);
  });

  it("R10: 240 code points are taken, a decomposed line is counted and kept in NFC", () => {
    const round = started({ signer: REAL });
    round.must(round.chat(bob, "🚀".repeat(240)));
    round.must(round.chat(bob, "e\u0301".repeat(240)));
    assert.equal(round.state.chat.at(-1)?.text, "\u00e9".repeat(240));
  });

  it("R10: the last 50 lines stay, also of those without a deposit, whose key stays free for its identity", () => {
    const round = started();
    const guest = actor("guest");
    for (let i = 0; i < 51; i++) round.must(round.chat(guest, `line ${i}`));
    assert.equal(round.state.chat.length, 50);
    assert.equal(round.state.chat[0]?.text, "line 1");
    round.must(round.deposit(guest, 1_000));
    assert.equal(round.state.players.get(guest.playKey)?.identity, guest.identity);
  });

  it("R12: hide and unhide only blur", () => {
    const round = started();
    for (const kind of ["hide", "unhide"] as const) {
      round.must({ kind, memeId: memeIdOf("a"), by: "mod", reason: "look" });
      assert.equal(round.state.memes.get(memeIdOf("a"))?.hidden, kind === "hide");
      round.must(round.boost(bob, "a", 10));
    }
  });
});
