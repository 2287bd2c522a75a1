/** When a room shows what has changed, by a clock that is passed in. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Pulse } from "../../src/round/pulse.ts";

const LEAST = 100;
const IDLE = 1_000;

/** A pulse over virtual time. */
function rig() {
  let now = 0;
  const timers = new Set<{ at: number; run(): void }>();
  const beats: { at: number; dueAt: number }[] = [];
  const pulse = new Pulse(
    { leastMs: () => LEAST, idleMs: IDLE },
    {
      clock: () => now,
      after(ms, run) {
        const timer = { at: now + ms, run };
        timers.add(timer);
        return () => timers.delete(timer);
      },
      beat: (dueAt) => beats.push({ at: now, dueAt }),
    },
  );
  const next = (until: number) => [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  const runTo = (until: number): void => {
    for (let timer = next(until); timer !== undefined; timer = next(until)) {
      now = Math.max(now, timer.at);
      timers.delete(timer);
      timer.run();
    }
    now = until;
  };
  return { pulse, beats, timers, runTo, stall: (ms: number) => (now += ms) };
}

describe("pulse", () => {
  it("shows a change at once where it was quiet, and once a second where nothing changes", () => {
    const { pulse, beats, runTo } = rig();
    pulse.start();
    runTo(450);
    pulse.changed();
    runTo(2_460);
    assert.deepEqual(
      beats.map(({ at }) => at),
      [0, 450, 1_450, 2_450],
    );
  });

  it("shows many changes ten times a second, the last one always", () => {
    const { pulse, beats, runTo } = rig();
    pulse.start();
    for (let at = 500; at < 1_000; at += 7) {
      runTo(at);
      pulse.changed();
    }
    runTo(1_500);
    assert.deepEqual(
      beats.map(({ at }) => at),
      [0, 500, 600, 700, 800, 900, 1_000],
    );
  });

  it("says when a beat should have come, also when it came late", () => {
    const { pulse, beats, runTo, stall } = rig();
    pulse.start();
    runTo(50);
    pulse.changed();
    stall(300);
    runTo(350);
    assert.deepEqual(beats.at(-1), { at: 350, dueAt: 100 });
  });

  it("is silent before its start and after its end", () => {
    const { pulse, beats, timers, runTo } = rig();
    pulse.changed();
    pulse.start();
    runTo(10);
    pulse.stop();
    pulse.changed();
    runTo(5_000);
    assert.equal(beats.length, 1);
    assert.equal(timers.size, 0);
  });

  it("property: never closer than the least gap, never further apart than the greatest, no change unseen", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 40 }), (gaps) => {
        const { pulse, beats, runTo } = rig();
        pulse.start();
        let at = 0;
        const changes = gaps.map((gap) => {
          at += gap;
          runTo(at);
          pulse.changed();
          return at;
        });
        runTo(at + 3_000);
        const times = beats.map((beat) => beat.at);
        times.slice(1).forEach((time, i) => {
          const gap = time - (times[i] ?? 0);
          assert.ok(gap >= LEAST && gap <= IDLE, `${gap} ms`);
        });
        for (const change of changes)
          assert.ok(
            times.some((time) => time >= change && time <= change + LEAST),
            `a change at ${change} was not shown`,
          );
      }),
      { numRuns: 200 },
    );
  });
});
