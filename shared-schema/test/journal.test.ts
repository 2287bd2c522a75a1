/** Properties of whole random rounds (R4, E2, E8, M4), and what a changed journal looks like to the auditor. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { computeOutcome } from "../src/payout.ts";
import { type Entry, headOf, type JournalRecord, recordHash, ZERO_HASH } from "../src/records.ts";
import { apply, replay } from "../src/reducer.ts";
import type { RoundState } from "../src/round-state.ts";
import { verifyEntry, verifyJournal } from "../src/verify-journal.ts";
import { type Plan, planArb, play } from "./support/journals.ts";
import { oracle } from "./support/oracle.ts";
import { actor, memeIdOf, REAL, STUB, TestRound } from "./support/round.ts";

const RUNS = { numRuns: 300, seed: 20261122 };
const big = (values: number[]): bigint => values.reduce((sum, v) => sum + BigInt(v), 0n);

/** sat paid to each play key by the round's last record. */
function paidOf(state: RoundState): Map<string, bigint> {
  assert.ok(state.phase.kind === "final");
  const { outcome } = state.phase;
  return outcome.kind === "result"
    ? new Map(outcome.result.payouts.map((p) => [p.playKey, BigInt(p.won + p.returned)]))
    : new Map(outcome.returned.map((r) => [r.playKey, BigInt(r.sats)]));
}

/** Writes the chain of hashes anew, as somebody would who changed a record and owns the store. */
function rechain(entries: Entry[]): Entry[] {
  let prev = ZERO_HASH;
  return entries.map((entry, i) => {
    const record = { ...entry.record, seq: i + 1, prev } as JournalRecord;
    const made = { ...entry, record, hash: recordHash(record) };
    prev = made.hash;
    return made;
  });
}

const refused = (entries: Entry[], what: string): void => {
  const verdict = verifyJournal(entries, STUB.verify);
  assert.ok(!verdict.ok, `accepted: ${what}`);
};

const flipHex = (hex: string, at: number): string =>
  hex.slice(0, at) + (hex[at] === "0" ? "1" : "0") + hex.slice(at + 1);

describe("whole rounds", () => {
  it("E8: paid + returned + fee + seat fees + carryOut = deposits + carryIn, exactly; E3-E10 as a second implementation has them", () => {
    const seen = { result: 0, void: 0, drops: 0, large: 0 };
    fc.assert(
      fc.property(planArb, (plan) => {
        const { state, entries } = play(plan);
        assert.ok(state.phase.kind === "final");
        const { outcome, frozen } = state.phase;
        const paid = paidOf(state);
        const expected = oracle(entries);
        assert.equal(outcome.kind === "void", expected.void);
        assert.deepEqual(new Map([...paid].sort()), new Map([...expected.paid].sort()));
        for (const sats of paid.values()) assert.ok(sats > 0n, "no output of zero (E9)");
        const { fee, seatFees, carryOut } =
          outcome.kind === "result" ? outcome.result : { fee: 0, seatFees: 0, carryOut: state.carryIn };
        assert.deepEqual(
          [BigInt(fee), BigInt(seatFees), BigInt(carryOut)],
          [expected.fee, expected.seatFees, expected.carryOut],
        );
        const out = [...paid.values()].reduce((a, b) => a + b, 0n) + big([fee, seatFees, carryOut]);
        assert.equal(out, expected.collected + BigInt(state.carryIn));
        seen[outcome.kind] += 1;
        if (frozen.dropped.length > 0) seen.drops += 1;
        if (state.staked > 1e12) seen.large += 1;
      }),
      RUNS,
    );
    // The generator must reach all of it, or the property says little.
    assert.ok(Math.min(...Object.values(seen)) >= 10, JSON.stringify(seen));
  });

  it("E2: vouchers never pass deposits less the seat fees", () => {
    fc.assert(
      fc.property(planArb, (plan) => {
        const { state } = play(plan);
        const seat = BigInt(state.open.rules.seatFeeSats);
        for (const p of state.players.values()) {
          const most = big(p.deposits.map((d) => d.sats)) - seat * BigInt(p.deposits.length);
          assert.ok(BigInt(p.spent) <= most);
        }
      }),
      RUNS,
    );
  });

  it("R4: replay(journal) is the live state at every length; M4: the auditor accepts every beginning", () => {
    fc.assert(
      fc.property(planArb, fc.nat(1_000), (plan, cut) => {
        const { state, entries } = play(plan);
        assert.deepEqual(replay(entries), state);
        const verdict = verifyJournal(entries, STUB.verify);
        assert.ok(verdict.ok, JSON.stringify(verdict));
        assert.deepEqual(verdict.state, state);
        const length = 1 + (cut % entries.length);
        const partial = verifyJournal(entries.slice(0, length), STUB.verify, { partial: true });
        assert.ok(partial.ok);
        assert.deepEqual(partial.state, replay(entries.slice(0, length)));
      }),
      { ...RUNS, numRuns: 60 },
    );
  });

  it("E8: the order of the state's maps does not change the outcome", () => {
    fc.assert(
      fc.property(planArb, (plan) => {
        const { state } = play(plan);
        const turn = <V>(map: Map<string, V>): Map<string, V> => new Map([...map].reverse());
        const memes = [...turn(state.memes)].map(
          ([id, m]) => [id, { ...m, backers: turn(m.backers) }] as const,
        );
        const turned = { ...state, players: turn(state.players), memes: new Map(memes) };
        assert.deepEqual(computeOutcome(turned), computeOutcome(state));
      }),
      { ...RUNS, numRuns: 60 },
    );
  });
});

