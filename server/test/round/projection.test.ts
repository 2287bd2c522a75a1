/** What is public, and when. Rules R6, R2. */
import assert from "node:assert/strict";
import { RoundView } from "@meme-rounds/shared-schema/sync-state";
import { actor, memeIdOf, TestRound } from "../../../shared-schema/test/support/round.ts";
import { isShown, project, projectOpening, projectOutcome, standingsOf } from "../../src/round/projection.ts";
import { archivedOf, snapshotOf } from "../../src/round/snapshot.ts";

const [ann, bob, cat] = [actor("ann"), actor("bob"), actor("cat")];

function played(): { round: TestRound; view: RoundView } {
  const round = new TestRound();
  for (const who of [ann, bob, cat]) round.must(round.deposit(who, 50_000));
  round.must(round.enter(ann, "frog"));
  round.must(round.enter(bob, "dog"));
  round.must(round.boost(cat, "frog", 500));
  const view = new RoundView();
  projectOpening(view, round.state);
  project(view, round.state, round.now);
  return { round, view };
}

const frozenPart = (view: RoundView) =>
  JSON.stringify({
    pot: view.pot,
    players: view.players,
    memes: [...view.memes.values()].map(({ boostSats, score, backers, rank }) => [
      boostSats,
      score,
      backers,
      rank,
    ]),
  });

describe("projection", () => {
  it("R6: while the round is live nothing public names a creator", () => {
    const { round, view } = played();
    const snapshot = snapshotOf(view, round.state, "room", "ab".repeat(32));
    for (const text of [JSON.stringify(view), JSON.stringify(snapshot)])
      for (const who of [ann, bob]) {
        assert.ok(!text.includes(who.playKey));
        assert.ok(!text.includes(who.identity));
      }
  });

  it("R6: in blind the numbers stand still and boosts still count", () => {
    const { round, view } = played();
    round.at(575_000);
    project(view, round.state, round.now);
    const before = frozenPart(view);
    round.must(round.boost(cat, "dog", 9_000));
    project(view, round.state, round.now);
    assert.equal(view.phase, "blind");
    assert.equal(frozenPart(view), before);
    round.end();
    project(view, round.state, round.now);
    projectOutcome(view, round.state);
    assert.equal(view.memes.get(memeIdOf("dog"))?.boostSats, 9_000);
    assert.equal(view.memes.get(memeIdOf("dog"))?.rank, 1);
    assert.equal(view.memes.get(memeIdOf("dog"))?.creator, bob.playKey);
    assert.equal(view.result?.outcome, "closed");
  });

  it("R6: in blind the numbers are the last open ones, also where they were not shown any more", () => {
    const { round, view } = played();
    round.must(round.boost(cat, "dog", 700));
    const frozen = standingsOf(round.state);
    round.at(575_000);
    round.must(round.boost(cat, "dog", 9_000));
    project(view, round.state, round.now, frozen);
    assert.equal(view.memes.get(memeIdOf("dog"))?.boostSats, 700);
    assert.equal(view.memes.get(memeIdOf("dog"))?.rank, 1);
  });

  it("R6: in blind no patch tells of a boost or a deposit; chat is in no patch at all", () => {
    assert.deepEqual(
      (["boost", "deposit", "chat", "hide", "takedown", "phase"] as const).map((kind) => [
        isShown(kind, "open"),
        isShown(kind, "blind"),
      ]),
      [
        [true, false],
        [true, false],
        [false, false],
        [true, true],
        [true, true],
        [true, true],
      ],
    );
  });

  it("R12: a report blurs until a moderator has looked, and what comes after blurs no more", () => {
    const { round, view } = played();
    const dan = actor("dan");
    round.must(round.deposit(dan, 50_000));
    round.must(round.enter(dan, "cow"));
    const blurred = () => {
      project(view, round.state, round.now);
      return view.memes.get(memeIdOf("frog"))?.blurred;
    };
    const moderate = (kind: "hide" | "unhide") =>
      round.must({ kind, memeId: memeIdOf("frog"), by: "moderator", reason: "looked at" });
    assert.equal(blurred(), false);
    round.must({ kind: "report", playKey: bob.playKey, memeId: memeIdOf("frog") });
    assert.equal(blurred(), true);
    moderate("unhide");
    assert.equal(blurred(), false);
    round.must({ kind: "report", playKey: dan.playKey, memeId: memeIdOf("frog") });
    assert.equal(blurred(), false);
    moderate("hide");
    assert.equal(blurred(), true);
  });

  it("R6: a voided round never names creators, in state or archive", () => {
    const round = new TestRound();
    round.must(round.deposit(ann, 50_000));
    round.must(round.enter(ann, "frog"));
    round.end();
    const view = new RoundView();
    projectOpening(view, round.state);
    project(view, round.state, round.now);
    projectOutcome(view, round.state);
    assert.equal(view.phase, "voided");
    assert.equal(view.memes.get(memeIdOf("frog"))?.creator, "");
    const archived = archivedOf(round.state);
    assert.equal(archived.outcome, "voided");
    assert.ok(archived.memesRanked.every((meme) => meme.creator === undefined));
    assert.deepEqual(archived.payouts, [{ playKey: ann.playKey, won: 0, returned: 50_000 }]);
  });
});
