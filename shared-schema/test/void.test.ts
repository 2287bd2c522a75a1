/** How a round ends without a result: cancelled, expired (M4, the 12 h rule), never finished. E10: full returns. */
import assert from "node:assert/strict";
import { computeOutcome, outpointOf, rankMemes, VOID_EXPIRED } from "../src/payout.ts";
import { type Entry, recordHash, seal } from "../src/records.ts";
import { apply, replay } from "../src/reducer.ts";
import { VOID_AFTER_MS } from "../src/rules.ts";
import { verifyJournal } from "../src/verify-journal.ts";
import { actor, STUB, TestRound } from "./support/round.ts";

const BY = "ecdsa-secp256k1:admin";
const LENGTH = 600_000;
const [ann, bob, cat] = [actor("ann"), actor("bob"), actor("cat")];

/** Three players, two memes, boosts: a round that would have a result. */
function played(): TestRound {
  const round = new TestRound({ carryIn: 700 });
  for (const who of [ann, bob, cat]) round.must(round.deposit(who, 9_000));
  round.must(round.enter(ann, "a"));
  round.must(round.enter(bob, "b"));
  round.at(50_000).must(round.boost(cat, "a", 700));
  round.must(round.boost(bob, "a", 300));
  return round;
}

/** The round is void with this reason, and everybody who was not dropped gets everything back. */
function assertVoid(round: TestRound, reason: string, dropped: readonly string[] = []): void {
  const { phase } = round.state;
  assert.ok(phase.kind === "final" && phase.outcome.kind === "void");
  assert.equal(phase.outcome.reason, reason);
  const due = [...round.state.players.values()]
    .map(({ playKey, deposits }) => ({
      playKey,
      sats: deposits.reduce((sum, one) => sum + (dropped.includes(outpointOf(one)) ? 0 : one.sats), 0),
    }))
    .filter(({ sats }) => sats > 0)
    .sort((left, right) => (left.playKey < right.playKey ? -1 : 1));
  assert.deepEqual(phase.outcome.returned, due);
  const computed = computeOutcome(round.state);
  assert.ok(computed.kind === "void");
  assert.deepEqual([computed.reason, computed.returned, computed.carryOut], [reason, due, 700]);
  assert.deepEqual(replay(round.entries), round.state);
  const verified = verifyJournal(round.entries, STUB.verify);
  assert.ok(verified.ok, JSON.stringify(verified));
  assert.deepEqual(verified.state, round.state);
}

const outpoint = (round: TestRound, who: typeof ann): string => {
  const deposit = round.state.players.get(who.playKey)?.deposits[0];
  assert.ok(deposit);
  return outpointOf(deposit);
};

