/** I5: one process's count, and how far several of them together can go. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { LimitWindows } from "../../src/infra/limit-windows.ts";
import { KICK_FACTOR, type LimitRule } from "../../src/infra/limits.ts";

const rule = (over: Partial<LimitRule> = {}): LimitRule => ({
  name: "test",
  points: 10,
  seconds: 10,
  ...over,
});

/** The count that all processes share, without Redis. */
class Shared {
  consumed = 0;
  settlements = 0;
  settle(due: number) {
    this.settlements++;
    this.consumed += due;
    return { consumed: this.consumed, msLeft: 5_000 };
  }
}

function take(windows: LimitWindows, shared: Shared, one: LimitRule, now = 0) {
  const taken = windows.take("who", one, 1, now);
  if ("standing" in taken) return taken.standing;
  return windows.settled("who", one, 1, shared.settle(taken.due), now);
}

describe("limit windows", () => {
  it("I5: exactly the limit is let in, then limit, then kick at five times as much, then kick until it is over", () => {
    const windows = new LimitWindows({ cap: 10 });
    const shared = new Shared();
    const verdicts = Array.from({ length: 60 }, () => take(windows, shared, rule()));
    assert.equal(verdicts.filter(({ verdict }) => verdict === "ok").length, 10);
    assert.equal(
      verdicts.findIndex(({ verdict }) => verdict === "kick"),
      10 * KICK_FACTOR - 1,
    );
    assert.equal(verdicts[10 * KICK_FACTOR - 1]?.kicked, true);
    windows.kick("who", rule(), 60_000, 0);
    assert.deepEqual(take(windows, shared, rule(), 59_999), { verdict: "kick", remaining: 0, resetMs: 1 });
    assert.equal(take(windows, new Shared(), rule(), 60_000).verdict, "ok");
  });

  it("I5: who is refused costs no settlement", () => {
    const windows = new LimitWindows({ cap: 10 });
    const shared = new Shared();
    for (let i = 0; i < 40; i++) take(windows, shared, rule());
    assert.equal(shared.settlements, 10);
  });

  it("I5: a window ends, and its points are there again", () => {
    const windows = new LimitWindows({ cap: 10 });
    for (let i = 0; i < 2; i++) take(windows, new Shared(), rule({ points: 1 }), 0);
    assert.equal(take(windows, new Shared(), rule({ points: 1 }), 4_999).verdict, "limit");
    assert.equal(take(windows, new Shared(), rule({ points: 1 }), 5_000).verdict, "ok");
  });

  it("I5: in any order over P processes at most points + (P - 1)(batch - 1) are let in; from one, points", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.nat(4), { minLength: 300, maxLength: 600 }),
        (processes, points, share, order) => {
          const batch = Math.min(share, points);
          const one = rule({ points, batch });
          const shared = new Shared();
          const all = Array.from({ length: processes }, () => new LimitWindows({ cap: 10 }));
          let ok = 0;
          for (const pick of order) {
            const windows = all[pick % processes] as LimitWindows;
            if (take(windows, shared, one).verdict === "ok") ok++;
          }
          assert.ok(ok <= points + (processes - 1) * (batch - 1), `${ok} of ${points}`);
          if (processes === 1) assert.equal(ok, points);
        },
      ),
    );
  });

  it("I5: settlements that answer out of order let in no more", () => {
    const windows = new LimitWindows({ cap: 10 });
    const shared = new Shared();
    const one = rule({ points: 4 });
    const waiting = Array.from({ length: 12 }, () => windows.take("who", one, 1, 0)).flatMap((taken) =>
      "due" in taken ? [shared.settle(taken.due)] : [],
    );
    assert.equal(waiting.length, 4);
    for (const answer of waiting.reverse()) windows.settled("who", one, 1, answer, 0);
    assert.equal(take(windows, shared, one).verdict, "limit");
  });

  it("I5: a batch below the limit asks nobody", () => {
    const windows = new LimitWindows({ cap: 10 });
    const shared = new Shared();
    const one = rule({ points: 100, batch: 20 });
    for (let i = 0; i < 19; i++) assert.equal(take(windows, shared, one).verdict, "ok");
    assert.equal(shared.settlements, 0);
    take(windows, shared, one);
    assert.equal(shared.settlements, 1);
  });

  it("I5: callers remembered are capped, whatever comes", () => {
    const windows = new LimitWindows({ cap: 1_000 });
    for (let i = 0; i < 100_000; i++) {
      windows.take(`caller ${i}`, rule(), 1, i);
      if (i % 1_000 === 0) assert.ok(windows.size <= 1_000);
    }
    assert.ok(windows.size <= 1_000 && windows.size >= 900);
  });
});
