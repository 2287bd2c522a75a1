/**
 * An order is made once per winner, whatever crashes (C3): a run is killed before and after each of its steps towards
 * Redis, AITubo, the media store and the classifier, and another process goes on. Redis is real; AITubo counts orders.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { Breaker } from "../../src/content/aitubo/breaker.ts";
import { type AituboClient, AituboError, sizeFor } from "../../src/content/aitubo/client.ts";
import { type Look, type LookDeps, makeLook } from "../../src/content/aitubo/look.ts";
import { MediaStore } from "../../src/content/media/store.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { stylise } from "../../standins/aitubo/stylise.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

const logger = createLogger("test", "silent");
const links = { secret: "a secret of at least thirty-two bytes", publicUrl: "https://memes.example" };

class Crash extends Error {}

/** Counts steps; from the chosen one on this process is dead: nothing of it goes on or comes back. */
class Mortal {
  steps = 0;
  private readonly at: number;
  private readonly when: "before" | "after";
  dead = false;

  constructor(at: number, when: "before" | "after") {
    this.at = at;
    this.when = when;
  }

  async step<T>(doing: () => Promise<T>): Promise<T> {
    if (this.dead) throw new Crash();
    const mine = ++this.steps === this.at;
    if (mine && this.when === "before") this.dead = true;
    if (this.dead) throw new Crash();
    const done = await doing();
    if (mine) this.dead = true;
    if (this.dead) throw new Crash();
    return done;
  }

  /** The same object, each of its asynchronous methods a step. */
  wrap<T extends object>(inner: T): T {
    return new Proxy(inner, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) =>
          this.step(async () => (await Reflect.apply(value, target, args)) as unknown);
      },
    });
  }
}

