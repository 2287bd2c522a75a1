/** One clock for a deployment, whatever its hosts' clocks say. Rule R3. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { register } from "prom-client";
import { startClusterClock } from "../../src/infra/cluster-clock.ts";
import { createLogger } from "../../src/infra/logger.ts";
import type { Redis } from "../../src/infra/redis.ts";
import { SteadyTime } from "../../src/infra/steady-time.ts";
import { connected } from "../support/redis.ts";

const logger = createLogger("test", "silent");
const START = 1_800_000_000_000;

/** A Redis and a host whose clocks can be wrong, over virtual time. */
function world({ hostOff = 0, tripMs = 0.5 } = {}) {
  const at = { ms: 0 };
  const redis = { off: 0, tripMs, isAway: false, asked: 0 };
  const host = { off: hostOff };
  const timers = new Set<{ at: number; run(): void }>();
  const after = (ms: number, run: () => void) => {
    const timer = { at: at.ms + ms, run };
    timers.add(timer);
    return () => timers.delete(timer);
  };
  const deps = {
    redis: {
      async time(): Promise<[number, number]> {
        redis.asked += 1;
        if (redis.isAway) throw new Error("away");
        at.ms += redis.tripMs / 2;
        const now = START + at.ms + redis.off;
        at.ms += redis.tripMs / 2;
        return [Math.floor(now / 1_000), Math.floor((now % 1_000) * 1_000)];
      },
    } as unknown as Pick<Redis, "time">,
    logger,
    host: () => START + at.ms + host.off,
    mono: () => at.ms,
    after,
  };
  const pass = async (ms: number): Promise<void> => {
    const end = at.ms + ms;
    for (;;) {
      const next = [...timers].filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      at.ms = Math.max(at.ms, next.at);
      timers.delete(next);
      next.run();
      await new Promise(setImmediate);
    }
    at.ms = Math.max(at.ms, end);
  };
  return { at, redis, host, timers, deps, pass, right: () => START + at.ms + redis.off };
}

const offset = async (): Promise<number | undefined> =>
  (await register.getSingleMetric("mr_clock_offset_seconds")?.get())?.values[0]?.value;

describe("steady time", () => {
  const corrections = fc.array(
    fc.record({
      after: fc.double({ min: 0, max: 20_000, noNaN: true }),
      low: fc.double({ min: -10_000, max: 10_000, noNaN: true }),
      width: fc.double({ min: 0, max: 100, noNaN: true }),
    }),
    { maxLength: 20 },
  );

  it("R3, property: it never goes back and never stands still, whatever it is told the time is", () => {
    fc.assert(
      fc.property(corrections, fc.array(fc.double({ min: 0, max: 500, noNaN: true })), (told, reads) => {
        const time = new SteadyTime(0, 0);
        let mono = 0;
        let last = time.at(0);
        const goTo = (at: number): void => {
          const now = time.at(at);
          assert.ok(at === mono ? now >= last : now > last, `${last}, then ${now}`);
          last = now;
          mono = at;
        };
        for (const { after, low, width } of told) {
          for (const step of reads) goTo(mono + Math.ceil(step));
          goTo(mono + Math.ceil(after));
          time.correct(mono, mono + low, mono + low + width);
          goTo(mono);
        }
      }),
    );
  });

  it("R3, property: it is right soon after it was told: 10 s for each second, 2 for each beyond one it is ahead", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -30_000, max: 30_000, noNaN: true }),
        fc.double({ min: 0, max: 50, noNaN: true }),
        (off, width) => {
          const time = new SteadyTime(0, 0);
          const was = time.correct(0, off, off + width);
          const within = Math.abs(was) > 1_000 ? 2 * Math.abs(was) : 10 * Math.abs(was);
          for (const later of [within + 1, within + 10_000]) {
            const now = time.at(later);
            assert.ok(now >= later + off - 0.01 && now <= later + off + width + 0.01, `${now - later}`);
          }
        },
      ),
    );
  });

  it("a little ahead it goes slower, a little behind faster; far behind it jumps, far ahead it goes at half speed", () => {
    const after = (off: number): number => {
      const time = new SteadyTime(0, 0);
      time.correct(0, off, off);
      return Math.round(time.at(100));
    };
    assert.deepEqual([after(-500), after(500), after(5_000), after(-5_000)], [90, 110, 5_100, 50]);
  });
});

