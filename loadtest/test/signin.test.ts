/** What the sign-in load test counts, and that nothing is signed while calls are measured. */
import assert from "node:assert/strict";
import { ipOf } from "../src/signin/addresses.ts";
import { percentile, SigninTally, summaryOf } from "../src/signin/figures.ts";
import { LagMeter } from "../src/signin/lag.ts";
import { peopleOf, SIGNATURE_KINDS } from "../src/signin/people.ts";
import { Waves } from "../src/signin/waves.ts";

describe("sign-in load test", () => {
  it("percentiles are by nearest rank, in any order, and NaN of nothing", () => {
    const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
    assert.equal(percentile(hundred, 0.5), 50);
    assert.equal(percentile(hundred, 0.99), 99);
    assert.equal(percentile(hundred, 1), 100);
    assert.equal(percentile([7], 0.01), 7);
    assert.ok(Number.isNaN(percentile([], 0.5)));
  });

  it("a sign-in is the sum of its two calls, and its ratio is by the floor of the same run", () => {
    const tally = new SigninTally();
    const pairs = [
      { firstMs: 10, secondMs: 30 },
      { firstMs: 20, secondMs: 100 },
    ];
    tally.wave({ pairs, busyMs: 500 }, { pairs: [{ firstMs: 5, secondMs: 5 }] });
    tally.failed("verify: 429 RATE_LIMITED");
    tally.failed("verify: 429 RATE_LIMITED");
    const figures = tally.figures({ players: 2, wallets: 2, ownLagP99Ms: 1.2345 });
    assert.deepEqual(figures.signIn, { p50Ms: 40, p99Ms: 120 });
    assert.deepEqual(figures.challenge, { p50Ms: 10, p99Ms: 20 });
    assert.deepEqual(figures.ratio, { p50: 4, p99: 12 });
    assert.equal(figures.signInsPerSecond, 4);
    assert.equal(figures.failures, 2);
    assert.match(summaryOf(figures), /2 x verify: 429 RATE_LIMITED/);
  });

  it("reasons are bounded, and every failure is counted", () => {
    const tally = new SigninTally();
    for (let n = 0; n < 1_000; n++) tally.failed(`reason ${n}`);
    assert.ok(tally.reasons.size <= 51);
    assert.equal(tally.failures, 1_000);
  });

  it("every sign-in has an address of its own, and every wallet takes part", async () => {
    const ips = new Set(Array.from({ length: 70_000 }, (_, n) => ipOf(n)));
    assert.equal(ips.size, 70_000);
    assert.ok(ips.has("10.1.0.1"));
    const people = await peopleOf(SIGNATURE_KINDS);
    assert.deepEqual([...new Set(people.map(({ signer }) => signer.wallet))].sort(), [
      "manual",
      "okx",
      "phantom",
      "unisat",
      "yours",
    ]);
  });

  it("lag is how late a sample was, and time in which it was off is none", () => {
    let clock = 0;
    let tick: (() => void) | undefined;
    const meter = new LagMeter({
      now: () => clock,
      after(_ms, act) {
        tick = act;
        return () => {
          tick = undefined;
        };
      },
    });
    assert.equal(meter.percentile(0.99), 0);
    meter.enable();
    clock += 7;
    tick?.();
    assert.equal(meter.percentile(1), 2);
    meter.disable();
    clock += 10_000;
    meter.enable();
    clock += 5;
    tick?.();
    assert.equal(meter.percentile(1), 2);
    clock += 45;
    meter.disable();
    assert.equal(meter.percentile(1), 40);
    assert.equal(tick, undefined);
  });

  it("a wave signs while no call is under way, and who is refused is told and left out", async () => {
    const people = await peopleOf(4);
    const failed: string[] = [];
    let underWay = 0;
    let most = 0;
    let isLagOn = false;
    const call = async <T>(value: T): Promise<T> => {
      assert.ok(isLagOn);
      most = Math.max(most, ++underWay);
      await Promise.resolve();
      underWay--;
      return value;
    };
    const waves = new Waves({
      calls: {
        async challenge(person) {
          if (person === people[1]) throw new Error("challenge: 429 RATE_LIMITED");
          return await call({ nonce: "n", message: "m", ip: "10.0.0.1", ms: 3 });
        },
        verify: () => call(4),
        empty: () => call(1),
      },
      async sign() {
        assert.equal(underWay, 0);
        assert.equal(isLagOn, false);
        return { nonce: "n", signature: "s", playSig: "p" };
      },
      failed: (reason) => failed.push(reason),
      lag: { enable: () => (isLagOn = true), disable: () => (isLagOn = false) },
      signal: new AbortController().signal,
      now: () => 0,
    });
    const { pairs } = await waves.signIn(people);
    assert.deepEqual(pairs, Array(3).fill({ firstMs: 3, secondMs: 4 }));
    assert.deepEqual(failed, ["challenge: 429 RATE_LIMITED"]);
    assert.equal(most, 3);
    assert.deepEqual((await waves.floor(2)).pairs, Array(2).fill({ firstMs: 1, secondMs: 1 }));
  });

  it("a wave that is ended while it signs sends nothing more", async () => {
    const people = await peopleOf(2);
    const ending = new AbortController();
    let verified = 0;
    const waves = new Waves({
      calls: {
        challenge: async () => ({ nonce: "n", message: "m", ip: "10.0.0.1", ms: 1 }),
        verify: async () => ++verified,
        empty: async () => 1,
      },
      async sign() {
        ending.abort();
        return { nonce: "n", signature: "s", playSig: "p" };
      },
      failed: assert.fail,
      lag: { enable: () => undefined, disable: () => undefined },
      signal: ending.signal,
      now: () => 0,
    });
    assert.deepEqual(await waves.signIn(people), { pairs: [], busyMs: 0 });
    assert.equal(verified, 0);
  });
});
