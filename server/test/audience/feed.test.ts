/** Batch, pace and feed without sockets: whatever comes, when it leaves, everybody ends with the last value, in order. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { createFeed } from "../../src/audience/feed.ts";
import { AT_ROOT, type Stand } from "../../src/audience/mirror.ts";
import { ChatSample, flushMs, Pace, rushMs } from "../../src/audience/pace.ts";
import { TAP_KIND } from "../../src/infra/tap-format.ts";

/**
 * A round whose state is what was added to it, one byte each. Patches are [15, n], a whole state is [14, all the bytes],
 * messages are [13, n]; bytes stay clear of those that mark the root. Sending to everybody takes `sendMs`.
 */
function world(spectators: number, stateBytes: number, sendMs = 0, arrivals = 0) {
  const clock = { now: 0 };
  const timers: { at: number; run: () => void }[] = [];
  const truth: number[] = [];
  const sent: { at: number; frames: readonly Buffer[] }[] = [];
  let shown: readonly Buffer[] = [Buffer.from([14])];
  const after = (ms: number, run: () => void): (() => void) => {
    const timer = { at: clock.now + ms, run };
    timers.push(timer);
    return () => {
      timers.splice(timers.indexOf(timer), 1);
    };
  };
  const feed = createFeed({
    now: () => clock.now,
    after,
    stand(): Stand {
      const whole = [Buffer.from([14, ...truth])];
      return { stateBytes: stateBytes + truth.length, frames: () => whole };
    },
    everyMs: () => flushMs(spectators),
    restMs: (tookMs) => rushMs(arrivals, tookMs),
    spectators: () => spectators,
    show: (stand) => {
      shown = stand.frames();
    },
    send(frames, done) {
      sent.push({ at: clock.now, frames });
      if (sendMs === 0) done();
      else after(sendMs, done);
    },
    leftOut: () => undefined,
  });
  const moveTo = (at: number): void => {
    for (let due = timers.filter((one) => one.at <= at); due[0]; due = timers.filter((one) => one.at <= at)) {
      due.sort((left, right) => left.at - right.at);
      const [next] = due;
      timers.splice(timers.indexOf(next), 1);
      clock.now = Math.max(clock.now, next.at);
      next.run();
    }
    clock.now = at;
  };
  return { clock, feed, truth, sent, moveTo, shown: () => shown };
}

/** What a client holds after these frames. */
function follow(state: number[], frames: readonly Buffer[], messages: number[] = []): number[] {
  let held = [...state];
  for (const frame of frames) {
    const [kind, ...rest] = frame;
    if (kind === 13) messages.push(...rest);
    else {
      if (kind === 14) held = [];
      for (let at = 0; at < rest.length; at++) {
        if (rest[at] === AT_ROOT[0]) at++;
        else held.push(rest[at] as number);
      }
    }
  }
  return held;
}

const step = fc.record({
  ms: fc.integer({ min: 0, max: 400 }),
  what: fc.constantFrom("patch", "patch", "patch", "message", "resync", "join"),
  value: fc.integer({ min: 1, max: 200 }),
});

