/** The pace of a load and the growth of a soak: counted right, on a clock of the test's own. */
import assert from "node:assert/strict";
import { atPace } from "../src/players/pace.ts";
import { Lowest, metricOf } from "../src/soak/gauges.ts";
import { slopeOf, steadyPart } from "../src/soak/growth.ts";

function clock(stepMs: (at: number) => number) {
  let now = 100;
  let rests = 0;
  return {
    now: () => now,
    rest: async () => {
      now += stepMs(rests++);
    },
  };
}

describe("an even pace", () => {
  it("does all of them, each due at its own time", async () => {
    const due: number[] = [];
    const done = await atPace(
      { rate: 500, seconds: 2 },
      { ...clock(() => 1), signal: new AbortController().signal },
      (index, dueAt) => {
        assert.equal(index, due.length);
        due.push(dueAt);
      },
    );
    assert.equal(done, 1_000);
    for (const [index, at] of due.entries()) assert.equal(at, 100 + index * 2);
  });

  it("makes up for a stall, and tells the times at which they were due, not done", async () => {
    const waits: number[] = [];
    const time = clock((at) => (at === 10 ? 400 : 1));
    await atPace({ rate: 100, seconds: 1 }, { ...time, signal: new AbortController().signal }, (_, dueAt) =>
      waits.push(time.now() - dueAt),
    );
    assert.equal(waits.length, 100);
    assert.ok(Math.max(...waits) > 380, "who was due in the stall waited");
    assert.equal(waits.filter((ms) => ms > 20).length, 37);
  });

  it("stops when it is told to", async () => {
    const ending = new AbortController();
    const done = await atPace(
      { rate: 100, seconds: 1 },
      { ...clock(() => 1), signal: ending.signal },
      (index) => index === 49 && ending.abort(),
    );
    assert.equal(done, 50);
  });
});

describe("growth of a soak", () => {
  it("is the slope of what grows, whatever a few wild values say", () => {
    const steady = Array.from({ length: 21 }, (_, at) => 500 + at * 3 + (at % 7 === 3 ? 900 : 0));
    assert.equal(slopeOf(steady), 3);
    assert.equal(slopeOf([7, 7, 7, 7]), 0);
    assert.equal(slopeOf([9, 7]), -2);
    assert.ok(Number.isNaN(slopeOf([1])));
  });

  it("is judged over the second half: warming up is no growth", () => {
    const values = [
      ...Array.from({ length: 10 }, (_, at) => at * 100),
      ...Array.from({ length: 10 }, () => 1_000),
    ];
    assert.equal(slopeOf(steadyPart(values)), 0);
    assert.equal(steadyPart([1, 2, 3]).length, 2);
  });

  it("keeps the lower edge of a sawtooth, once", () => {
    const heap = (value: number) => ({ name: "heap", value, unit: "bytes" });
    const lowest = new Lowest();
    for (const value of [90, 40, 70, 55]) lowest.see([heap(value), { name: "other", value: 1, unit: "" }]);
    assert.deepEqual(lowest.take()[0], heap(40));
    lowest.see([heap(88)]);
    assert.deepEqual(lowest.take(), [heap(88)]);
  });

  it("reads a line of the metrics, labelled or not, and none that only begins alike", () => {
    const text = '# HELP a b\nheap_used_more 5\nheap_used{process="game"} 1.5e+6\nplain 12\n';
    assert.equal(metricOf(text, "heap_used"), 1_500_000);
    assert.equal(metricOf(text, "plain"), 12);
    assert.equal(metricOf(text, "heap"), undefined);
  });
});
