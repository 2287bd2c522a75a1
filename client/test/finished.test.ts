/** Which finished round a page asks for, and until when: against an API that is written out here (O8). */
import assert from "node:assert/strict";
import type { ErrorCode } from "@meme-rounds/shared-schema/errors";
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import { createFinished } from "../src/app/finished.ts";
import { failure, type WalletEventVm } from "../src/app/model.ts";
import { createStore } from "../src/app/store.ts";
import type { Answered } from "../src/net/http.ts";
import { createTestTime, detailOf } from "./support.ts";

const MINUTE = 60_000;
const PLAYER = "02".padEnd(66, "a");

function stage() {
  const time = createTestTime();
  const store = createStore();
  const paid: WalletEventVm[] = [];
  /** When which round was asked for, ms. */
  const asked: [string, number][] = [];
  const world = {
    answer: failure("ROUND_UNKNOWN", "none") as Answered<RoundDetail>,
    rounds: [] as string[],
    lists: 0,
    random: 0.5,
  };
  const begunAt = time.now();
  const finished = createFinished({
    api: {
      round: async (roundId) => {
        asked.push([roundId, time.now() - begunAt]);
        const { answer } = world;
        return answer.ok ? { ok: true, data: { ...answer.data, roundId } } : answer;
      },
      rounds: async () => {
        world.lists++;
        return { ok: true, data: { rounds: world.rounds.map((roundId) => detailOf(roundId)) } };
      },
      gallery: async () => failure("OFFLINE", "no"),
    },
    store,
    playKey: () => PLAYER,
    now: time.now,
    after: time.after,
    random: () => world.random,
    paid: (event) => paid.push(event),
  });
  const refuse = (code: ErrorCode | "OFFLINE", retryAfterMs?: number): void => {
    world.answer = { ...failure(code, code), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  };
  const shown = () => store.getState().finished.view?.detail;
  return { time, world, finished, asked, paid, refuse, shown };
}

const WHOLE: Answered<RoundDetail> = { ok: true, data: detailOf("", { settlement: "sent" }) };
const UNPAID: Answered<RoundDetail> = {
  ok: true,
  data: detailOf("", { payouts: [{ playKey: PLAYER, won: 5, returned: 2 }] }),
};

describe("following a finished round", () => {
  it("O8: where there was no round before, none is asked for", async () => {
    const { finished, asked, time } = stage();
    finished.roundBegan({}, undefined);
    await time.pass(20 * MINUTE);
    assert.deepEqual(asked, []);
  });

  it("the one that was here until now is asked for when its result can be there, and shown soon after it is", async () => {
    const { finished, asked, time, world, refuse, shown } = stage();
    refuse("ROUND_LIVE");
    finished.roundBegan({ before: "main-1" }, "main-1");
    await time.pass(1_499);
    assert.deepEqual(asked, []);
    await time.pass(4_000);
    assert.deepEqual(asked, [
      ["main-1", 1_500],
      ["main-1", 3_500],
    ]);
    world.answer = WHOLE;
    await time.pass(1);
    assert.equal(shown()?.roundId, "main-1");
    await time.pass(20 * MINUTE);
    assert.equal(asked.length, 3);
    assert.equal(world.lists, 1, "the list is read anew when the round is in it, once");
  });

  it("one that ended before the page came is asked for at once", async () => {
    const { finished, asked, time, world, shown } = stage();
    world.answer = WHOLE;
    finished.roundBegan({ before: "main-1" }, undefined);
    await time.pass(0);
    assert.deepEqual(asked, [["main-1", 0]]);
    assert.equal(shown()?.roundId, "main-1");
  });

  it("a server that names none: the one that was here is followed, nothing else", async () => {
    const { finished, asked, time, world } = stage();
    world.answer = WHOLE;
    finished.roundBegan({}, "main-1");
    await time.pass(MINUTE);
    assert.deepEqual(asked, [["main-1", 1_500]]);
  });

  it("a page that slept through some follows the newest one", async () => {
    const { finished, asked, time, world } = stage();
    world.answer = WHOLE;
    finished.roundBegan({ before: "main-3" }, "main-1");
    await time.pass(MINUTE);
    assert.deepEqual(asked, [["main-3", 0]]);
  });

  it("O8: one the server does not know is given up after a few tries", async () => {
    const { finished, asked, time } = stage();
    finished.roundBegan({ before: "main-1" }, "main-1");
    await time.pass(20 * MINUTE);
    assert.deepEqual(
      asked.map(([, at]) => at),
      [1_500, 5_500, 13_500],
    );
  });

  it("O8: no answer waits longer each time; the first one starts over", async () => {
    const { finished, asked, time, refuse } = stage();
    refuse("OFFLINE");
    finished.roundBegan({ before: "main-1" }, "main-1");
    await time.pass(31_500);
    assert.deepEqual(
      asked.map(([, at]) => at),
      [1_500, 3_500, 7_500, 15_500, 31_500],
    );
    refuse("ROUND_LIVE");
    await time.pass(32_000);
    asked.length = 0;
    refuse("UNAVAILABLE");
    await time.pass(2 * MINUTE);
    const gaps = asked.slice(1).map(([, at], before) => at - (asked[before]?.[1] ?? 0));
    assert.deepEqual(gaps.slice(0, 3), [2_000, 4_000, 8_000]);
  });

  it("the server's wish is kept: nobody asks before", async () => {
    const { finished, asked, time, refuse } = stage();
    refuse("RATE_LIMITED", 30_000);
    finished.roundBegan({ before: "main-1" }, "main-1");
    await time.pass(MINUTE);
    assert.deepEqual(
      asked.map(([, at]) => at),
      [1_500, 32_500],
    );
  });

  it("pages do not ask together", async () => {
    const times = await Promise.all(
      [0.013, 0.261, 0.517, 0.873].map(async (random) => {
        const { finished, asked, time, world, refuse } = stage();
        world.random = random;
        refuse("ROUND_LIVE", 1_000);
        finished.roundBegan({ before: "main-1" }, "main-1");
        await time.pass(6_000);
        return asked.map(([, at]) => at);
      }),
    );
    assert.equal(new Set(times.flat()).size, times.flat().length);
  });

  it("what is there is shown while the rest is awaited; a player learns of the payment", async () => {
    const { finished, asked, time, world, shown, paid } = stage();
    world.answer = UNPAID;
    finished.roundBegan({ before: "main-1" }, "main-1");
    await time.pass(8_000);
    assert.equal(shown()?.settlement, "pending");
    assert.deepEqual(
      asked.map(([, at]) => at),
      [1_500, 3_500, 5_500, 7_500],
    );
    const txid = "ab".repeat(32);
    const settled = [{ playKey: PLAYER, sats: 7, txid, vout: 0 }];
    world.answer = { ok: true, data: detailOf("", { ...UNPAID.data, settlement: "sent", settled }) };
    await time.pass(3_000);
    assert.deepEqual(
      paid.map(({ sats }) => sats),
      [7],
    );
    await time.pass(20 * MINUTE);
    assert.equal(asked.length, 5);
  });

  it("a newer round takes its place, also while an answer is under way; stopped, nothing is asked", async () => {
    const { finished, asked, time, refuse } = stage();
    refuse("ROUND_LIVE");
    finished.roundBegan({ before: "main-1" }, undefined);
    finished.roundBegan({ before: "main-2" }, undefined);
    finished.roundBegan({ before: "main-2" }, undefined);
    await time.pass(4_000);
    assert.deepEqual(
      asked.map(([roundId]) => roundId),
      ["main-2", "main-2", "main-2"],
    );
    finished.stop();
    await time.pass(20 * MINUTE);
    assert.equal(asked.length, 3);
  });

  it("the page opens with the newest of the list, unless that one is followed already", async () => {
    const { finished, asked, world, shown } = stage();
    world.answer = WHOLE;
    world.rounds = ["main-2", "main-1"];
    await finished.begin();
    assert.deepEqual([asked.length, shown()?.roundId], [1, "main-2"]);
    const other = stage();
    other.refuse("ROUND_LIVE");
    other.world.rounds = ["main-2"];
    other.finished.roundBegan({ before: "main-2" }, undefined);
    await other.finished.begin();
    await other.time.pass(0);
    assert.deepEqual(
      other.asked.map(([roundId]) => roundId),
      ["main-2"],
    );
  });
});
