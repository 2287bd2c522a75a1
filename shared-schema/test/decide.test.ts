/** Every refusal of decide(), each with a state that stays as it was (R4, R7-R10, R12, E1, E2, M1). */
import assert from "node:assert/strict";
import type { Command } from "../src/command.ts";
import { decide } from "../src/decide.ts";
import { phashDistance, spendableOf } from "../src/decide-spend.ts";
import type { ErrorCode } from "../src/errors.ts";
import { type Actor, actor, memeIdOf, phashOf, REAL, TestRound, txidOf } from "./support/round.ts";

const ann = actor("ann");
const bob = actor("bob");
const cat = actor("cat");
/** Another play key of Ann's identity. */
const annTwo = actor("ann2", "ann");
const T = 600_000;

/** Ann's meme is in; Bob and Cat have money. */
function started(options: ConstructorParameters<typeof TestRound>[0] = {}): TestRound {
  const round = new TestRound(options);
  for (const who of [ann, annTwo, bob, cat]) round.must(round.deposit(who, 5_000));
  round.must(round.enter(ann, "a"));
  return round;
}

interface Case {
  rule: string;
  code: ErrorCode;
  /** Prepares the round and makes the command. */
  make: () => { round: TestRound; command: Command };
}
const refusal = (
  rule: string,
  code: ErrorCode,
  command: (round: TestRound) => Command,
  prepare: (round: TestRound) => void = () => {},
  options: ConstructorParameters<typeof TestRound>[0] = {},
): Case => ({
  rule,
  code,
  make: () => {
    const round = started(options);
    prepare(round);
    return { round, command: command(round) };
  },
});

/** The same voucher with the last byte of its signature changed. */
function spoiled<C extends Extract<Command, { kind: "enter" | "boost" }>>(command: C): C {
  const { bytes, sig } = command.voucher;
  const last = sig.endsWith("0") ? "1" : "0";
  return { ...command, voucher: { bytes, sig: sig.slice(0, -1) + last } };
}
const takedown = (name: string): Command => ({
  kind: "takedown",
  memeId: memeIdOf(name),
  by: "mod",
  reason: "stolen",
});
const report = (who: Actor, name: string): Command => ({
  kind: "report",
  playKey: who.playKey,
  memeId: memeIdOf(name),
});
const ended = (round: TestRound): void => {
  round.must(round.enter(bob, "b"));
  round.must(round.boost(cat, "a", 100));
  round.end();
};

