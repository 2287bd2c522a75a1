/** Answers held for a moment: 100,000 page loads must cost the round nothing (design 8, R6: the same for everybody). */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import express from "express";
import { z } from "zod";
import { Held } from "../../src/infra/held.ts";
import { apiRouter, route } from "../../src/infra/http.ts";
import { createLogger } from "../../src/infra/logger.ts";

describe("answers held for a moment", () => {
  const clock = { now: 0 };
  const asked: string[] = [];
  let fails = false;
  let server: Server;
  let base: string;

  before(async () => {
    const app = express();
    const held = route({
      method: "get",
      path: "/held",
      summary: "",
      auth: "none",
      query: z.object({ arena: z.string().default("main") }),
      answer: z.object({ arena: z.string(), run: z.number(), padding: z.string() }),
      cache: "public, max-age=1",
      holdMs: 500,
      errors: ["ROUND_NONE"],
      async handler({ query }) {
        asked.push(query.arena);
        if (fails) throw new CodedError("ROUND_NONE");
        return { arena: query.arena, run: asked.length, padding: "x".repeat(2_000) };
      },
    });
    const logger = createLogger("held-test", "silent");
    const limiter = { take: () => Promise.resolve() };
    const authenticate = () => Promise.reject(new Error("nobody signs in here"));
    app.use("/api", apiRouter([held], { authenticate, limiter, logger, now: () => clock.now }));
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    base = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/api/held`;
  });
  after(() => server.close());
  beforeEach(() => {
    clock.now += 10_000;
    asked.length = 0;
    fails = false;
  });

  it("runs the handler once for all who ask within the time, per question, and again after it", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(base)));
    const texts = new Set(await Promise.all(answers.map((answer) => answer.text())));
    assert.deepEqual([texts.size, asked], [1, ["main"]]);
    await fetch(`${base}?arena=other`);
    // Further parameters do not make it another question.
    await fetch(`${base}?arena=main&x=${clock.now}`);
    assert.deepEqual(asked, ["main", "other"]);
    clock.now += 499;
    await fetch(base);
    assert.equal(asked.length, 2);
    clock.now += 1;
    const last = (await (await fetch(base)).json()) as { run: number };
    assert.equal(last.run, 3);
  });

  it("answers 304 to who has it, compresses for who can unpack, and says what the cache may do", async () => {
    const first = await fetch(base, { headers: { "accept-encoding": "identity" } });
    assert.equal(first.headers.get("content-encoding"), null);
    assert.equal(first.headers.get("cache-control"), "public, max-age=1");
    assert.equal(first.headers.get("vary"), "Accept-Encoding");
    const etag = first.headers.get("etag") ?? "";
    const again = await fetch(base, { headers: { "if-none-match": etag, "cache-control": "max-age=0" } });
    assert.deepEqual([again.status, await again.text()], [304, ""]);
    const packed = await fetch(base, { headers: { "accept-encoding": "gzip" } });
    assert.equal(packed.headers.get("content-encoding"), "gzip");
    assert.equal(packed.headers.get("etag"), etag);
    assert.deepEqual(await packed.json(), await first.json());
  });

  it("does not keep a failure, and keeps a bounded number of answers", async () => {
    fails = true;
    assert.equal((await fetch(base)).status, 503);
    fails = false;
    assert.equal((await fetch(base)).status, 200);
    const held = new Held({ now: () => 0 });
    let made = 0;
    const take = (key: number) => held.take(String(key), 1_000, async () => ++made);
    for (let key = 0; key < 1_000; key++) await take(key);
    assert.equal(made, 1_000);
    await take(999);
    assert.equal(made, 1_000);
    await take(0);
    assert.equal(made, 1_001);
  });
});
