/** Answers held for a moment: 100,000 page loads must cost the round nothing (design 8, R6: the same for everybody). */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { CodedError, type ErrorCode } from "@meme-rounds/shared-schema/errors";
import express from "express";
import { z } from "zod";
import { Held, HeldAnswer } from "../../src/infra/held.ts";
import { apiRouter, route } from "../../src/infra/http.ts";
import { createLogger } from "../../src/infra/logger.ts";

const params = z.object({ id: z.string() });
const query = z.object({ arena: z.string().default("main") });

describe("answers held for a moment", () => {
  const clock = { now: 0 };
  const asked: string[] = [];
  let fails: ErrorCode | undefined;
  let isLasting = false;
  let server: Server;
  let base: string;

  before(async () => {
    const app = express();
    const padding = "x".repeat(2_000);
    const answered = async (name: string) => {
      asked.push(name);
      if (fails !== undefined) throw new CodedError(fails);
      return { name, run: asked.length, isLasting, padding };
    };
    const shape = {
      method: "get",
      summary: "",
      auth: "none",
      answer: z.object({ name: z.string(), run: z.number(), isLasting: z.boolean(), padding: z.string() }),
      keeps: ["ROUND_LIVE", "ROUND_UNKNOWN"],
      errors: ["ROUND_LIVE", "ROUND_UNKNOWN", "UNAVAILABLE"],
    } as const;
    const routes = [
      route({
        ...shape,
        path: "/held",
        query,
        cache: "public, max-age=1",
        holdMs: 500,
        handler: (input) => answered(input.query.arena),
      }),
      route({
        ...shape,
        path: "/held/:id",
        params,
        cache: (answer) => `public, max-age=${answer.isLasting ? 60 : 1}`,
        holdMs: 500,
        handler: (input) => answered(input.params.id),
      }),
      route({
        ...shape,
        path: "/each/:id",
        params,
        cache: "public, max-age=60",
        handler: (input) => answered(input.params.id),
      }),
    ];
    const logger = createLogger("held-test", "silent");
    const limiter = { take: () => Promise.resolve() };
    const authenticate = () => Promise.reject(new Error("nobody signs in here"));
    app.use((_req, res, next) => {
      res.setHeader("Vary", "Origin");
      next();
    });
    app.use("/api", apiRouter(routes, { authenticate, limiter, logger, now: () => clock.now }));
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    base = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/api`;
  });
  after(() => server.close());
  beforeEach(() => {
    clock.now += 10_000;
    asked.length = 0;
    fails = undefined;
    isLasting = false;
  });
  const get = (path: string, headers: Record<string, string> = {}) => fetch(`${base}${path}`, { headers });
  const many = (path: string) => Promise.all(Array.from({ length: 50 }, () => get(path)));
  const cacheOf = ({ headers }: Response) => headers.get("cache-control");

  it("runs the handler once for all who ask within the time, per question, and again after it", async () => {
    const texts = new Set(await Promise.all((await many("/held")).map((answer) => answer.text())));
    assert.deepEqual([texts.size, asked], [1, ["main"]]);
    await get("/held?arena=other");
    // Further parameters do not make it another question.
    await get(`/held?arena=main&x=${clock.now}`);
    assert.deepEqual(asked, ["main", "other"]);
    clock.now += 499;
    await get("/held");
    assert.equal(asked.length, 2);
    clock.now += 1;
    const last = (await (await get("/held")).json()) as { run: number };
    assert.equal(last.run, 3);
  });

  it("answers 304 to who has it, compresses for who can unpack, and says what the cache may do", async () => {
    const first = await get("/held", { "accept-encoding": "identity" });
    assert.equal(first.headers.get("content-encoding"), null);
    assert.equal(cacheOf(first), "public, max-age=1");
    assert.equal(first.headers.get("vary"), "Origin, Accept-Encoding");
    const etag = first.headers.get("etag") ?? "";
    const again = await get("/held", { "if-none-match": etag, "cache-control": "max-age=0" });
    assert.deepEqual([again.status, await again.text()], [304, ""]);
    const packed = await get("/held", { "accept-encoding": "gzip" });
    assert.equal(packed.headers.get("content-encoding"), "gzip");
    assert.equal(packed.headers.get("etag"), etag);
    assert.deepEqual(await packed.json(), await first.json());
  });

  it("an answer may say for how long a cache keeps it", async () => {
    assert.equal(cacheOf(await get("/held/a")), "public, max-age=1");
    isLasting = true;
    assert.equal(cacheOf(await get("/held/a")), "public, max-age=1", "held as it was answered");
    clock.now += 500;
    assert.equal(cacheOf(await get("/held/a")), "public, max-age=60");
  });

  it("holds a refusal that is the same for everybody, and says when to come back where that can help", async () => {
    fails = "ROUND_LIVE";
    const answers = await many("/held/a");
    assert.deepEqual(
      new Set(answers.map((one) => [one.status, cacheOf(one), one.headers.get("retry-after")].join(" "))),
      new Set(["425 public, max-age=1 1"]),
    );
    assert.equal(asked.length, 1);
    const etag = answers[0]?.headers.get("etag") ?? "";
    const again = await get("/held/a", { "if-none-match": etag, "cache-control": "max-age=0" });
    assert.equal(again.status, 425, "a refusal is told in full, also to who has it");
    assert.match(again.headers.get("content-type") ?? "", /^application\/problem\+json/);
    assert.equal(((await again.json()) as { code: string }).code, "ROUND_LIVE");
    fails = "ROUND_UNKNOWN";
    assert.equal((await get("/held/b")).headers.get("retry-after"), null);
    fails = undefined;
    assert.equal((await get("/held/a")).status, 425, "for as long as a good answer is held");
    clock.now += 500;
    assert.equal((await get("/held/a")).status, 200);
  });

  it("a route that holds nothing lets a cache in front have such a refusal all the same", async () => {
    fails = "ROUND_LIVE";
    const answers = await many("/each/a");
    assert.deepEqual(new Set(answers.map(cacheOf)), new Set(["public, max-age=1"]));
    assert.equal(asked.length, 50);
  });

  it("does not keep any other failure, nor lets a cache have it", async () => {
    fails = "UNAVAILABLE";
    const failed = await get("/held");
    assert.deepEqual([failed.status, cacheOf(failed)], [503, "no-store"]);
    fails = undefined;
    assert.equal((await get("/held")).status, 200);
    assert.equal(cacheOf(await get("/nothing")), "no-store");
  });

  it("what one route is asked for does not push out what another one holds", async () => {
    await get("/held");
    for (let id = 0; id < 300; id++) await get(`/held/${id}`);
    asked.length = 0;
    await get("/held");
    await get("/held/299");
    await get("/held/0");
    assert.deepEqual(asked, ["0"]);
  });
});

describe("the store of held answers", () => {
  const answer = (bytes: number) => new HeldAnswer("x".repeat(bytes - 2), { cacheControl: "" });
  function stage() {
    const clock = { now: 0 };
    const made: string[] = [];
    const held = new Held({ now: () => clock.now });
    const take = (key: string, bytes = 10, ms = 1_000) =>
      held.take(key, ms, async () => {
        made.push(key);
        return answer(bytes);
      });
    return { clock, made, held, take };
  }

  it("keeps a bounded number", async () => {
    const { made, take } = stage();
    for (let key = 0; key < 1_000; key++) await take(String(key));
    assert.equal(made.length, 1_000);
    await take("999");
    assert.equal(made.length, 1_000);
    await take("0");
    assert.equal(made.length, 1_001);
  });

  it("keeps a bounded weight, but the last one whatever it weighs", async () => {
    const { made, take, clock } = stage();
    const third = 6 * 1024 * 1024;
    for (const key of ["a", "b", "c"]) await take(key, third);
    await take("c", third);
    await take("b", third);
    assert.deepEqual(made, ["a", "b", "c"]);
    await take("a", third);
    assert.deepEqual(made, ["a", "b", "c", "a"], "the oldest went");
    await take("whale", 3 * third);
    await take("whale", 3 * third);
    assert.equal(made.filter((key) => key === "whale").length, 1);
    // What was replaced or pushed out weighs nothing any more.
    for (let run = 0; run < 10; run++) {
      clock.now += 1_000;
      await take("a", third);
      await take("b", third);
    }
    made.length = 0;
    await take("a", third);
    assert.deepEqual(made, []);
  });

  it("whoever asks while a slow answer is made waits for it, within bounds", async () => {
    const { clock, held } = stage();
    let begun = 0;
    const finish: ((value: HeldAnswer) => void)[] = [];
    const take = () =>
      held.take("slow", 500, () => {
        begun++;
        return new Promise((resolve) => finish.push(resolve));
      });
    const first = take();
    clock.now += 4_999;
    const second = take();
    assert.equal(begun, 1);
    clock.now += 1;
    const third = take();
    assert.equal(begun, 2, "one that hangs is not everybody's for ever");
    finish[0]?.(answer(10));
    finish[1]?.(answer(20));
    assert.deepEqual(
      (await Promise.all([first, second, third])).map(({ bytes }) => bytes),
      [10, 10, 20],
    );
    clock.now += 499;
    assert.equal((await take()).bytes, 20);
    assert.equal(begun, 2);
  });
});