describe("the 12 h rule", () => {
  it("M4: from round end + 12 h on a result gives way to full returns, once, and not 1 ms sooner", () => {
    const round = played().end();
    round.now = round.state.open.closesAt + VOID_AFTER_MS - 1;
    assert.equal(round.try({ kind: "expire" }), "PHASE_WRONG");
    round.now += 1;
    round.must({ kind: "expire" });
    assertVoid(round, VOID_EXPIRED);
    assert.equal(round.try({ kind: "expire" }), "PHASE_WRONG");
    assert.equal(round.try({ kind: "finish" }), "PHASE_WRONG");
  });
  it("M4: what was dropped at the freeze stays dropped", () => {
    const round = played();
    const gone = outpoint(round, cat);
    round.end([gone]);
    round.now = round.state.open.closesAt + VOID_AFTER_MS;
    round.must({ kind: "expire" });
    assertVoid(round, VOID_EXPIRED, [gone]);
  });
  it("M4: a round that nobody finished in time never gets a result, its creators are never ranked as winners", () => {
    const round = played();
    round.at(LENGTH + VOID_AFTER_MS);
    round.must({ kind: "freeze", dropped: [] });
    round.must({ kind: "finish" });
    assertVoid(round, VOID_EXPIRED);
    assert.ok(round.entries.every(({ record }) => record.kind !== "result"));
    assert.equal(rankMemes(round.state).length, 2);
  });
  it("M4: a `void` before its time, or a `result` after it, does not verify", () => {
    for (const [ms, kind] of [
      [LENGTH + VOID_AFTER_MS - 1, "void"],
      [LENGTH + VOID_AFTER_MS, "result"],
    ] as const) {
      const round = played().at(ms);
      round.must({ kind: "freeze", dropped: [] });
      const outcome = computeOutcome(round.state);
      assert.ok(outcome.kind === "result");
      const draft =
        kind === "result" ? { kind, body: outcome.result } : { kind, body: { reason: VOID_EXPIRED } };
      const last = seal(round.state.head, round.now, draft);
      const verdict = verifyJournal([...round.entries, last], STUB.verify);
      assert.ok(!verdict.ok && /should be/.test(verdict.reason), JSON.stringify(verdict));
    }
  });
  it("M4: after `result` nothing else may follow, and nothing at all after `void`", () => {
    const round = played().end();
    const late = (draft: Parameters<typeof seal>[2]): Entry =>
      seal(round.state.head, round.state.open.closesAt + VOID_AFTER_MS, draft);
    const twice = late({ kind: "phase", body: { to: "blind" } });
    assert.throws(() => apply(round.state, twice), /has ended/);
    const early = seal(round.state.head, round.state.open.closesAt + VOID_AFTER_MS - 1, {
      kind: "void",
      body: { reason: VOID_EXPIRED },
    });
    assert.throws(() => apply(round.state, early), /has a result/);
    for (const entry of [twice, early]) assert.ok(!verifyJournal([...round.entries, entry], STUB.verify).ok);
    round.now = round.state.open.closesAt + VOID_AFTER_MS;
    round.must({ kind: "expire" });
    const again = late({ kind: "void", body: { reason: VOID_EXPIRED } });
    assert.throws(() => apply(round.state, again), /has ended/);
    assert.ok(!verifyJournal([...round.entries, again], STUB.verify).ok);
  });
  it("M4: another reason in the last record is found out", () => {
    const round = played().end();
    round.now = round.state.open.closesAt + VOID_AFTER_MS;
    round.must({ kind: "expire" });
    const last = round.entries.at(-1);
    assert.ok(last?.record.kind === "void");
    const record = { ...last.record, body: { reason: "we felt like it" } };
    const verdict = verifyJournal(
      [...round.entries.slice(0, -1), { record, hash: recordHash(record) }],
      STUB.verify,
    );
    assert.ok(!verdict.ok && /differs/.test(verdict.reason));
  });
});

describe("a cancelled round", () => {
  const cancel = (dropped: string[] = []) =>
    ({ kind: "cancel", by: BY, reason: "stolen pictures", dropped }) as const;

  it("E10: in every phase before the result everybody gets everything back, and the journal says who and why", () => {
    for (const ms of [60_000, 580_000, LENGTH]) {
      const round = played().at(ms);
      round.must(cancel());
      assertVoid(round, "stolen pictures");
      assert.deepEqual(round.entries.at(-1)?.record.body, { reason: "stolen pictures", by: BY });
    }
    const frozen = played().at(LENGTH);
    const gone = outpoint(frozen, bob);
    frozen.must({ kind: "freeze", dropped: [gone] });
    frozen.must(cancel());
    assertVoid(frozen, "stolen pictures", [gone]);
  });
  it("M1: a cancellation before the freeze judges the deposits itself", () => {
    const round = played();
    const gone = outpoint(round, cat);
    assert.equal(round.try(cancel([`${"ab".repeat(32)}:0`])), "NOT_FOUND");
    round.must(cancel([gone]));
    assertVoid(round, "stolen pictures", [gone]);
    const late = played().at(LENGTH);
    late.must({ kind: "freeze", dropped: [] });
    assert.equal(late.try(cancel([outpoint(late, cat)])), "PHASE_WRONG");
  });
  it("a round with a result, without a name or without a reason, is not cancelled", () => {
    const round = played();
    assert.equal(round.try({ ...cancel(), reason: "  " }), "BAD_REQUEST");
    assert.equal(round.try({ ...cancel(), by: "" }), "BAD_REQUEST");
    round.end();
    assert.equal(round.try(cancel()), "PHASE_WRONG");
    round.now = round.state.open.closesAt + VOID_AFTER_MS;
    assert.equal(round.try(cancel()), "PHASE_WRONG");
  });
});
