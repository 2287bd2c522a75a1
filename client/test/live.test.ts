/** The live round on a page: which round began, and which was here before it. */
import assert from "node:assert/strict";
import { createServerClock } from "../src/app/clock.ts";
import { createLive, type LiveDeps } from "../src/app/live.ts";
import { failure } from "../src/app/model.ts";
import { createStore } from "../src/app/store.ts";
import { createTestTime, snapshotFor } from "./support.ts";

describe("the live round", () => {
  it("each round that begins is told once, with the one that was here until then", async () => {
    const time = createTestTime(1_000_000);
    const began: [string, string | undefined][] = [];
    let snapshot = snapshotFor("main-1000");
    const deps = {
      api: {
        current: async () => ({ ok: true as const, data: snapshot }),
        seat: async () => failure("UNAVAILABLE", "no seat"),
      },
      rooms: {
        play: () => Promise.reject(new Error("nobody plays here")),
        spectate: () => Promise.reject(new Error("nobody watches here")),
      },
      store: createStore(),
      clock: createServerClock({ now: time.now }),
      receipts: { take: () => true, of: () => [] },
      heads: { take: () => true, of: () => [], keyOf: () => undefined },
      wallet: { key: () => undefined, pending: () => [], settled: () => undefined },
      wantsToPlay: () => false,
      refused: () => undefined,
      token: async () => undefined,
      after: time.after,
      frame: () => undefined,
      random: () => 0.5,
      newRef: () => "",
      notice: () => undefined,
      heardServer: () => undefined,
      signedOut: () => undefined,
      onRound: (round, seen) => began.push([round.roundId, seen]),
    } satisfies LiveDeps;
    const live = createLive(deps);
    live.start();
    await time.pass(5_000);
    snapshot = snapshotFor("main-1600");
    await time.pass(5_000);
    live.stop();
    assert.deepEqual(began, [
      ["main-1000", undefined],
      ["main-1600", "main-1000"],
    ]);
  });
});