describe("cluster clock", () => {
  it("R3: hosts that are minutes apart agree to the millisecond, from their first look at the clock on", async () => {
    for (const hostOff of [-300_000, -2_000, 0, 2_000, 300_000]) {
      const { deps, right } = world({ hostOff });
      const clock = await startClusterClock(deps);
      assert.ok(Math.abs(clock.now() - right()) <= 1, `${clock.now() - right()} ms`);
      assert.ok(Math.abs(((await offset()) ?? 0) - hostOff / 1_000) < 0.01);
      clock.stop();
    }
  });

  it("R3: a host whose clock is set while it runs is not thrown off, and is noticed within a second or two", async () => {
    const { deps, host, pass, right, redis } = world();
    const clock = await startClusterClock(deps);
    await pass(500);
    const { asked } = redis;
    host.off = 60_000;
    assert.ok(Math.abs(clock.now() - right()) <= 1);
    await pass(1_500);
    assert.ok(redis.asked > asked, "measured at once");
    assert.ok(Math.abs(clock.now() - right()) <= 1);
    assert.ok(Math.abs(((await offset()) ?? 0) - 60) < 0.01);
    clock.stop();
  });

  it("R3: with Redis away time goes on; one that comes back with another clock is followed, never backwards", async () => {
    const { deps, redis, pass, right } = world({ hostOff: 7_000 });
    const clock = await startClusterClock(deps);
    redis.isAway = true;
    await pass(30_000);
    assert.ok(Math.abs(clock.now() - right()) <= 1);
    redis.isAway = false;
    redis.off = -800;
    let last = clock.now();
    for (let n = 0; n < 200; n++) {
      await pass(100);
      assert.ok(clock.now() >= last);
      last = clock.now();
    }
    assert.ok(Math.abs(clock.now() - right()) <= 1, `${clock.now() - right()} ms`);
    redis.off = 3_000;
    await pass(6_000);
    assert.ok(Math.abs(clock.now() - right()) <= 1, "far behind: at once");
    clock.stop();
  });

  it("a slow answer moves nothing that it does not disprove; the shortest of several round trips counts", async () => {
    const { deps, redis, pass, right } = world();
    const clock = await startClusterClock(deps);
    redis.tripMs = 400;
    redis.off = 150;
    await pass(20_000);
    assert.ok(Math.abs(right() - clock.now() - 150) <= 1, "within what such an answer can tell");
    redis.tripMs = 0.5;
    await pass(20_000);
    assert.ok(Math.abs(clock.now() - right()) <= 1);
    clock.stop();
  });

  it("a process starts though Redis is not there; stopped, it asks no more", async () => {
    const { deps, redis, pass, at } = world({ hostOff: 2_000 });
    redis.isAway = true;
    const clock = await startClusterClock(deps);
    assert.equal(clock.now(), START + at.ms + 2_000);
    redis.isAway = false;
    await pass(60_000);
    assert.ok(
      Math.abs(clock.now() - (START + at.ms)) <= 1,
      "what was read before is not taken back, but made good",
    );
    clock.stop();
    const { asked } = redis;
    await pass(60_000);
    assert.equal(redis.asked, asked);
  });

  describe("beside a real Redis", () => {
    let redis: Redis;
    connected((made) => {
      redis = made;
    });

    it("R3: two hosts 4 s apart close a round at the same moment, by Redis' clock", async () => {
      const start = (off: number) =>
        startClusterClock({
          redis,
          logger,
          host: () => Date.now() + off,
          mono: () => performance.now() + off * 1_000,
          after: (ms, run) => {
            const timer = setTimeout(run, ms);
            return () => clearTimeout(timer);
          },
        });
      const [ahead, behind] = [await start(2_000), await start(-2_000)];
      const [seconds = 0, micros = 0] = (await redis.time()).map(Number);
      const times = [ahead.now(), behind.now(), seconds * 1_000 + micros / 1_000];
      assert.ok(Math.max(...times) - Math.min(...times) < 50, `${times}`);
      await ahead.measure();
      assert.ok(Math.abs(ahead.now() - behind.now()) < 50);
      ahead.stop();
      behind.stop();
    });
  });
});