const CASES: Case[] = [
  refusal(
    "R7 a deposit 5 s before the close",
    "DEPOSITS_CLOSED",
    (r) => r.deposit(bob, 5_000),
    (r) => r.at(T - 5_000),
  ),
  refusal(
    "R7 a deposit after the close",
    "DEPOSITS_CLOSED",
    (r) => r.deposit(bob, 5_000),
    (r) => r.at(T),
  ),
  refusal("I2 a play key of another identity", "PLAY_KEY_TAKEN", (r) =>
    r.deposit({ ...bob, identity: cat.identity }, 5_000),
  ),
  refusal("M1 a deposit under the minimum", "DEPOSIT_AMOUNT_LOW", (r) => r.deposit(bob, 999)),
  refusal(
    "E12 a deposit under the seat fee",
    "DEPOSIT_AMOUNT_LOW",
    (r) => r.deposit(bob, 29),
    () => {},
    { rules: { minDepositSats: 0 } },
  ),
  refusal("M1 a deposit over the maximum", "DEPOSIT_AMOUNT_HIGH", (r) => r.deposit(bob, 100_001)),
  refusal(
    "M1 an outpoint a second time",
    "DEPOSIT_CLAIMED",
    (r) => r.deposit(cat, 2_000, "one"),
    (r) => r.must(r.deposit(bob, 2_000, "one")),
  ),

  refusal(
    "R7 an entry when blind begins",
    "ENTRIES_CLOSED",
    (r) => r.enter(bob, "b"),
    (r) => r.at(T * 0.95),
  ),
  refusal(
    "R7 an entry when only the clock says blind",
    "ENTRIES_CLOSED",
    (r) => r.enter(bob, "b"),
    (r) => {
      r.now += T * 0.95;
    },
  ),
  refusal("C2 somebody else's picture", "CONTENT_NOT_YOURS", (r) => {
    const c = r.enter(bob, "b");
    return { ...c, content: { ...c.content, identity: cat.identity } };
  }),
  refusal("R7 the same picture", "MEME_DUPLICATE", (r) => r.enter(bob, "a")),
  refusal("R7 a picture at distance 6", "MEME_DUPLICATE", (r) => {
    const c = r.enter(bob, "b");
    return { ...c, content: { ...c.content, phash: flipped(phashOf("a"), 6) } };
  }),
  refusal(
    "R7 one more meme than the round takes",
    "ROUND_FULL",
    (r) => r.enter(bob, "b"),
    () => {},
    { rules: { maxMemes: 1 } },
  ),
  refusal("R7 a second meme of the play key", "ENTRY_LIMIT", (r) => r.enter(ann, "b")),
  refusal("R7 a second meme of the identity", "ENTRY_LIMIT", (r) => r.enter(annTwo, "b")),
  refusal(
    "E1 an entry at yesterday's price",
    "ENTRY_PRICE_CHANGED",
    (r) => r.enter(bob, "b", 1_000),
    () => {},
    { rules: { entryDoublesAfter: 1 } },
  ),
  refusal("E1 an entry above the price", "ENTRY_PRICE_CHANGED", (r) => r.enter(bob, "b", 1_001)),
  refusal("E2 an entry without a deposit", "DEPOSIT_OVERSPENT", (r) => r.enter(actor("poor"), "b")),
  refusal(
    "E2 an entry that touches the seat fee",
    "DEPOSIT_OVERSPENT",
    (r) => r.enter(bob, "b"),
    (r) => r.must(r.boost(bob, "a", 3_971)),
  ),
  refusal("protocol 3 an entry with a spoiled signature", "VOUCHER_SIGNATURE_INVALID", (r) =>
    spoiled(r.enter(bob, "b")),
  ),

  refusal(
    "R2 a boost at the close",
    "PHASE_WRONG",
    (r) => r.boost(bob, "a", 10),
    (r) => {
      r.now += T;
    },
  ),
  refusal(
    "R2 a boost while settling",
    "PHASE_WRONG",
    (r) => r.boost(bob, "a", 10),
    (r) => r.at(T),
  ),
  refusal("protocol 3 a voucher cut short", "VOUCHER_MALFORMED", (r) => {
    const c = r.boost(bob, "a", 10);
    return { ...c, voucher: { ...c.voucher, bytes: c.voucher.bytes.slice(2) } };
  }),
  refusal("protocol 3 an entry voucher as a boost", "VOUCHER_MALFORMED", (r) =>
    r.boost(bob, "a", 1_000, { kind: "enter" }),
  ),
  refusal("protocol 1 a voucher of another round", "VOUCHER_FOREIGN_ROUND", (r) =>
    r.boost(bob, "a", 10, { roundTag: "00".repeat(16) }),
  ),
  refusal("protocol 3 a voucher of another play key", "VOUCHER_KEY_MISMATCH", (r) =>
    r.boost(bob, "a", 10, { playKey: cat.playKey }),
  ),
  refusal("protocol 3 a voucher for another meme", "VOUCHER_MEME_MISMATCH", (r) =>
    r.boost(bob, "a", 10, { memeId: memeIdOf("z") }),
  ),
  refusal(
    "protocol 3 a number used before",
    "VOUCHER_SEQ_STALE",
    (r) => r.boost(bob, "a", 10, { seq: 1 }),
    (r) => r.must(r.boost(bob, "a", 10)),
  ),
  refusal("protocol 3 a number skipped", "VOUCHER_SEQ_STALE", (r) => r.boost(bob, "a", 10, { seq: 2 })),
  refusal(
    "protocol 3 a voucher that does not continue",
    "VOUCHER_CHAIN_BROKEN",
    (r) => r.boost(bob, "a", 10, { prev: "11".repeat(32) }),
    (r) => r.must(r.boost(bob, "a", 10)),
  ),
  refusal("I2 a boost under another identity", "PLAY_KEY_TAKEN", (r) =>
    r.boost({ ...bob, identity: cat.identity }, "a", 10),
  ),
  refusal("R9 a boost of nothing known", "MEME_UNKNOWN", (r) => r.boost(bob, "z", 10)),
  refusal(
    "R12 a boost of a meme taken down",
    "MEME_TAKEN_DOWN",
    (r) => r.boost(bob, "a", 10),
    (r) => r.must(takedown("a")),
  ),
  refusal("R8 one's own meme by play key", "MEME_OWN", (r) => r.boost(ann, "a", 10)),
  refusal("R8 one's own meme by identity", "MEME_OWN", (r) => r.boost(annTwo, "a", 10)),
  refusal("E1 a boost under the minimum", "BOOST_TOO_SMALL", (r) => r.boost(bob, "a", 9)),
  refusal("E2 a boost over what is left", "DEPOSIT_OVERSPENT", (r) => r.boost(bob, "a", 4_971)),
  refusal("protocol 3 a boost with a spoiled signature", "VOUCHER_SIGNATURE_INVALID", (r) =>
    spoiled(r.boost(bob, "a", 10)),
  ),
  refusal(
    "protocol 3 a boost signed by somebody else",
    "VOUCHER_SIGNATURE_INVALID",
    (r) => {
      const c = r.boost(bob, "a", 10);
      return { ...c, voucher: r.voucher({ ...bob, secret: cat.secret }, "boost", memeIdOf("a"), 10) };
    },
    () => {},
    { signer: REAL },
  ),

  refusal("R10 nothing said", "CHAT_EMPTY", (r) => r.chat(bob, "")),
  refusal("R10 241 characters", "CHAT_TOO_LONG", (r) => r.chat(bob, "🚀".repeat(241))),
  refusal("R10 a line with a spoiled signature", "CHAT_SIGNATURE_INVALID", (r) => ({
    ...r.chat(bob, "hi"),
    text: "ho",
  })),
  refusal(
    "R10 a line sent twice",
    "CHAT_OUT_OF_ORDER",
    (r) => r.chat(bob, "hi", 1),
    (r) => r.must(r.chat(bob, "hi")),
  ),
  refusal("R10 a line that skips a number", "CHAT_OUT_OF_ORDER", (r) => r.chat(bob, "hi", 2)),
  refusal("I2 a line under another identity", "PLAY_KEY_TAKEN", (r) =>
    r.chat({ ...bob, identity: cat.identity }, "hi"),
  ),
  refusal("R10 a line after the end", "PHASE_WRONG", (r) => r.chat(bob, "hi"), ended),

  refusal(
    "R12 a report by somebody who spent less than an entry",
    "REPORT_NOT_ALLOWED",
    () => report(bob, "a"),
    (r) => r.must(r.boost(bob, "a", 999)),
  ),
  refusal(
    "R12 a second report",
    "REPORT_TWICE",
    () => report(bob, "a"),
    (r) => {
      r.must(r.boost(bob, "a", 1_000));
      r.must(report(bob, "a"));
    },
  ),
  refusal(
    "R12 a report in blind",
    "PHASE_WRONG",
    () => report(bob, "a"),
    (r) => {
      r.must(r.boost(bob, "a", 1_000));
      r.at(T * 0.95);
    },
  ),
  refusal("R12 a report of nothing known", "MEME_UNKNOWN", () => report(ann, "z")),
  refusal(
    "R12 a report of a meme taken down",
    "MEME_TAKEN_DOWN",
    () => report(ann, "a"),
    (r) => r.must(takedown("a")),
  ),

  refusal("R12 a takedown of nothing known", "MEME_UNKNOWN", () => takedown("z")),
  refusal(
    "R12 a second takedown",
    "MEME_TAKEN_DOWN",
    () => takedown("a"),
    (r) => r.must(takedown("a")),
  ),
  refusal(
    "R12 a takedown after the close",
    "PHASE_WRONG",
    () => takedown("a"),
    (r) => r.at(T),
  ),
  refusal(
    "R12 a blur after the end",
    "PHASE_WRONG",
    () => ({ kind: "hide", memeId: memeIdOf("a"), by: "mod", reason: "?" }),
    ended,
  ),

  refusal(
    "R2 blind before its time",
    "PHASE_WRONG",
    () => ({ kind: "phase", to: "blind" }),
    (r) => r.at(T * 0.95 - 1),
  ),
  refusal(
    "R2 settling before the close",
    "PHASE_WRONG",
    () => ({ kind: "phase", to: "settling" }),
    (r) => r.at(T - 1),
  ),
  refusal(
    "R2 settling from open",
    "PHASE_WRONG",
    () => ({ kind: "phase", to: "settling" }),
    (r) => {
      r.now += T;
    },
  ),
  refusal("M1 a freeze before settling", "PHASE_WRONG", () => ({ kind: "freeze", dropped: [] })),
  refusal(
    "M1 a second freeze",
    "PHASE_WRONG",
    () => ({ kind: "freeze", dropped: [] }),
    (r) => r.at(T).must({ kind: "freeze", dropped: [] }),
  ),
  refusal(
    "M1 a freeze of an unknown outpoint",
    "NOT_FOUND",
    () => ({ kind: "freeze", dropped: [`${txidOf("?")}:0`] }),
    (r) => r.at(T),
  ),
  refusal(
    "E10 a finish before the freeze",
    "PHASE_WRONG",
    () => ({ kind: "finish" }),
    (r) => r.at(T),
  ),
  refusal("E10 a second finish", "PHASE_WRONG", () => ({ kind: "finish" }), ended),
];

/** `phash` with its last `bits` bits turned over. */
function flipped(phash: string, bits: number): string {
  return (BigInt(`0x${phash}`) ^ ((1n << BigInt(bits)) - 1n)).toString(16).padStart(16, "0");
}

describe("decide: refusals change nothing", () => {
  for (const { rule, code, make } of CASES)
    it(`${rule}: ${code}`, () => {
      const { round, command } = make();
      const before = structuredClone(round.state);
      const decision = decide(round.state, command, round.now, round.signer.verify);
      assert.deepEqual(decision.ok ? "accepted" : decision.code, code);
      assert.deepEqual(round.state, before);
    });
});

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
