/** What everybody is told of a round, and what each player alone. Rules R3, R6. */
import assert from "node:assert/strict";
import { RoundView } from "@meme-rounds/shared-schema/sync-state";
import { actor, TestRound } from "../../../shared-schema/test/support/round.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { inSlices } from "../../src/infra/slices.ts";
import { afterMs } from "../../src/round/pulse.ts";
import { RoundShow, type ShowDeps } from "../../src/round/show.ts";
import { TickMeter } from "../../src/round/tick-meter.ts";

const [ann, bob] = [actor("ann"), actor("bob")];
const payoutOf = (playKey: string) => ({ playKey, sats: 1_000, txid: "ab".repeat(32), vout: 0 });

function rig() {
  const round = new TestRound();
  round.must(round.deposit(ann, 50_000));
  const view = new RoundView();
  const time = { ms: 0 };
  const told: unknown[] = [];
  const sent: number[] = [];
  const show = new RoundShow(view, {
    directory: {} as never,
    payment: {} as never,
    audience: {} as never,
    meter: new TickMeter(),
    logger: createLogger("test", "silent"),
    now: () => round.now,
    clock: () => time.ms,
    after: afterMs,
    send: () => sent.push(view.serverTime),
    sockets: () => 0,
    tell: (_kind, body) => told.push(body),
    tellEach: (_kind, bodyOf) => told.push([ann, bob].map(({ playKey }) => bodyOf(playKey))),
  } satisfies ShowDeps);
  const begin = () =>
    show.begin({ open: round.state.open, read: async (look) => look(round.state) }, round.state, undefined);
  return { round, show, begin, told, sent, time };
}

describe("round show", () => {
  it("R3: all payouts of a usual round go to everybody, of a very large one each player's own to that player", () => {
    const { show, told } = rig();
    const few = [payoutOf(ann.playKey), payoutOf(bob.playKey)];
    show.settled({ state: "sent", txids: [], payouts: few });
    assert.deepEqual(told.pop(), { txids: [], payouts: few });
    const many = [...Array.from({ length: 200 }, (_, n) => payoutOf(`other ${n}`)), payoutOf(ann.playKey)];
    show.settled({ state: "sent", txids: ["t"], payouts: many });
    assert.deepEqual(told.pop(), [
      { txids: ["t"], payouts: [payoutOf(ann.playKey)] },
      { txids: ["t"], payouts: [] },
    ]);
  });

  it("a patch leaves right after its change, with the time of it; R6: none after a boost in the dark", async () => {
    const { round, show, begin, sent, time } = rig();
    round.must(round.enter(ann, "frog"));
    round.must(round.deposit(bob, 50_000));
    begin();
    await new Promise(setImmediate);
    assert.deepEqual(sent, [round.now]);
    round.at(575_000);
    const before = round.entries.length;
    round.must(round.boost(bob, "frog", 100));
    time.ms += 150; // the gap between two patches is over
    show.committed(round.entries.slice(before), round.state);
    await new Promise(setImmediate);
    assert.equal(sent.length, 1);
    show.takenDown("none");
    await new Promise(setImmediate);
    assert.deepEqual(sent.at(-1), round.now);
    assert.equal(sent.length, 2);
    show.end();
  });

  it("long work is done in slices, in order, and stops where it fails", async () => {
    const done: number[] = [];
    let pauses = 0;
    const pause = async () => void pauses++;
    await inSlices([1, 2, 3, 4, 5], 2, (n) => done.push(n), pause);
    assert.deepEqual([done, pauses], [[1, 2, 3, 4, 5], 2]);
    await assert.rejects(
      inSlices([1], 2, () => {
        throw new Error("no");
      }),
    );
  });
});
