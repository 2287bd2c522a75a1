/** The circuit breaker before AITubo, on a real Redis, with the clock in the test's hand (C3). */
import assert from "node:assert/strict";
import { AituboError, type AituboErrorKind } from "../../src/content/aitubo/answers.ts";
import { Breaker, type BreakerOptions } from "../../src/content/aitubo/breaker.ts";
import { modelsStatus } from "../../src/content/aitubo/provider.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { gauge } from "../../src/infra/metrics.ts";
import type { Redis } from "../../src/infra/redis.ts";
import { connected } from "../support/redis.ts";

const OPEN_MS = 1_000;
const LONG_MS = 60_000;
const PROBE_MS = 500;

describe("AITubo's circuit breaker (C3)", () => {
  let redis: Redis;
  let now = 1_000_000;

  connected((one) => {
    redis = one;
  });
  beforeEach(async () => {
    await redis.flushall();
  });

  const make = (options: BreakerOptions = {}) =>
    new Breaker(
      { failures: 3, openMs: OPEN_MS, maxOpenMs: 3_000, longOpenMs: LONG_MS, probeMs: PROBE_MS, ...options },
      { redis, logger: createLogger("test", "silent"), now: () => now },
    );
  const kindOf = async (doing: Promise<unknown>): Promise<AituboErrorKind | "ok"> =>
    doing.then(
      () => "ok" as const,
      (error: unknown) => {
        assert.ok(error instanceof AituboError, String(error));
        return error.kind;
      },
    );
  const fail = (
    breaker: Breaker,
    kind: AituboErrorKind,
    retryAfterMs?: number,
    call: "submit" | "poll" = "submit",
  ) =>
    kindOf(
      breaker.run(call, () => {
        throw new AituboError(kind, "no", retryAfterMs === undefined ? {} : { retryAfterMs });
      }),
    );
  const works = (breaker: Breaker, call: "submit" | "poll" = "submit") =>
    kindOf(breaker.run(call, async () => 1));

  it("opens after three failures in a row, for every process; nothing is asked while it is open", async () => {
    const [one, other] = [make(), make()];
    for (const breaker of [one, other, one]) assert.equal(await fail(breaker, "retry"), "retry");
    let asked = 0;
    const doing = other.run("submit", async () => asked++);
    await assert.rejects(
      doing,
      (error: unknown) => error instanceof AituboError && error.retryAfterMs === OPEN_MS,
    );
    assert.equal(asked, 0);
    assert.deepEqual(await one.state(), { state: "open", reason: "retry", until: now + OPEN_MS });
  });

  it("failures that are not in a row open nothing", async () => {
    const breaker = make();
    for (let n = 0; n < 3; n++) {
      await fail(breaker, "retry");
      await fail(breaker, "retry");
      assert.equal(await works(breaker), "ok");
    }
    assert.deepEqual(await breaker.state(), { state: "closed" });
  });

  it("an order that is refused as wrong is an answer, no failure", async () => {
    const breaker = make();
    for (let n = 0; n < 5; n++) assert.equal(await fail(breaker, "permanent"), "permanent");
    assert.equal((await breaker.state()).state, "closed");
  });

  it("afterwards one probe at a time goes through; its success closes the breaker", async () => {
    const breaker = make();
    for (let n = 0; n < 3; n++) await fail(breaker, "retry");
    now += OPEN_MS;
    assert.equal((await breaker.state()).state, "half-open");
    let end: (value: number) => void = () => {};
    const began = new Promise<void>((resolve) => {
      void breaker.run("poll", () => {
        resolve();
        return new Promise<number>((done) => {
          end = done;
        });
      });
    });
    await began;
    assert.equal(await works(make()), "open");
    end(1);
    for (let tries = 0; (await breaker.state()).state !== "closed" && tries < 100; tries++);
    assert.equal(await works(make()), "ok");
  });

  it("a probe that never comes back keeps others out for its own time only", async () => {
    const breaker = make();
    for (let n = 0; n < 3; n++) await fail(breaker, "retry");
    now += OPEN_MS;
    await new Promise<void>((began) => {
      void breaker.run("poll", () => {
        began();
        return new Promise<never>(() => {});
      });
    });
    assert.equal(await works(make()), "open");
    now += PROBE_MS - 1;
    assert.equal(await works(make()), "open");
    now += 1;
    assert.equal(await works(make()), "ok");
  });

  it("a probe that fails opens it for twice as long, up to a limit", async () => {
    const breaker = make();
    for (let n = 0; n < 3; n++) await fail(breaker, "retry");
    for (const ms of [2_000, 3_000, 3_000]) {
      const { until = 0 } = await breaker.state();
      now = until;
      assert.equal(await fail(breaker, "retry"), "retry");
      assert.deepEqual(await breaker.state(), { state: "open", reason: "retry", until: now + ms });
    }
    now += 3_000;
    assert.equal(await works(breaker), "ok");
    assert.equal(await fail(breaker, "retry"), "retry");
    assert.equal((await breaker.state()).state, "closed", "it begins again from three");
  });

  for (const kind of ["credit", "key"] as const)
    it(`${kind} opens it at once, and long`, async () => {
      const breaker = make();
      assert.equal(await fail(breaker, kind), kind);
      assert.deepEqual(await breaker.state(), { state: "open", reason: kind, until: now + LONG_MS });
      assert.equal(await works(breaker), "open");
      now += LONG_MS;
      assert.equal(await works(breaker), "ok");
      assert.equal((await breaker.state()).state, "closed");
    });

  it("without credit, jobs that are paid for are asked about, and that does not close it", async () => {
    const breaker = make();
    await fail(breaker, "credit");
    assert.equal(await works(breaker, "poll"), "ok");
    assert.equal((await breaker.state()).state, "open");
    assert.equal(await works(breaker), "open");
  });

  it("429 holds everybody off for as long as AITubo said, and is no failure in the row", async () => {
    const breaker = make();
    await fail(breaker, "retry");
    await fail(breaker, "retry");
    await fail(breaker, "rate", 700);
    assert.deepEqual(await breaker.state(), { state: "open", reason: "rate", until: now + 700 });
    assert.equal(await works(make()), "rate", "who comes while it holds is told to wait, not to give up");
    now += 700;
    assert.equal(await works(make()), "ok");
  });

  it("while another's probe is under way the wait is a second at most", async () => {
    const breaker = make({ probeMs: 30_000 });
    await fail(breaker, "rate", 700);
    now += 700;
    await new Promise<void>((began) => {
      void breaker.run("submit", () => {
        began();
        return new Promise<never>(() => {});
      });
    });
    await assert.rejects(
      breaker.run("submit", async () => 1),
      (error: unknown) =>
        error instanceof AituboError && error.kind === "rate" && error.retryAfterMs === 1_000,
    );
  });

  it("what was under way when it opened neither closes nor lengthens it", async () => {
    const breaker = make();
    let end: () => void = () => {};
    const underWay = breaker.run("poll", () => new Promise<void>((done) => (end = done)));
    const late = breaker.run("poll", async () => {
      await underWay;
      throw new AituboError("retry", "late");
    });
    // Both have entered: a third call that comes back came after them.
    await works(make(), "poll");
    for (let n = 0; n < 3; n++) await fail(breaker, "retry");
    const opened = await breaker.state();
    end();
    await underWay;
    await assert.rejects(late);
    assert.deepEqual(await breaker.state(), opened);
  });

  it("is seen in the metrics and in what /readyz says", async () => {
    const settings = { AITUBO_API_KEY: "key", PUBLIC_URL: "https://memes.example" };
    const deps = { redis, logger: createLogger("test", "silent"), now: () => now };
    const shown = async () => (await gauge("mr_aitubo_breaker", "").get()).values[0]?.value;
    assert.deepEqual(await modelsStatus(settings, deps), {
      provider: "aitubo",
      breaker: { state: "closed" },
    });
    assert.equal(await shown(), 0);
    await fail(make(), "credit");
    const status = await modelsStatus(settings, deps);
    assert.equal(status.breaker?.reason, "credit");
    assert.equal(await shown(), 2);
  });

  it("C8: without a key or a public address the provider is local, with the reason", async () => {
    const deps = { redis, logger: createLogger("test", "silent"), now: () => now };
    const noKey = await modelsStatus({ PUBLIC_URL: "https://memes.example" }, deps);
    assert.deepEqual(noKey, { provider: "local", reason: "AITUBO_API_KEY is not set" });
    const noUrl = await modelsStatus({ AITUBO_API_KEY: "key" }, deps);
    assert.ok(noUrl.provider === "local" && noUrl.reason.startsWith("PUBLIC_URL is not set"));
  });
});