describe("audience feed", () => {
  it("brings everybody the last value and every message in order, whoever joins when, never faster than its rate or than it can send", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120 }),
        fc.constantFrom(1, 3_000, 20_000),
        fc.constantFrom(0, 10_000),
        fc.constantFrom(0, 0, 30, 2_500),
        (steps, spectators, stateBytes, sendMs) => {
          const { feed, truth, sent, moveTo, clock, shown } = world(spectators, stateBytes, sendMs);
          const said: number[] = [];
          const joins = [{ from: 0, state: [] as number[] }];
          for (const { ms, what, value } of steps) {
            moveTo(clock.now + ms);
            if (what === "join") joins.push({ from: sent.length, state: follow([], shown()) });
            else if (what === "message") {
              said.push(value);
              feed.forward(Buffer.from([13, value]), TAP_KIND.message);
            } else {
              truth.push(value);
              if (what === "patch") feed.forward(Buffer.from([15, value]), TAP_KIND.patch);
              else feed.resync(Buffer.from([14, ...truth]));
            }
          }
          moveTo(clock.now + flushMs(spectators) + 2 * sendMs);
          for (const { from, state } of joins) {
            const frames = sent.slice(from).flatMap((one) => one.frames);
            assert.deepEqual(follow(state, frames), truth);
          }
          const heard: number[] = [];
          follow(
            [],
            sent.flatMap(({ frames }) => frames),
            heard,
          );
          assert.deepEqual(heard, said);
          const every = flushMs(spectators);
          for (const [index, { at }] of sent.entries()) {
            const before = sent.slice(0, index);
            assert.ok(before.every((one, n) => at - one.at >= (index - n - 0.75) * every - 1e-6));
            assert.ok(at - (before.at(-1)?.at ?? Number.NEGATIVE_INFINITY) >= sendMs);
          }
        },
      ),
    );
  });

  it("sends at once after a pause, then joins what comes too early", () => {
    const { feed, sent, moveTo, truth } = world(20_000, 1_000);
    moveTo(5_000);
    for (const value of [1, 2, 3]) {
      truth.push(value);
      feed.forward(Buffer.from([15, value]), TAP_KIND.patch);
    }
    moveTo(5_249);
    assert.deepEqual(sent, [{ at: 5_000, frames: [Buffer.from([15, 1])] }]);
    moveTo(5_250);
    assert.deepEqual(sent[1], { at: 5_250, frames: [Buffer.from([15, 2, 255, 0, 3])] });
    feed.forward(Buffer.from([15, 4]), TAP_KIND.patch);
    moveTo(6_249);
    assert.equal(sent.length, 2);
    moveTo(6_250);
    assert.equal(sent.length, 3);
  });

  it("is not late for good where it was late once: the round shows itself once a second, and so does a full relay", () => {
    const { feed, sent, moveTo, truth } = world(20_000, 1_000);
    for (let second = 1; second <= 20; second++) {
      // The third comes late: the process had something else to do.
      moveTo(second * 1_000 + (second === 3 ? 700 : 0));
      truth.push(second);
      feed.forward(Buffer.from([15, second]), TAP_KIND.patch);
    }
    moveTo(21_000);
    assert.deepEqual(
      sent.map(({ at }) => at),
      Array.from({ length: 20 }, (_, index) => (index === 2 ? 3_700 : (index + 1) * 1_000)),
    );
  });

  it("O8: in a rush a flush that took long is followed by a longer pause, at most four seconds; a quick one is not", () => {
    const gapOf = (sendMs: number, arrivals: number): number => {
      const { feed, sent, moveTo, clock, truth } = world(20_000, 1_000, sendMs, arrivals);
      moveTo(10_000);
      for (let n = 0; n < 40; n++) {
        truth.push(1);
        feed.forward(Buffer.from([15, 1]), TAP_KIND.patch);
        moveTo(clock.now + 200);
      }
      return (sent[1]?.at ?? 0) - (sent[0]?.at ?? 0);
    };
    assert.deepEqual([gapOf(600, 0), gapOf(600, 2)], [600, 600]);
    assert.deepEqual([gapOf(600, 3), gapOf(1_900, 500), gapOf(50, 500)], [1_800, 4_000, 250]);
  });

  it("keeps a message in its place among patches, and sends the whole state where patches are longer", () => {
    for (const [stateBytes, expected] of [
      [
        100,
        [
          [15, 2],
          [13, 7],
          [15, 3, 255, 0, 4],
        ],
      ],
      [
        -3,
        [
          [14, 1, 2, 3, 4],
          [13, 7],
        ],
      ],
    ] as const) {
      const { feed, sent, moveTo, truth } = world(1, stateBytes);
      const patch = (value: number): void => {
        truth.push(value);
        feed.forward(Buffer.from([15, value]), TAP_KIND.patch);
      };
      patch(1);
      patch(2);
      feed.forward(Buffer.from([13, 7]), TAP_KIND.message);
      patch(3);
      patch(4);
      moveTo(100);
      assert.deepEqual(
        sent[1]?.frames,
        expected.map((bytes) => Buffer.from(bytes)),
      );
    }
  });

  it("passes on all of the chat in a small round, some lines a second in a large one, and every other message", () => {
    for (const [spectators, most] of [
      [50, 1_000],
      [5_000, 10 + 5 * 10],
    ] as const) {
      const { feed, sent, moveTo } = world(spectators, 1_000);
      for (let i = 0; i < 1_000; i++) {
        moveTo(i * 10);
        feed.forward(Buffer.from([13, 1]), TAP_KIND.line);
        if (i % 100 === 0) feed.forward(Buffer.from([13, 2]), TAP_KIND.message);
      }
      moveTo(20_000);
      const heard: number[] = [];
      follow(
        [],
        sent.flatMap(({ frames }) => frames),
        heard,
      );
      assert.equal(heard.filter((value) => value === 2).length, 10);
      const lines = heard.filter((value) => value === 1).length;
      assert.ok(lines <= most && lines >= most - 2, `${lines} lines`);
    }
  });

  it("writes ten times a second to a handful, once to a full relay, and no more than it can afford between", () => {
    assert.deepEqual(
      [flushMs(0), flushMs(1_500), flushMs(7_500), flushMs(15_000), flushMs(90_000)],
      [100, 100, 500, 1_000, 1_000],
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100_000 }),
        fc.integer({ min: 0, max: 100_000 }),
        (one, other) => {
          assert.ok(flushMs(Math.max(one, other)) >= flushMs(Math.min(one, other)));
        },
      ),
    );
    const pace = new Pace();
    pace.written(10_000, 1_000);
    assert.equal(pace.wait(10_100, 1_000), 150);
    assert.equal(pace.wait(10_100, 1_000, 700), 600);
    // A clock that was set back holds nothing up.
    assert.equal(pace.wait(5_000, 1_000), 0);
    assert.equal(new ChatSample().take(0, 10_000), true);
  });
});
