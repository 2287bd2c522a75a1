/**
 * The look of a winner, from the order to the picture, over HTTP against the stand-in and on a real Redis (C3, C4):
 * the way that works and every way it can go wrong. The clock is the test's; only the stand-in's work takes real time.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import express from "express";
import sharp from "sharp";
import { Breaker } from "../../src/content/aitubo/breaker.ts";
import { createAitubo } from "../../src/content/aitubo/client.ts";
import { type Look, type LookDeps, makeLook } from "../../src/content/aitubo/look.ts";
import type { Judge } from "../../src/content/aitubo/picture.ts";
import { signedMediaRouter } from "../../src/content/media/signed.ts";
import { MediaStore } from "../../src/content/media/store.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import type { Fault } from "../../standins/aitubo/faults.ts";
import { type AituboStandIn, startAitubo } from "../../standins/aitubo/server.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

const KEY = "api-0123456789abcdef0123456789abcdef";
const SECRET = "a secret of at least thirty-two bytes";
const CREATE = "/api/job/create";
const GET = "/api/job/get";
const TOTAL_MS = 120_000;
const logger = createLogger("test", "silent");

describe("the look that AITubo gives (C3)", function () {
  this.timeout(20_000);
  let server: TestRedis;
  let redis: Redis;
  let media: MediaStore;
  let memes: Server;
  let secret: Server;
  let visitors = 0;
  let publicUrl = "";
  let privateUrl = "";
  let aitubo: AituboStandIn;
  let memeId = "";
  let now = 1_800_000_000_000;
  let round = 0;
  let winner = { roundId: "", memeId: "" };

  async function listen(handler: Parameters<typeof createServer>[1]): Promise<[Server, string]> {
    const made = createServer(handler);
    await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
    const address = made.address();
    assert.ok(typeof address === "object" && address);
    return [made, `http://127.0.0.1:${address.port}`];
  }

  before(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
    media = new MediaStore(redis);
    const app = express();
    app.use("/media", signedMediaRouter(SECRET, { media, logger, now: () => now }));
    [memes, publicUrl] = await listen(app);
    const doge = await readFile(new URL("../fixtures/memes/doge.png", import.meta.url));
    const [picture, webp] = await Promise.all([
      sharp(doge).jpeg().toBuffer(),
      sharp(doge).resize(256, 256, { fit: "inside" }).webp().toBuffer(),
    ]);
    // A sound picture: were it fetched, nothing else would be wrong with it.
    [secret, privateUrl] = await listen((_request, response) => {
      visitors++;
      response.writeHead(200, { "content-type": "image/jpeg" }).end(picture);
    });
    memeId = await media.put(webp, "image/webp");
  });
  after(async () => {
    for (const one of [memes, secret]) {
      one.closeAllConnections();
      one.close();
    }
    redis.disconnect();
    await server.close();
  });
  beforeEach(async () => {
    await redis.del("mr:aitubo:breaker");
    aitubo = await startAitubo({ port: 0, apiKey: KEY, latencyMs: 0, credit: 3, privateUrl });
    winner = { roundId: `main-${++round}`, memeId };
    visitors = 0;
  });
  afterEach(() => aitubo.close());

  interface Options {
    timeoutMs?: number;
    allowPrivate?: boolean;
    judge?: Judge;
    baseUrl?: string;
    apiKey?: string;
  }
  const depsWith = (options: Options = {}): LookDeps => {
    const { timeoutMs = 2_000, allowPrivate = true, baseUrl = aitubo.url, apiKey = KEY } = options;
    return {
      aitubo: createAitubo({ baseUrl, apiKey, timeoutMs, allowPrivate }, { now: () => now }),
      breaker: new Breaker({}, { redis, logger, now: () => now }),
      judge: options.judge ?? (async () => "approved"),
      links: { secret: SECRET, publicUrl },
      redis,
      media,
      logger,
      now: () => now,
      random: () => 0,
    };
  };
  /** Goes on as the queue would until the look is there or given up. Waiting moves the test's clock. */
  async function finish(deps = depsWith()): Promise<{ look: Look; waits: number[] }> {
    const waits: number[] = [];
    for (;;) {
      const look = await makeLook(winner, deps);
      if (look.kind !== "wait") return { look, waits };
      waits.push(look.ms);
      now += look.ms;
      await pause(60);
    }
  }
  const reasonOf = ({ look }: { look: Look }): string => {
    assert.equal(look.kind, "none");
    return look.kind === "none" ? look.reason : "";
  };
  const creates = () => aitubo.log.filter((line) => line.startsWith(`POST ${CREATE}`)).length;

  describe("the way that works", () => {
    it("AITubo fetches the meme under a signed address; its picture is stored as WebP, ordered once", async () => {
      const { look } = await finish();
      assert.ok(look.kind === "picture");
      const stored = await media.get(look.sha256);
      assert.equal(stored?.type, "image/webp");
      assert.equal((await sharp(stored?.bytes).metadata()).format, "webp");
      assert.equal(aitubo.taken, 1);
    });

    it("asked again, the picture is there without a call; of the same meme in another round a new one is made", async () => {
      const { look } = await finish();
      const before = aitubo.log.length;
      assert.deepEqual(await makeLook(winner, depsWith()), look);
      assert.equal(aitubo.log.length, before);
      winner = { ...winner, roundId: `main-${++round}` };
      assert.equal((await finish()).look.kind, "picture");
      assert.equal(aitubo.taken, 2);
    });

    it("no slot is held while a job runs: the wait grows, and ends when it took too long", async () => {
      aitubo.fault({ path: CREATE, kind: "slow" });
      const deps = depsWith();
      const began = now;
      const waits: number[] = [];
      let look = await makeLook(winner, deps);
      while (look.kind === "wait") {
        waits.push(look.ms);
        now += look.ms;
        look = await makeLook(winner, deps);
      }
      assert.match(reasonOf({ look }), /too long/);
      assert.ok(now - began <= TOTAL_MS);
      assert.ok(now - began > TOTAL_MS - 10_000);
      assert.equal(waits[0], 1_000);
      assert.equal(Math.max(...waits), 5_000);
      assert.deepEqual(await makeLook(winner, deps), look, "and that is final");
    });

    it("a video is noted beside the picture, and is no picture", async () => {
      aitubo.fault({ path: CREATE, kind: "video" });
      assert.equal((await finish()).look.kind, "picture");
      const noted = await redis.hget(`mr:aitubo:job:${winner.roundId}:${memeId}`, "video");
      assert.equal(noted, `${aitubo.url}/videos/art/a.mp4`);
      winner = { ...winner, roundId: `main-${++round}` };
      aitubo.fault({ path: CREATE, kind: "videoOnly" });
      assert.match(reasonOf(await finish()), /no picture/);
    });
  });

  describe("what ends in a model without AITubo's picture, at once and for good", () => {
    const endings: [Fault["kind"], RegExp][] = [
      ["failed", /failed the job: generate failed/],
      ["nsfw", /not fit to be shown/],
      ["empty", /without a picture/],
      ["identical", /unchanged/],
      ["blank", /blank/],
      ["small", /too small/],
      ["stretched", /another shape/],
      ["huge", /more than/],
      ["wrongType", /no picture but text\/html/],
      ["lie", /a result is no picture/],
      ["broken", /cannot be decoded/],
      ["redirect", /302/],
      ["foreignPath", /another host/],
    ];
    for (const [kind, expected] of endings)
      it(`a job that ends in: ${kind}`, async () => {
        aitubo.fault({ path: CREATE, kind });
        assert.match(reasonOf(await finish()), expected);
        assert.equal(visitors, 0, "nobody was sent elsewhere");
        assert.equal(aitubo.taken, 1);
        // Final: the same answer with no further call.
        const calls = aitubo.log.length;
        assert.match(reasonOf(await finish()), expected);
        assert.equal(aitubo.log.length, calls);
      });

    it("a domain that leads to a private address, as production is set", async () => {
      aitubo.fault({ path: CREATE, kind: "privateDomain" });
      assert.match(reasonOf(await finish(depsWith({ allowPrivate: false }))), /not public/);
      assert.equal(visitors, 0);
    });

    const orders: [Fault["kind"], RegExp, number][] = [
      ["400", /400/, 0],
      ["401", /401/, 0],
      ["402", /402/, 0],
      ["403", /403/, 0],
      ["404", /404/, 0],
      ["code402", /402/, 0],
      ["500", /not made twice/, 0],
      ["html", /not made twice/, 0],
      ["page", /not made twice/, 0],
      ["torn", /not made twice/, 0],
      ["code", /not made twice/, 0],
      ["cut", /not made twice/, 0],
      ["lost", /not made twice/, 1],
      ["hang", /not made twice/, 0],
    ];
    for (const [kind, expected, taken] of orders)
      it(`an order that is answered by: ${kind}; it is sent once`, async () => {
        aitubo.fault({ path: CREATE, kind });
        assert.match(
          reasonOf(await finish(depsWith({ timeoutMs: kind === "hang" ? 100 : 2_000 }))),
          expected,
        );
        assert.equal(creates(), 1);
        assert.equal(aitubo.taken, taken);
      });

    it("the classifier says no, is not sure, or cannot look", async () => {
      const judges: [Judge, RegExp][] = [
        [async () => "rejected", /not fit to be shown \(rejected\)/],
        [async () => "review", /not fit to be shown \(review\)/],
        [async () => Promise.reject(new Error("the thread died")), /nobody could look .* the thread died/],
      ];
      for (const [judge, expected] of judges) {
        winner = { ...winner, roundId: `main-${++round}` };
        assert.match(reasonOf(await finish(depsWith({ judge }))), expected);
      }
    });

    it("credit that is used up: the next winners do not ask, jobs that are paid for are still fetched", async () => {
      const first = { ...winner };
      const deps = depsWith();
      assert.equal((await makeLook(first, deps)).kind, "wait");
      aitubo.fault({ path: CREATE, kind: "402" });
      winner = { ...winner, roundId: `main-${++round}` };
      reasonOf(await finish());
      const asked = creates();
      winner = { ...winner, roundId: `main-${++round}` };
      assert.match(reasonOf(await finish()), /circuit breaker is open/);
      assert.equal(creates(), asked);
      winner = first;
      assert.equal((await finish()).look.kind, "picture");
    });

    it("the meme's picture cannot be fetched, or is gone", async () => {
      const deps = { ...depsWith(), links: { secret: "another secret of thirty-two bytes!", publicUrl } };
      assert.match(reasonOf(await finish(deps)), /imagePath answered 403/);
      winner = { roundId: `main-${++round}`, memeId: "0".repeat(64) };
      assert.match(reasonOf(await finish()), /picture is gone/);
    });
  });

  describe("what passes", () => {
    for (const kind of ["429", "503"] as const)
      it(`${kind} to the order: it is sent again after the time AITubo asks for`, async () => {
        aitubo.fault({ path: CREATE, kind });
        const { look, waits } = await finish();
        assert.equal(look.kind, "picture");
        assert.equal(waits[0], 2_000);
        assert.deepEqual([creates(), aitubo.taken], [2, 1]);
      });

    it("429 to one winner's order: the others wait too, and all get their picture", async () => {
      aitubo.fault({ path: CREATE, kind: "429" });
      const winners = [1, 2, 3].map(() => ({ roundId: `main-${++round}`, memeId }));
      const deps = depsWith();
      const ends = new Map<string, Look>();
      for (let tries = 0; ends.size < winners.length && tries < 60; tries++) {
        await Promise.all(
          winners.map(async (one) => {
            const look = await makeLook(one, deps);
            if (look.kind !== "wait") ends.set(one.roundId, look);
          }),
        );
        now += 1_000;
        await pause(30);
      }
      assert.deepEqual(
        [...ends.values()].map(({ kind }) => kind),
        ["picture", "picture", "picture"],
      );
      assert.equal(aitubo.taken, 3);
    });

    for (const kind of ["429", "500", "html", "page", "torn", "code", "cut", "hang"] as const)
      it(`${kind} to a question: asked again, nothing is ordered again`, async () => {
        const deps = depsWith({ timeoutMs: kind === "hang" ? 300 : 2_000 });
        aitubo.fault({ path: GET, kind });
        aitubo.fault({ path: GET, kind });
        assert.equal((await finish(deps)).look.kind, "picture");
        assert.equal(aitubo.taken, 1);
      });

    for (const kind of ["500", "429", "hang", "cut"] as const)
      it(`${kind} to a download: fetched again`, async () => {
        aitubo.fault({ path: "file", kind });
        assert.equal((await finish(depsWith({ timeoutMs: 500 }))).look.kind, "picture");
      });

    it("a connection that cannot be made: nothing was sent, so the order may be sent again", async () => {
      const url = aitubo.url;
      await aitubo.close();
      const down = depsWith({ baseUrl: url });
      const waits: number[] = [];
      for (let n = 0; n < 3; n++) {
        const look = await makeLook(winner, down);
        assert.ok(look.kind === "wait", JSON.stringify(look));
        waits.push(look.ms);
        now += look.ms;
      }
      assert.deepEqual(waits, [1_000, 2_000, 4_000], "back-off");
      aitubo = await startAitubo({ port: Number(new URL(url).port), apiKey: KEY, latencyMs: 0 });
      assert.equal((await finish(depsWith({ baseUrl: url }))).look.kind, "picture");
      assert.equal(aitubo.taken, 1);
    });

    it("failures that do not pass end in a model without it, and waits are spread by chance", async () => {
      const { look } = await finish();
      assert.equal(look.kind, "picture");
      winner = { ...winner, roundId: `main-${++round}` };
      const deps = { ...depsWith(), random: () => 0.8 };
      for (let n = 0; n < 20; n++) aitubo.fault({ path: GET, kind: "500" });
      const { look: none, waits } = await finish(deps);
      assert.match(reasonOf({ look: none }), /500/);
      assert.equal(waits[0], 1_200);
      assert.equal(aitubo.taken, 2);
    });
  });
});
