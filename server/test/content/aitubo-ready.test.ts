/** C8: /readyz of the game and of the 3D pipeline's process say who makes the look of models. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import express from "express";
import { Lifecycle } from "../../src/infra/lifecycle.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { startHealth } from "../../src/processes/health.ts";
import { bindWeb } from "../../src/web.ts";

const logger = createLogger("test", "silent");
const models = { provider: "local", reason: "PUBLIC_URL is not set" };

describe("what /readyz says besides (C8)", () => {
  it("the game: only while it is ready; a part that cannot answer makes it not ready", async () => {
    let ready = true;
    let details = async (): Promise<Record<string, unknown>> => ({ models });
    const app = express();
    bindWeb(
      app,
      { trustProxy: "" },
      {
        routes: [],
        authenticate: () => Promise.reject(new Error("nobody signs in here")),
        limiter: { take: async () => undefined },
        logger,
        ready: async () => ready,
        details: () => details(),
      },
    );
    const server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    assert.ok(typeof address === "object" && address);
    const ask = async () => {
      const answer = await fetch(`http://127.0.0.1:${address.port}/readyz`);
      return [answer.status, await answer.json()];
    };
    try {
      assert.deepEqual(await ask(), [200, { ready: true, models }]);
      ready = false;
      assert.deepEqual(await ask(), [503, { ready: false }]);
      ready = true;
      details = () => Promise.reject(new Error("Redis is gone"));
      assert.deepEqual(await ask(), [503, { ready: false }]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it("a worker: the same; /healthz stays as it is", async () => {
    const life = new Lifecycle(logger);
    let details = async (): Promise<Record<string, unknown>> => ({ models });
    const port = await startHealth({ HOST: "127.0.0.1", PORT: 0, METRICS_TOKEN: undefined }, life, () =>
      details(),
    );
    const ask = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      return [answer.status, await answer.json()];
    };
    try {
      assert.deepEqual(await ask("/readyz"), [200, { ok: true, models }]);
      assert.deepEqual(await ask("/healthz"), [200, { ok: true }]);
      details = () => Promise.reject(new Error("Redis is gone"));
      assert.deepEqual(await ask("/readyz"), [503, { ok: false }]);
      assert.deepEqual(await ask("/healthz"), [200, { ok: true }]);
    } finally {
      await life.stop();
    }
  });
});