describe("an order to AITubo, whatever crashes (C3)", function () {
  this.timeout(60_000);
  let server: TestRedis;
  let redis: Redis;
  let media: MediaStore;
  let memeId = "";
  let styled: Buffer;
  let now = 1_800_000_000_000;
  let round = 0;
  let orders = 0;
  let polls = 0;

  before(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
    media = new MediaStore(redis);
    const doge = await readFile(new URL("../fixtures/memes/doge.png", import.meta.url));
    const small = await sharp(doge).resize(96, 96, { fit: "inside" }).webp().toBuffer();
    memeId = await media.put(small, "image/webp");
    const { width, height } = await sharp(small).metadata();
    styled = await stylise(small, { ...sizeFor(width, height), strength: 0.9 });
  });
  after(async () => {
    redis.disconnect();
    await server.close();
  });
  beforeEach(async () => {
    await redis.del("mr:aitubo:breaker");
    round++;
    orders = 0;
    polls = 0;
  });

  const aitubo: AituboClient = {
    async submit() {
      orders++;
      return { remoteId: `job-${round}` };
    },
    async poll() {
      polls++;
      if (polls === 1) return { state: "running" };
      return { state: "done", outputs: [{ kind: "image", url: "https://files.test/a.jpg", nsfw: false }] };
    },
    download: async () => styled,
  };
  const depsOf = (mortal: Mortal, client: AituboClient = aitubo): LookDeps => {
    const own = mortal.wrap(redis);
    const judge = async () => "approved" as const;
    return {
      aitubo: mortal.wrap(client),
      breaker: new Breaker({}, { redis: own, logger, now: () => now }),
      judge: () => mortal.step(judge),
      links,
      redis: own,
      media: mortal.wrap(media),
      logger,
      now: () => now,
      random: () => 0,
    };
  };
  const immortal = () => new Mortal(0, "before");
  async function run(deps: LookDeps, most = 100): Promise<Exclude<Look, { kind: "wait" }>> {
    for (let n = 0; n < most; n++) {
      const look = await makeLook({ roundId: `main-${round}`, memeId }, deps);
      if (look.kind !== "wait") return look;
      now += look.ms;
    }
    assert.fail("it does not end");
  }

  /** How many steps a run has that nothing disturbs. */
  async function stepsOfOne(): Promise<number> {
    const whole = immortal();
    assert.equal((await run(depsOf(whole))).kind, "picture");
    return whole.steps;
  }

  it("a run that nothing disturbs orders once", async () => {
    const steps = await stepsOfOne();
    assert.equal(orders, 1);
    assert.ok(steps > 15, `${steps} steps`);
  });

  for (const when of ["before", "after"] as const)
    it(`killed ${when} each step, taken up by another process: never a second order, always an end`, async () => {
      const steps = await stepsOfOne();
      const ends: string[] = [];
      for (let at = 1; at <= steps; at++) {
        await redis.del("mr:aitubo:breaker");
        round++;
        orders = 0;
        polls = 0;
        await assert.rejects(run(depsOf(new Mortal(at, when))), Crash, `step ${at}`);
        const end = await run(depsOf(immortal()));
        assert.ok(orders <= 1, `killed ${when} step ${at}: ${orders} orders`);
        if (end.kind === "none") assert.match(end.reason, /not made twice/, `killed ${when} step ${at}`);
        else assert.equal(orders, 1);
        ends.push(end.kind);
      }
      // Only between taking the claim and writing down the remote id is anything lost.
      const lost = ends.filter((end) => end === "none").length;
      assert.equal(lost, 2, ends.join());
      assert.equal(ends.at(-1), "picture");
    });

  it("an answer that is lost, and then killed at each step: the order is not made again", async () => {
    const losing: AituboClient = {
      ...aitubo,
      async submit() {
        orders++;
        throw new AituboError("retry", "no answer", { unclear: true });
      },
    };
    for (let at = 1; at <= 12; at++)
      for (const when of ["before", "after"] as const) {
        await redis.del("mr:aitubo:breaker");
        round++;
        orders = 0;
        await run(depsOf(new Mortal(at, when), losing)).catch((error: unknown) => {
          assert.ok(error instanceof Crash, String(error));
        });
        const taken = orders;
        const end = await run(depsOf(immortal()));
        assert.ok(orders <= 1, `killed ${when} step ${at}: ${orders} orders`);
        if (taken === 1) assert.match(end.kind === "none" ? end.reason : "", /not made twice/);
      }
  });

  it("killed again and again, at one step after the other of the same order", async () => {
    for (let at = 1; at < 40; at++)
      await run(depsOf(new Mortal(at, at % 2 === 0 ? "before" : "after"))).catch((error: unknown) => {
        assert.ok(error instanceof Crash, String(error));
      });
    await run(depsOf(immortal()));
    assert.ok(orders <= 1, `${orders} orders`);
  });

  it("eight processes at once, as after a stall that was none: one order, and all have the picture", async () => {
    const ends = await Promise.all(Array.from({ length: 8 }, () => run(depsOf(immortal()))));
    assert.equal(orders, 1);
    assert.equal(new Set(ends.map((end) => JSON.stringify(end))).size, 1);
    assert.equal(ends[0]?.kind, "picture");
  });

  it("who finds a claim under way waits for it instead of giving up", async () => {
    let answer: () => void = () => {};
    const slow: AituboClient = {
      ...aitubo,
      submit: async (input) => {
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return aitubo.submit(input);
      },
    };
    const winner = { roundId: `main-${round}`, memeId };
    const first = makeLook(winner, depsOf(immortal(), slow));
    while ((await redis.hget(`mr:aitubo:job:${winner.roundId}:${memeId}`, "claimedAt")) === null);
    const second = await makeLook(winner, depsOf(immortal()));
    assert.equal(second.kind, "wait");
    answer();
    await first;
    assert.equal((await run(depsOf(immortal()))).kind, "picture");
    assert.equal(orders, 1);
  });

  it("an order clearly not taken is given back, unless the process dies before it is", async () => {
    let refusals = 1;
    const refusing: AituboClient = {
      ...aitubo,
      submit: async (input) => {
        if (refusals-- > 0) throw new AituboError("rate", "too many requests", { retryAfterMs: 100 });
        return aitubo.submit(input);
      },
    };
    assert.equal((await run(depsOf(immortal(), refusing))).kind, "picture");
    assert.equal(orders, 1);
  });
});
