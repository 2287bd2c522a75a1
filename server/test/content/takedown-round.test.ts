/** R12: a moderator's word reaches the live round's journal, whoever hosts it, once. C6: what its pages leave out then. */
import assert from "node:assert/strict";
import { type Entry, entrySchema } from "@meme-rounds/shared-schema/records";
import { replay } from "@meme-rounds/shared-schema/reducer";
import type { RoundDetail, Snapshot } from "@meme-rounds/shared-schema/rest";
import { RoundView } from "@meme-rounds/shared-schema/sync-state";
import { verifyJournal } from "@meme-rounds/shared-schema/verify-journal";
import { actor, memeIdOf, REAL, STUB, TestRound } from "../../../shared-schema/test/support/round.ts";
import type { Redis } from "../../src/infra/redis.ts";
import { RoundActor } from "../../src/round/actor.ts";
import { covered, coveredSnapshot, enteredOf, withoutTitles } from "../../src/round/covered.ts";
import { leaveOrder, OrderDesk } from "../../src/round/orders.ts";
import { project, projectOpening, projectTakenDown } from "../../src/round/projection.ts";
import { RefBook } from "../../src/round/refs.ts";
import { archivedOf, snapshotOf } from "../../src/round/snapshot.ts";
import { connected } from "../support/redis.ts";
import { quiet } from "./media-kit.ts";

const [ann, bob, cat] = [actor("ann"), actor("bob"), actor("cat")];
const frog = memeIdOf("frog");
const by = "ecdsa-secp256k1:02ab";
const order = (kind: "takedown" | "hide" | "unhide", memeId = frog) => ({ kind, memeId, by, reason: "gore" });

function played(signer = STUB): TestRound {
  const round = new TestRound({ signer });
  for (const who of [ann, bob, cat]) round.must(round.deposit(who, 50_000));
  round.must(round.enter(ann, "frog"));
  round.must(round.enter(bob, "dog"));
  round.must(round.boost(cat, "frog", 500));
  return round;
}

describe("a takedown in a live round", () => {
  let redis: Redis;
  connected((one) => {
    redis = one;
  });
  beforeEach(() => redis.flushall());

  /** The round's host; `journal` is what it has written. A host that fails writes nothing. */
  function host(round: TestRound, failing = false) {
    const journal: Entry[] = [];
    const gone: string[] = [];
    const mailbox = new RoundActor(round.state, new RefBook(), {
      async append(items) {
        if (failing) throw new Error("Redis is away");
        journal.push(...items.map(({ entry }) => entry));
      },
      verify: STUB.verify,
      sign: () => "",
      now: () => round.now,
      onCommitted: () => undefined,
      onFailed: () => undefined,
    });
    const desk = new OrderDesk(mailbox, { redis, onTakenDown: (memeId) => gone.push(memeId), logger: quiet });
    return { desk, journal, gone, tick: () => desk.tick(round.now) };
  }
  const waiting = (round: TestRound) => redis.llen(`mr:orders:${round.state.open.roundId}`);

  it("R12 it is journaled with who and why, once, and then leaves the list", async () => {
    const round = played();
    const { journal, gone, tick, desk } = host(round);
    await leaveOrder(redis, round.state.open.roundId, order("takedown"));
    await leaveOrder(redis, round.state.open.roundId, order("takedown"));
    await Promise.all([tick(), desk.tick(round.now), tick()]);
    await tick();
    assert.deepEqual(
      journal.map(({ record }) => [record.kind, record.body]),
      [["takedown", { memeId: frog, by, reason: "gore" }]],
    );
    assert.equal(round.state.memes.get(frog)?.takenDown, true);
    assert.deepEqual(gone, [frog]);
    assert.equal(await waiting(round), 0);
    round.end();
    const outcome = archivedOf(round.state);
    assert.equal(outcome.outcome, "voided", "its boosts are void, and the only ones there were (R12, E10)");
  });

  it("R12 R5 the host dies before the journal has it: the next host writes it", async () => {
    const first = played();
    await leaveOrder(redis, first.state.open.roundId, order("takedown"));
    const dying = host(first, true);
    await dying.tick();
    assert.deepEqual(dying.gone, []);
    assert.equal(await waiting(first), 1);
    const next = host(played());
    await next.tick();
    assert.equal(next.journal.length, 1);
    assert.equal(await waiting(first), 0);
  });

  it("R12 R5 the host dies after the journal has it: the next host does not write it twice", async () => {
    for (const kind of ["takedown", "hide", "unhide"] as const) {
      await redis.flushall();
      const round = played();
      round.must(order(kind));
      await leaveOrder(redis, round.state.open.roundId, order(kind));
      const next = host(round);
      await next.tick();
      assert.deepEqual(next.journal, [], kind);
      assert.equal(await waiting(round), 0);
    }
  });

  it("R12 one for a meme that is only just being entered waits for it", async () => {
    const round = played();
    const cow = memeIdOf("cow");
    await leaveOrder(redis, round.state.open.roundId, order("takedown", cow));
    const { journal, tick } = host(round);
    await tick();
    assert.equal(await waiting(round), 1);
    round.must(round.enter(cat, "cow"));
    await tick();
    assert.equal(journal.length, 1);
    assert.equal(await waiting(round), 0);
  });

  it("R12 when the result is being made results stand, and the picture is gone all the same", async () => {
    const round = played().at(600_000);
    await leaveOrder(redis, round.state.open.roundId, order("takedown"));
    const { journal, gone, tick } = host(round);
    await tick();
    assert.deepEqual(journal, []);
    assert.deepEqual(gone, [frog]);
    assert.equal(await waiting(round), 0);
    const view = new RoundView();
    projectOpening(view, round.state);
    project(view, round.state, round.now);
    projectTakenDown(view, round.state, frog);
    project(view, round.state, round.now);
    const meme = view.memes.get(frog);
    assert.deepEqual([meme?.title, meme?.image, meme?.takenDown], ["", "", false]);
  });

  it("R12 hidden and shown again, in the order they were said", async () => {
    const round = played();
    const { tick } = host(round);
    for (const kind of ["hide", "unhide", "hide"] as const)
      await leaveOrder(redis, round.state.open.roundId, order(kind));
    await tick();
    assert.equal(round.state.memes.get(frog)?.hidden, true);
    await leaveOrder(redis, round.state.open.roundId, order("unhide"));
    await tick();
    assert.equal(round.state.memes.get(frog)?.hidden, false);
  });

  it("C6 live state and snapshot lose title and picture; the archive has neither", () => {
    const round = played();
    const view = new RoundView();
    projectOpening(view, round.state);
    project(view, round.state, round.now);
    assert.equal(view.memes.get(frog)?.title, "The frog");
    round.must(order("takedown"));
    project(view, round.state, round.now);
    const meme = view.memes.get(frog);
    assert.deepEqual([meme?.title, meme?.image, meme?.takenDown], ["", "", true]);
    const [inSnapshot] = snapshotOf(view, round.state, "room", "ab".repeat(32)).memes;
    assert.deepEqual([inSnapshot?.title, inSnapshot?.image, inSnapshot?.takenDown], ["", "", true]);
    round.end();
    assert.ok(!JSON.stringify(archivedOf(round.state)).includes("The frog"));
  });
});