/** A round with a bit of everything and two backers of one meme, that ends in a result. */
function sample(signer = STUB): TestRound {
  const round = new TestRound({ signer, carryIn: 5_000 });
  const [a, b, c] = [actor("a"), actor("b"), actor("c")];
  for (const who of [a, b, c]) round.must(round.deposit(who, 9_000));
  round.must(round.enter(a, "a"));
  round.at(1_000).must(round.enter(b, "b"));
  round.must(round.chat(c, "hello"));
  round.at(50_000).must(round.boost(c, "a", 700));
  round.at(60_000).must(round.boost(b, "a", 300));
  round.must({ kind: "report", playKey: b.playKey, memeId: memeIdOf("a") });
  round.at(90_000).must(round.boost(c, "b", 400));
  return round.end();
}

describe("a journal that was tampered with", () => {
  it("M4: any byte of any record changed, any record missing, twice or out of place", () => {
    fc.assert(
      fc.property(planArb, fc.nat(), fc.nat(), (plan: Plan, pick, other) => {
        const { entries } = play(plan);
        const i = pick % entries.length;
        const j = other % entries.length;
        const entry = entries[i];
        const swapped = entries[j];
        assert.ok(entry && swapped);
        const text = JSON.stringify(entry.record);
        const digits = [...text.matchAll(/[0-9]/g)].map((m) => m.index);
        const at = digits[other % digits.length] ?? 0;
        const digit = text[at] === "1" ? "2" : "1";
        const record = JSON.parse(text.slice(0, at) + digit + text.slice(at + 1)) as JournalRecord;
        refused(entries.with(i, { ...entry, record }), `record ${i + 1} with another digit`);
        refused(entries.with(i, { ...entry, hash: flipHex(entry.hash, other % 64) }), `hash of ${i + 1}`);
        refused(entries.toSpliced(i, 1), `without record ${i + 1}`);
        refused(entries.toSpliced(i, 0, entry), `record ${i + 1} twice`);
        if (i !== j) refused(entries.with(i, swapped).with(j, entry), `${i + 1} and ${j + 1} exchanged`);
      }),
      { ...RUNS, numRuns: 60 },
    );
  });

  it("M4: with the hashes written anew: amounts, order, signatures, times, texts, missing and invented records", () => {
    const { entries } = sample();
    assert.ok(verifyJournal(rechain(entries), STUB.verify).ok, "rechaining alone changes nothing");
    entries.forEach((entry, i) => {
      const { record } = entry;
      const what = `${record.seq} ${record.kind}`;
      const patched = (body: object): Entry[] =>
        rechain(entries.with(i, { ...entry, record: { ...record, body } as JournalRecord }));
      // Nothing later follows from a line of chat or a report: only a receipt shows that one is missing.
      if (record.kind !== "chat" && record.kind !== "report")
        refused(rechain(entries.toSpliced(i, 1)), `${what} left out`);
      refused(rechain(entries.toSpliced(i, 0, entry)), `${what} twice`);
      if (entry.sig !== undefined) {
        refused(entries.with(i, { ...entry, sig: flipHex(entry.sig, 70) }), `${what} with another signature`);
        const { sig: _sig, ...unsigned } = entry;
        refused(entries.with(i, unsigned), `${what} without its signature`);
      }
      if (entry.private !== undefined)
        refused(
          entries.with(i, { ...entry, private: { ...entry.private, text: "forged", title: "forged" } }),
          `${what} with another text`,
        );
      if (record.kind === "boost") {
        refused(patched({ voucher: flipHex(record.body.voucher, 195) }), `${what} with another amount`);
        // Times are vouched for by receipts and heads; here a shift shows where it changes the result.
        const later = { ...record, at: record.at + 9_000 };
        if (record.seq <= 9)
          refused(rechain(entries.with(i, { ...entry, record: later })), `${what} 9 s later`);
        const early = { ...record, at: 1 };
        refused(rechain(entries.with(i, { ...entry, record: early })), `${what} before the one before`);
      }
      if (record.kind === "result") {
        const [first, ...rest] = record.body.payouts;
        assert.ok(first);
        refused(patched({ ...record.body, payouts: [{ ...first, won: first.won + 1 }, ...rest] }), what);
        refused(patched({ ...record.body, carryOut: record.body.carryOut - 1 }), what);
        refused(patched({ ...record.body, ranking: record.body.ranking.toReversed() }), what);
      }
      if (record.kind === "open") {
        const { rules } = record.body;
        refused(patched({ ...record.body, rules: { ...rules, feeBps: 2_000 } }), "rules changed");
        refused(patched({ ...record.body, blindAt: record.body.blindAt + 1 }), "blindAt moved");
        refused(patched({ ...record.body, roundId: "main-5" }), "another roundId");
      }
      if (record.kind === "freeze") refused(patched({ ...record.body, voidMemes: ["00".repeat(32)] }), what);
    });
    const boosts = entries.flatMap((e, i) => (e.record.kind === "boost" ? [i] : []));
    const [x, y] = [boosts[0] ?? 0, boosts[2] ?? 0];
    const [ex, ey] = [entries[x], entries[y]];
    assert.ok(ex && ey);
    refused(rechain(entries.with(x, ey).with(y, ex)), "two boosts of one player exchanged");
  });

  it("M4: a journal cut short is no finished round, an empty one is none at all", () => {
    const { entries } = sample();
    assert.deepEqual(verifyJournal(entries.slice(0, -1), STUB.verify), {
      ok: false,
      seq: entries.length,
      reason: "the journal has no result",
    });
    assert.ok(!verifyJournal([], STUB.verify, { partial: true }).ok);
  });

  it("R10: removing a text leaves a journal that verifies and a state without the text", () => {
    const { entries, state } = sample();
    const redacted = entries.map((entry): Entry => {
      const { private: _text, sig, ...rest } = entry;
      return entry.record.kind === "chat" ? rest : { ...rest, ...(sig === undefined ? {} : { sig }) };
    });
    const verdict = verifyJournal(redacted, STUB.verify);
    assert.ok(verdict.ok, JSON.stringify(verdict));
    assert.equal(verdict.state.head.hash, state.head.hash);
    assert.equal(verdict.state.chat.length, 0);
    assert.ok([...verdict.state.memes.values()].every((m) => m.title === undefined));
    assert.deepEqual(computeOutcome(verdict.state), computeOutcome(state));
  });

  it("protocol 3: with real signatures: accepted as it is, refused with one bit of one signature changed", () => {
    const { entries } = sample(REAL);
    assert.ok(verifyJournal(entries, REAL.verify).ok);
    const i = entries.findIndex((e) => e.record.kind === "boost");
    const entry = entries[i];
    assert.ok(entry?.sig);
    const bad = entries.with(i, { ...entry, sig: flipHex(entry.sig, 127) });
    assert.deepEqual(verifyJournal(bad, REAL.verify), {
      ok: false,
      seq: i + 1,
      reason: "VOUCHER_SIGNATURE_INVALID",
    });
  });

  it("M4: verifyEntry leaves the state as it was when it refuses", () => {
    const { entries } = sample();
    const state = replay(entries.slice(0, 5));
    const before = structuredClone(state);
    const next = entries[5];
    assert.ok(next);
    assert.ok(!verifyEntry(state, { ...next, hash: ZERO_HASH }, STUB.verify).ok);
    assert.deepEqual(state, before);
    assert.ok(verifyEntry(state, next, STUB.verify).ok);
  });

  it("R4: the reducer refuses what cannot follow and keeps the state", () => {
    const { entries } = sample();
    const state = replay(entries.slice(0, 5));
    const before = structuredClone(state);
    for (const entry of [entries[0], entries[4], entries[6]]) {
      assert.ok(entry);
      assert.throws(() => apply(state, entry), /cannot follow/);
    }
    assert.deepEqual(state, before);
    assert.deepEqual(state.head, headOf(entries[4] as Entry));
    assert.throws(() => replay([]), /empty/);
    assert.throws(() => replay(entries.slice(1)), /cannot follow/);
  });
});
