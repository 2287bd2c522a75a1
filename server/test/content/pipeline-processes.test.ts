/** The pipeline as it runs: its two real processes, AITubo's stand-in, a killed one in between (C3). */
import assert from "node:assert/strict";
import { type AituboStandIn, startAitubo } from "../../standins/aitubo/server.ts";
import { startService, type TestProcess } from "../support/processes.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { until } from "../support/wait.ts";
import { aMeme, type Pipeline, pipelineOn, serveToAitubo } from "./pipeline-kit.ts";

const KEY = "api-0123456789abcdef0123456789abcdef";
const SECRET = "a secret of at least thirty-two bytes";
/** Long enough to be killed in between, ms. */
const PAINTING_MS = 3_000;
/** An event loop that makes models itself is silent for seconds. */
const HEALTH_MS = 500;

describe("3D pipeline's processes", function () {
  this.timeout(120_000);
  let server: TestRedis;
  let line: Pipeline;
  let aitubo: AituboStandIn;
  let memes: Awaited<ReturnType<typeof serveToAitubo>>;
  let env: Record<string, string>;
  const running: TestProcess[] = [];

  before(async () => {
    server = await startRedis({ durable: true });
    line = pipelineOn(server.url);
    aitubo = await startAitubo({ port: 0, apiKey: KEY, latencyMs: PAINTING_MS });
    memes = await serveToAitubo(SECRET, line.media);
    env = {
      REDIS_URL: server.url,
      AITUBO_URL: aitubo.url,
      AITUBO_API_KEY: KEY,
      PUBLIC_URL: memes.url,
      MEDIA_SECRET: SECRET,
      KEYSTORE_PASSPHRASE: "only for tests",
    };
  });
  after(async () => {
    for (const one of running) await one.stop();
    await line.stop();
    memes.close();
    await aitubo.close();
    await server.close();
  });

  async function start(service: string): Promise<TestProcess & { url: string }> {
    const one = await startService(service, env);
    running.push(one);
    return one;
  }

  it("C3: kill -9 while AITubo paints: nothing is ordered or published twice, all winners become models", async () => {
    const winners = await Promise.all(
      [0, 1].map(async (k) => ({ memeId: await aMeme(line.media, 512), title: `Meme ${k}` })),
    );
    const models = await start("model-worker");
    const first = await start("content-worker");
    await line.winners.enqueue("r.1", winners);
    await until(async () => aitubo.taken === 2 && (await line.redis.zcard("mr:bull:look:delayed")) === 2, {
      what: "both pictures ordered and waited for",
      deadlineMs: 20_000,
    });
    await first.kill();
    assert.deepEqual(Object.values(await line.winners.statesOf("r.1")), ["painting", "painting"]);
    await start("content-worker");

    let slowest = 0;
    const states = await until(
      async () => {
        const from = performance.now();
        assert.equal((await fetch(`${models.url}/healthz`)).status, 200);
        slowest = Math.max(slowest, performance.now() - from);
        const all = await line.winners.statesOf("r.1");
        return Object.values(all).every((state) => state === "done" || state === "review") ? all : false;
      },
      { what: "both models", deadlineMs: 60_000 },
    );
    assert.deepEqual(Object.values(states), ["done", "done"]);
    assert.ok(slowest < HEALTH_MS, `/healthz of the model worker took ${slowest} ms`);
    assert.equal(aitubo.taken, 2);
    const published = await line.gallery.modelsOf("r.1");
    assert.deepEqual(
      published.map(({ memeId }) => memeId).sort(),
      winners.map(({ memeId }) => memeId).sort(),
    );
    const files = (await line.redis.hkeys("mr:records:waiting")).filter((id) => id.startsWith("media:glb:"));
    assert.equal(files.length, 2);
  });
});
