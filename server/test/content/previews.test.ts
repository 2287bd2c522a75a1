/** The creator's choice of shape and its preview over HTTP (C3): real queue, a sculptor under the test's hand. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { problemSchema } from "@meme-rounds/shared-schema/rest";
import { contentAnswer, type ModelWish, previewAnswer } from "@meme-rounds/shared-schema/rest-content";
import express from "express";
import { ContentStore } from "../../src/content/content-store.ts";
import { previewRoutes } from "../../src/content/pipeline/preview-routes.ts";
import { Previews, type PreviewsOptions } from "../../src/content/pipeline/previews.ts";
import { Unsculptable } from "../../src/content/pipeline/sculptor.ts";
import { apiRouter } from "../../src/infra/http.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { until } from "../support/wait.ts";
import { aMeme, anyModel, type Pipeline, pipelineOn, silent } from "./pipeline-kit.ts";

describe("previews", function () {
  this.timeout(30_000);
  let server: TestRedis;
  let line: Pipeline;
  let contents: ContentStore;
  let http: Server;
  let previews: Previews | undefined;
  let memeId: string;

  beforeEach(async () => {
    server = await startRedis();
    line = pipelineOn(server.url);
    contents = new ContentStore(line.redis);
    memeId = await aMeme(line.media);
    await contents.put({
      contentId: "c-1",
      memeId,
      title: "A ball",
      mime: "image/webp",
      phash: "0".repeat(16),
      identity: "ann",
      status: "approved",
      reasons: [],
      judges: [],
      width: 256,
      height: 256,
      mode: "auto",
      appeal: "none",
    });
  });
  afterEach(async () => {
    http.close();
    await previews?.stop();
    await line.stop();
    await server.close();
  });

  async function serve(options: PreviewsOptions = {}): Promise<void> {
    previews = new Previews(options, { redis: line.redis, logger: silent });
    const app = express();
    const authenticate = async (token: string) =>
      ({ identity: token, playKey: token, role: "player", sessionId: token }) as const;
    const limiter = { take: async () => undefined };
    app.use(
      "/api",
      apiRouter(previewRoutes({ contents, previews }), { authenticate, limiter, logger: silent }),
    );
    http = createServer(app);
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  }

  const call = (method: string, path: string, body: unknown, as = "ann"): Promise<Response> =>
    fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/api${path}`, {
      method,
      headers: { authorization: `Bearer ${as}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const preview = (mode: ModelWish, as?: string): Promise<Response> =>
    call("POST", "/content/c-1/preview", { mode }, as);
  const codeOf = async (answer: Response): Promise<string> => problemSchema.parse(await answer.json()).code;

  it("C3: shows what the picture would become; asked for twice it is made once", async () => {
    await serve();
    line.startSculptor();
    const [first, second] = await Promise.all([preview("relief"), preview("relief")]);
    assert.equal(first.status, 200);
    const made = previewAnswer.parse(await first.json());
    assert.deepEqual(previewAnswer.parse(await second.json()), made);
    assert.equal(line.sculpted.length, 1);
    assert.equal(line.sculpted[0]?.mode, "relief");
    for (const path of [made.glb, made.poster, made.turntable])
      assert.ok(await line.media.get(path.slice("/media/".length)), path);
    await preview("diorama");
    assert.equal(line.sculpted.length, 2);
    assert.equal(line.published.length, 0);
  });

  it("C6: a preview's files leave by themselves", async () => {
    await serve();
    line.startSculptor();
    const { glb } = previewAnswer.parse(await (await preview("auto")).json());
    assert.ok((await line.redis.ttl(`mr:media:${glb.slice("/media/".length)}`)) > 0);
  });

  it("C3: winners go first", async () => {
    await serve();
    const waiting = [preview("auto"), preview("relief")];
    await until(async () => (await line.redis.zcard("mr:bull:sculpt:prioritized")) === 2, {
      what: "two previews",
    });
    const winner = await aMeme(line.media);
    await line.winners.enqueue("r.1", [{ memeId: winner, title: "Winner" }]);
    line.startContent();
    await until(async () => (await line.redis.llen("mr:bull:sculpt:wait")) > 0, {
      what: "the winner's turn",
    });
    line.startSculptor();
    await Promise.all(waiting);
    await line.settled("r.1", ["done"]);
    const winnersBytes = (await line.media.get(winner))?.bytes;
    assert.ok(winnersBytes?.equals(line.sculpted[0]?.source ?? Buffer.alloc(0)));
  });

  it("C3: the wish is the owner's, and reaches the sculptor once the meme has won", async () => {
    await serve();
    const changed = await call("PATCH", "/content/c-1", { mode: "relief" });
    assert.equal(contentAnswer.parse(await changed.json()).mode, "relief");
    const content = await contents.get("c-1");
    assert.ok(content);
    await contents.entered(content);
    assert.equal(await contents.wishOf(memeId), "relief");
    // Somebody else with the same picture does not change it.
    await contents.put({ ...content, contentId: "c-2", identity: "bob", mode: "diorama" });
    await contents.entered({ ...content, contentId: "c-2" });
    assert.equal(await contents.wishOf(memeId), "relief");
    assert.equal(await contents.wishOf("f".repeat(64)), "auto");
  });

  it("R6: a stranger learns nothing; bad wishes and pictures that were not approved are refused", async () => {
    await serve();
    assert.equal(await codeOf(await preview("auto", "bob")), "CONTENT_UNKNOWN");
    assert.equal(
      await codeOf(await call("PATCH", "/content/c-1", { mode: "auto" }, "bob")),
      "CONTENT_UNKNOWN",
    );
    assert.equal(await codeOf(await call("PATCH", "/content/c-1", { mode: "cube" })), "BAD_REQUEST");
    assert.equal(await codeOf(await call("POST", "/content/c-1/preview", {})), "BAD_REQUEST");
    await contents.update("c-1", (now) => ({ ...now, status: "review" }));
    assert.equal(await codeOf(await preview("auto")), "CONTENT_NOT_APPROVED");
  });

  it("C3: a picture of which nothing can be made is said so, and may be tried again", async () => {
    await serve();
    let tries = 0;
    line.sculptWith(async () => {
      if (tries++ === 0) throw new Unsculptable("no model could be made");
      return anyModel();
    });
    line.startSculptor();
    assert.equal(await codeOf(await preview("auto")), "PREVIEW_FAILED");
    assert.equal((await preview("auto")).status, 200);
  });

  it("C3: where the sculptors do not get to it in time, it is made all the same for the next question", async () => {
    await serve({ timeoutMs: 200 });
    const late = await preview("auto");
    assert.equal(late.status, 503);
    assert.equal(await codeOf(late), "UNAVAILABLE");
    line.startSculptor();
    await until(async () => (await line.redis.zcard("mr:bull:sculpt:completed")) === 1, {
      what: "the preview",
    });
    assert.equal((await preview("auto")).status, 200);
    assert.equal(line.sculpted.length, 1);
  });

  it("C3: a crowd of previews is refused before it fills the queue", async () => {
    await serve({ timeoutMs: 200, maxWaiting: 1 });
    await preview("auto");
    const started = line.sculpted.length;
    assert.equal(await codeOf(await preview("relief")), "UNAVAILABLE");
    assert.equal(await line.redis.zcard("mr:bull:sculpt:prioritized"), 1);
    assert.equal(started, 0);
  });
});