describe("what round pages leave out", () => {
  const finished = (report = false): RoundDetail => {
    const round = played();
    if (report) round.must({ kind: "report", playKey: ann.playKey, memeId: memeIdOf("dog") });
    round.end();
    const model = { memeId: frog, glb: "/media/a", poster: "/media/b", turntable: "/media/c" };
    const archived = archivedOf(round.state);
    const memesRanked = archived.memesRanked.map((meme) =>
      meme.memeId === frog ? { ...meme, model: { ...model, provider: "local" as const } } : meme,
    );
    return { ...archived, memesRanked, settlement: "sent", txids: [], settled: [] };
  };
  const find = (round: RoundDetail, memeId: string) => round.memesRanked.find((one) => one.memeId === memeId);

  it("C6 title, picture and model of what was taken down, also where it won; sums and ranks stand", () => {
    const before = finished();
    const after = covered(before, new Map([[frog, "taken"]]));
    assert.ok(!/The frog|"\/media\//.test(JSON.stringify(after).replaceAll(`/media/${memeIdOf("dog")}`, "")));
    const [was, is] = [find(before, frog), find(after, frog)];
    assert.deepEqual([is?.rank, is?.winner, is?.boostSats, is?.takenDown], [was?.rank, true, 500, true]);
    assert.deepEqual(after.payouts, before.payouts);
    assert.deepEqual(find(after, memeIdOf("dog")), find(before, memeIdOf("dog")));
  });

  it("R12 hidden and reported memes are blurred there, shown ones are not", () => {
    const dog = memeIdOf("dog");
    const plain = finished();
    assert.equal(find(plain, dog)?.blurred, undefined);
    assert.equal(find(covered(plain, new Map([[dog, "hidden"]])), dog)?.blurred, true);
    const reported = finished(true);
    assert.equal(find(covered(reported, new Map()), dog)?.blurred, true);
    assert.equal(find(covered(reported, new Map([[dog, "shown"]])), dog)?.blurred, undefined);
  });

  it("C6 the snapshot of a second ago shows what was decided since", () => {
    const round = played();
    const view = new RoundView();
    projectOpening(view, round.state);
    project(view, round.state, round.now);
    const snapshot: Snapshot = snapshotOf(view, round.state, "room", "ab".repeat(32));
    const [gone, hidden] = coveredSnapshot(
      snapshot,
      new Map([
        [frog, "taken"],
        [memeIdOf("dog"), "hidden"],
      ]),
    ).memes;
    assert.deepEqual([gone?.title, gone?.image, gone?.takenDown, gone?.boostSats], ["", "", true, 500]);
    assert.deepEqual([hidden?.title, hidden?.blurred], ["The dog", true]);
  });

  it("C6 the journal loses the title, of one taken down in it or later, and still verifies", () => {
    const round = played(REAL);
    round.must(order("takedown"));
    round.end();
    assert.deepEqual(enteredOf(round.entries), [frog, memeIdOf("dog")]);
    const now = withoutTitles(round.entries, new Set());
    assert.ok(!JSON.stringify(now).includes("The frog"));
    assert.ok(JSON.stringify(now).includes("The dog"));
    const later = withoutTitles(round.entries, new Set([memeIdOf("dog")]));
    assert.ok(!JSON.stringify(later).includes("The "));
    const verdict = verifyJournal(
      later.map((entry) => entrySchema.parse(JSON.parse(JSON.stringify(entry)))),
      REAL.verify,
    );
    assert.deepEqual(verdict.ok, true);
    assert.equal(replay(later).head.hash, round.state.head.hash);
  });
});
