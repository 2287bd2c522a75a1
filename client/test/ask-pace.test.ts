/** How often pages ask for a round that has ended: spread, waiting longer, soon enough (O8). */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Asked, waitMs } from "../src/app/ask-pace.ts";

const MINUTE = 60_000;
const heard = fc.constantFrom("live", "part", "unknown", "failed");
/** The longest, the shortest and the middle wait. */
const spreadOf = (asked: Asked): (number | undefined)[] => [0, 0.5, 1].map((random) => waitMs(asked, random));

describe("how often a finished round is asked for", () => {
  it("who saw it end asks first when there can be something, and not together with all the others", () => {
    assert.deepEqual(spreadOf({ heard: "ended", times: 1, ageMs: 0 }), [500, 1_500, 2_500]);
  });

  it("while it is not there, or not whole, the wait is a share of the time it took so far, within bounds", () => {
    for (const kind of ["live", "part"] as const) {
      const at = (ageMs: number) => waitMs({ heard: kind, times: 7, ageMs }, 0.5);
      assert.deepEqual(
        [0, 8_000, 20_000, 40_000, MINUTE, 19 * MINUTE].map(at),
        [2_000, 2_000, 5_000, 10_000, 15_000, 15_000],
      );
    }
    assert.deepEqual(spreadOf({ heard: "live", times: 1, ageMs: 20_000 }), [2_500, 5_000, 7_500]);
  });

  it("a failure waits twice as long each time, up to a bound", () => {
    const after = (times: number) => waitMs({ heard: "failed", times, ageMs: 1_000 }, 0.5);
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6, 1_000].map(after),
      [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000],
    );
  });

  it("a round nobody knows is asked for three times in all, one that is whole not again, anything for 20 minutes", () => {
    const unknown = (times: number) => waitMs({ heard: "unknown", times, ageMs: 10_000 }, 0.5);
    assert.deepEqual([1, 2, 3].map(unknown), [4_000, 8_000, undefined]);
    assert.equal(waitMs({ heard: "whole", times: 1, ageMs: 0 }, 0.5), undefined);
    for (const kind of ["live", "part", "failed"] as const)
      assert.equal(waitMs({ heard: kind, times: 1, ageMs: 20 * MINUTE + 1 }, 0.5), undefined);
  });

  it("the server's own wish is the least, within a minute, and is spread too", () => {
    const asked = { heard: "live", times: 1, ageMs: 0 } as const;
    assert.deepEqual(spreadOf({ ...asked, retryAfterMs: 1_000 }), [1_000, 2_000, 3_000]);
    assert.deepEqual(spreadOf({ ...asked, retryAfterMs: 10_000 }), [10_000, 11_000, 12_000]);
    assert.deepEqual(spreadOf({ ...asked, retryAfterMs: 3_600_000 }), [60_000, 61_000, 62_000]);
  });

  it("always: at least a second, spread over as long again, more than two minutes never", () => {
    fc.assert(
      fc.property(
        heard,
        fc.integer({ min: 1, max: 2_000 }),
        fc.integer({ min: 0, max: 20 * MINUTE }),
        fc.option(fc.integer({ min: 0, max: 10 * MINUTE }), { nil: undefined }),
        (kind, times, ageMs, retryAfterMs) => {
          const [least, , most] = spreadOf({ heard: kind, times, ageMs, retryAfterMs });
          if (kind === "unknown" && times >= 3) return assert.equal(least, undefined);
          assert.ok(least !== undefined && most !== undefined);
          assert.ok(least >= 1_000 && most <= 2 * MINUTE && most - least >= 2_000);
        },
      ),
    );
  });

  describe("a crowd that saw the round end", () => {
    const PAGES = 2_000;
    /** Each page's asks, ms after the end, until the first that brings the result. */
    const asksOf = (availableAt: number): number[][] => {
      let seed = 1;
      // A small generator of its own: a crowd is the same in every run.
      const random = (): number => {
        seed = (seed * 48_271) % 2_147_483_647;
        return seed / 2_147_483_647;
      };
      return Array.from({ length: PAGES }, () => {
        const asks = [waitMs({ heard: "ended", times: 1, ageMs: 0 }, random()) ?? 0];
        for (let at = asks[0] ?? 0; at < availableAt; asks.push(at))
          at +=
            waitMs({ heard: "live", times: asks.length, ageMs: at, retryAfterMs: 1_000 }, random()) ??
            Infinity;
        return asks;
      });
    };

    for (const [availableAt, latest, most] of [
      [1_000, 3_000, 2],
      [5_000, 3_000, 5],
      [10_000, 4_000, 8],
      [20_000, 8_000, 12],
    ] as const)
      it(`has a result of ${availableAt / 1_000} s within ${latest / 1_000} s more, for ${most} questions at most`, () => {
        const asks = asksOf(availableAt);
        assert.ok(Math.max(...asks.map((one) => one.at(-1) ?? Infinity)) <= availableAt + latest);
        assert.ok(Math.max(...asks.map(({ length }) => length)) <= most);
        const perTenth = new Map<number, number>();
        for (const at of asks.flat()) {
          const tenth = Math.floor(at / 100);
          perTenth.set(tenth, (perTenth.get(tenth) ?? 0) + 1);
        }
        assert.ok(Math.max(...perTenth.values()) < PAGES / 12, "nobody asks in step with the others");
      });
  });
});
