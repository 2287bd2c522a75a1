/** What is shown of a round: order, own figures, phases, what is not redrawn. */
import assert from "node:assert/strict";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import { createServerClock } from "../src/app/clock.ts";
import { finishedVm, isComplete } from "../src/app/finished.ts";
import { figuresOf, type MemeState, type RoundStateLike, roundVm } from "../src/app/round-view.ts";
import { detailOf, snapshotFor, youOf } from "./support.ts";

const snapshot: Snapshot = snapshotFor("main-1000");
const me = "02".padEnd(66, "a");

const meme = (memeId: string, rank: number, order: number, change: Partial<MemeState> = {}): MemeState => ({
  memeId,
  title: memeId,
  image: `/media/${memeId}`,
  boostSats: 0,
  score: 0,
  backers: 0,
  rank,
  order,
  blurred: false,
  takenDown: false,
  creator: "",
  ...change,
});

const stateOf = (memes: MemeState[], change: Partial<RoundStateLike> = {}): RoundStateLike => ({
  roundId: "main-1000",
  phase: "open",
  opensAt: 1_000_000,
  blindAt: 1_570_000,
  closesAt: 1_600_000,
  serverTime: 1_000_500,
  pot: 0,
  carryIn: 0,
  entryPrice: 1_000,
  seatFee: 30,
  players: 1,
  spectators: 3,
  memes: new Map(memes.map((one) => [one.memeId, one])),
  ...change,
});

const base = { snapshot, playKey: me, chat: [], connected: "live", role: "player" } as const;

describe("round view", () => {
  it("E5 orders memes by rank, unranked ones last by entry", () => {
    const state = stateOf([meme("c", 0, 1), meme("b", 2, 2), meme("a", 1, 3), meme("d", 0, 4)]);
    const view = roundVm({ ...base, state }, undefined);
    assert.deepEqual(
      view.memes.map(({ memeId }) => memeId),
      ["a", "b", "c", "d"],
    );
  });

  it("R6 knows its own meme from `you` while creators are anonymous", () => {
    const state = stateOf([meme("a", 1, 1), meme("b", 2, 2)]);
    const you = youOf(me, { entries: ["b"], boosts: { a: 70 } });
    const [first, second] = roundVm({ ...base, state, you }, undefined).memes;
    assert.deepEqual([first?.mine, first?.myBoostSats, second?.mine], [false, 70, true]);
  });

  it("keeps the object of a meme that did not change", () => {
    const before = roundVm({ ...base, state: stateOf([meme("a", 1, 1), meme("b", 2, 2)]) }, undefined);
    const after = roundVm(
      { ...base, state: stateOf([meme("a", 1, 1, { boostSats: 10 }), meme("b", 2, 2)]) },
      before,
    );
    assert.notEqual(after.memes[0], before.memes[0]);
    assert.equal(after.memes[1], before.memes[1]);
  });

  it("shows a model as soon as it is there", () => {
    const before = roundVm({ ...base, state: stateOf([meme("a", 1, 1)]) }, undefined);
    const model = { glb: "/g", poster: "/p", turntable: "/t", provider: "aitubo" };
    const after = roundVm({ ...base, state: stateOf([meme("a", 1, 1, { model })]) }, before);
    assert.deepEqual(after.memes[0]?.model, model);
  });

  it("falls back on the snapshot without a room", () => {
    const view = roundVm({ ...base, connected: "polling" }, undefined);
    assert.equal(view.phase, "open");
    assert.equal(view.pot, snapshot.pot);
    assert.equal(view.memes.length, snapshot.memes.length);
  });

  it("E12 leaves deposits less vouchers less one seat fee for each deposit", () => {
    const deposits = [5_000, 2_000].map((sats, vout) => ({ txid: "00".repeat(32), vout, sats }));
    assert.equal(figuresOf(youOf(me, { deposits, spent: 1_500 }), 30).inRoundSats, 5_440);
    assert.equal(figuresOf(undefined, 30).inRoundSats, 0);
  });

  it("marks own chat lines", () => {
    const chat = [
      { seq: 1, playKey: me, at: 1, text: "x" },
      { seq: 2, playKey: "other", at: 2, text: "y" },
    ];
    assert.deepEqual(
      roundVm({ ...base, chat }, undefined).chat.map(({ mine }) => mine),
      [true, false],
    );
  });
});

describe("finished round", () => {
  it("E9 adds what was won and what comes back", () => {
    const detail = detailOf("main-1000", { payouts: [{ playKey: me, won: 900, returned: 100 }] });
    const { myPayoutSats, myWonSats } = finishedVm(detail, me);
    assert.deepEqual({ myPayoutSats, myWonSats }, { myPayoutSats: 1_000, myWonSats: 900 });
  });

  it("is followed until it is paid and every winner has its model", () => {
    const winner = {
      memeId: "aa".repeat(32),
      title: "",
      image: "",
      rank: 1,
      winner: true,
      boostSats: 1,
      backers: 1,
    };
    const model = { memeId: winner.memeId, glb: "", poster: "", turntable: "", provider: "local" as const };
    const payouts = [{ playKey: me, won: 1, returned: 0 }];
    const waiting = detailOf("main-1000", { payouts, settlement: "sent", memesRanked: [winner] });
    assert.equal(isComplete(waiting), false);
    assert.equal(isComplete({ ...waiting, memesRanked: [{ ...winner, model }] }), true);
    assert.equal(
      isComplete({ ...waiting, memesRanked: [{ ...winner, model }], settlement: "pending" }),
      false,
    );
  });
});

describe("server clock", () => {
  it("goes by the message that was delayed least", () => {
    let local = 1_000;
    const clock = createServerClock({ now: () => local });
    clock.heard(5_900); // 100 ms on its way
    local += 1_000;
    clock.heard(6_990); // 10 ms on its way
    local += 1_000;
    clock.heard(7_500); // half a second on its way
    assert.equal(clock.now(), 7_990);
  });
});
