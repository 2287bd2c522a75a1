/** Payouts of small rounds worked out by hand (E3-E10, R12, M1). */
import assert from "node:assert/strict";
import {
  computeOutcome,
  livePot,
  outpointOf,
  rankMemes,
  VOID_NO_WINNER,
  VOID_TOO_FEW,
} from "../src/payout.ts";
import type { RoundState } from "../src/round-state.ts";
import { type Actor, actor, memeIdOf, TestRound } from "./support/round.ts";

const [ann, bob, cat, dan] = ["ann", "bob", "cat", "dan"].map((n) => actor(n)) as [
  Actor,
  Actor,
  Actor,
  Actor,
];
const CLOSE_MS = 600_000;

/** Ann and Bob enter; Cat backs Ann's at the opening, Dan backs Bob's at half time. Seat fee is 30. */
function small(options: ConstructorParameters<typeof TestRound>[0] = {}): TestRound {
  const round = new TestRound(options);
  for (const who of [ann, bob, cat, dan]) round.must(round.deposit(who, 5_000));
  round.must(round.enter(ann, "a"));
  round.must(round.enter(bob, "b"));
  round.must(round.boost(cat, "a", 3_000));
  round.at(300_000).must(round.boost(dan, "b", 2_000));
  return round;
}

function resultOf(state: RoundState) {
  const outcome = computeOutcome(state);
  assert.equal(outcome.kind, "result");
  if (outcome.kind !== "result") throw new Error("void");
  return outcome;
}
const payoutOf = (state: RoundState, who: Actor) =>
  resultOf(state).result.payouts.find((p) => p.playKey === who.playKey);
const depositOf = (round: TestRound, who: Actor): string => {
  const deposit = round.state.players.get(who.playKey)?.deposits[0];
  assert.ok(deposit);
  return outpointOf(deposit);
};

describe("payouts", () => {
  it("E3-E8: one winner, worked out by hand", () => {
    const { state } = small({ carryIn: 10_000 });
    const outcome = resultOf(state);
    // stakes 1000 + 1000 + 3000 + 2000; released min(10000, 350); fee 140; carry 350.
    assert.equal(outcome.stakes, 7_000);
    assert.equal(outcome.released, 350);
    assert.equal(outcome.pot, 7_350);
    assert.equal(livePot(state), 7_350);
    assert.equal(outcome.result.fee, 140);
    assert.equal(outcome.prize, 6_860);
    // a: 3000 x 2T beats b: 2000 x 1.5T; ceil(2 / 3) = 1 winner; creator 25%.
    assert.deepEqual(outcome.winners, [memeIdOf("a")]);
    assert.deepEqual(outcome.result.ranking, [memeIdOf("a"), memeIdOf("b")]);
    assert.deepEqual(payoutOf(state, ann), { playKey: ann.playKey, won: 1_715, returned: 3_970 });
    assert.deepEqual(payoutOf(state, cat), { playKey: cat.playKey, won: 5_145, returned: 1_970 });
    assert.deepEqual(payoutOf(state, dan), { playKey: dan.playKey, won: 0, returned: 2_970 });
    assert.equal(outcome.result.seatFees, 120);
    assert.equal(outcome.result.carryOut, 350 + 9_650);
  });

  it("E5: weight falls from 2 at the opening to 1 at the close, and an equal score goes to the earlier entry", () => {
    const { state } = small();
    const [a, b] = rankMemes(state);
    assert.equal(a?.score, 3_000n * 1_200_000n);
    assert.equal(b?.score, 2_000n * 900_000n);
    const tie = new TestRound();
    for (const who of [ann, bob, cat]) tie.must(tie.deposit(who, 5_000));
    tie.must(tie.enter(bob, "b"));
    tie.must(tie.enter(ann, "a"));
    tie.must(tie.boost(cat, "a", 500));
    tie.must(tie.boost(cat, "b", 500));
    assert.deepEqual(
      rankMemes(tie.state).map((m) => m.memeId),
      [memeIdOf("b"), memeIdOf("a")],
    );
  });

  it("E7: one floor per meme and player, however the boosts were split", () => {
    const whole = small();
    const split = new TestRound();
    for (const who of [ann, bob, cat, dan]) split.must(split.deposit(who, 5_000));
    split.must(split.enter(ann, "a"));
    split.must(split.enter(bob, "b"));
    for (let i = 0; i < 300; i++) split.must(split.boost(cat, "a", 10));
    split.at(300_000).must(split.boost(dan, "b", 2_000));
    assert.deepEqual(payoutOf(split.state, cat), payoutOf(whole.state, cat));
  });

  it("R12: boosts on a taken-down meme come back, its entry price stays in the stakes", () => {
    const round = small();
    round.must(round.enter(dan, "d"));
    round.must({ kind: "takedown", memeId: memeIdOf("a"), by: "mod", reason: "stolen" });
    const outcome = resultOf(round.state);
    assert.equal(outcome.stakes, 1_000 * 3 + 2_000);
    assert.ok(!outcome.result.ranking.includes(memeIdOf("a")));
    assert.equal(payoutOf(round.state, cat)?.returned, 4_970);
    assert.equal(payoutOf(round.state, ann)?.returned, 3_970);
  });

  it("M1: a dropped backer's vouchers are void; its other deposits come back", () => {
    const round = small();
    round.must(round.deposit(cat, 2_000, "second"));
    const dropped = depositOf(round, cat);
    round.at(CLOSE_MS).must({ kind: "freeze", dropped: [dropped] });
    assert.equal(round.state.memes.get(memeIdOf("a"))?.score, 0n);
    const outcome = resultOf(round.state);
    assert.deepEqual(outcome.winners, [memeIdOf("b")]);
    assert.equal(outcome.stakes, 4_000);
    assert.deepEqual(payoutOf(round.state, cat), { playKey: cat.playKey, won: 0, returned: 1_970 });
    assert.equal(outcome.result.seatFees, 4 * 30);
  });

  it("M1: a dropped creator's meme is void and the boosts on it come back", () => {
    const round = small();
    round.must(round.enter(dan, "d"));
    round.at(CLOSE_MS).must({ kind: "freeze", dropped: [depositOf(round, ann)] });
    assert.deepEqual(round.state.phase.kind === "settling" && round.state.phase.frozen?.voidMemes, [
      memeIdOf("a"),
    ]);
    assert.equal(payoutOf(round.state, cat)?.returned, 4_970);
    assert.equal(payoutOf(round.state, ann), undefined);
    assert.equal(resultOf(round.state).stakes, 4_000);
  });

  it("E9: a few satoshis are withheld from those with nothing unspent, never from those with change", () => {
    const withDust = (deposit: number) => {
      const round = new TestRound({ rules: { minDepositSats: 30 } });
      for (const who of [ann, bob, cat]) round.must(round.deposit(who, 100_000));
      round.must(round.deposit(dan, deposit));
      round.must(round.enter(ann, "a"));
      round.must(round.enter(bob, "b"));
      round.must(round.boost(cat, "a", 90_000));
      round.at(599_000 - 5_000);
      round.must(round.boost(dan, "a", 10));
      return resultOf(round.state).result;
    };
    const spentAll = withDust(40);
    assert.ok(!spentAll.payouts.some((p) => p.playKey === dan.playKey));
    const withChange = withDust(41);
    const mine = withChange.payouts.find((p) => p.playKey === dan.playKey);
    assert.equal(mine?.returned, 1);
    assert.ok(mine !== undefined && mine.won > 0 && mine.won < 10);
    assert.equal(spentAll.carryOut, withChange.carryOut + mine.won);
  });

  it("E10: two entries of one identity, or no boost, void the round: all back, seat fee too", () => {
    const same = new TestRound({ carryIn: 777, rules: { maxEntriesPerPlayer: 2 } });
    const twin = actor("twin", "ann");
    for (const who of [ann, twin, bob]) same.must(same.deposit(who, 5_000));
    same.must(same.enter(ann, "a"));
    same.must(same.enter(twin, "b"));
    same.must(same.boost(bob, "a", 1_000));
    const outcome = computeOutcome(same.state);
    assert.ok(outcome.kind === "void");
    assert.equal(outcome.reason, VOID_TOO_FEW);
    assert.equal(outcome.carryOut, 777);
    assert.deepEqual(
      outcome.returned,
      [ann, twin, bob]
        .map((w) => ({ playKey: w.playKey, sats: 5_000 }))
        .sort((x, y) => (x.playKey < y.playKey ? -1 : 1)),
    );
    same.end();
    assert.equal(same.state.phase.kind === "final" && same.state.phase.outcome.kind, "void");

    const silent = new TestRound();
    for (const who of [ann, bob]) silent.must(silent.deposit(who, 5_000));
    silent.must(silent.enter(ann, "a"));
    silent.must(silent.enter(bob, "b"));
    const none = computeOutcome(silent.state);
    assert.ok(none.kind === "void" && none.reason === VOID_NO_WINNER);
  });

  it("E10: an empty round is void and moves its carry on", () => {
    assert.deepEqual(computeOutcome(new TestRound({ carryIn: 5 }).state), {
      kind: "void",
      reason: VOID_TOO_FEW,
      returned: [],
      carryOut: 5,
    });
  });

  it("E8: the order of the state's maps does not change a payout", () => {
    const { state } = small({ carryIn: 123_457 });
    const turned: RoundState = {
      ...state,
      players: new Map([...state.players].reverse()),
      memes: new Map(
        [...state.memes]
          .reverse()
          .map(([id, m]) => [id, { ...m, backers: new Map([...m.backers].reverse()) }]),
      ),
    };
    assert.deepEqual(computeOutcome(turned), computeOutcome(state));
  });
});
