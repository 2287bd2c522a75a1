/** Stopping in order (R11): readiness first, then everything drains, then parts stop; requests under way end well. */
import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { servingOn, watchIntake } from "../../src/infra/http-drain.ts";
import { Lifecycle } from "../../src/infra/lifecycle.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { startHealth } from "../../src/processes/health.ts";
import { until } from "../support/wait.ts";

const logger = createLogger("test", "silent");

describe("lifecycle", () => {
  it("R11: says that it drains before anything else; parts stop in reverse order when all have drained", async () => {
    const life = new Lifecycle(logger, () => 5_000);
    const log: string[] = [];
    let drained = (): void => undefined;
    life.add("first", () => void log.push("first stops"));
    life.add("second", () => void log.push("second stops"));
    life.addDrain("rounds", (drain) => {
      log.push(`rounds drain until ${drain.until}, draining ${life.isDraining}`);
      return new Promise<void>((resolve) => {
        drained = resolve;
      });
    });
    life.addDrain("failing", () => Promise.reject(new Error("no")));
    assert.equal(life.isDraining, false);
    const stopping = life.stop(660_000);
    assert.equal(life.isDraining, true);
    assert.deepEqual(log, []);
    await until(() => log.length === 1);
    assert.deepEqual(log, ["rounds drain until 665000, draining true"]);
    drained();
    await stopping;
    assert.deepEqual(log.slice(1), ["second stops", "first stops"]);
    assert.equal(life.stop(), stopping, "once");
  });

  it("R11: a second signal reaches what drains", async () => {
    const life = new Lifecycle(logger);
    life.addDrain("rounds", ({ hurry }) =>
      hurry.aborted ? undefined : new Promise((resolve) => hurry.addEventListener("abort", () => resolve())),
    );
    const stopping = life.stop(660_000);
    life.hurryUp();
    await stopping;
  });

  it("R11: a worker's /readyz says no from the first moment, /healthz goes on", async () => {
    const life = new Lifecycle(logger);
    const port = await startHealth({ HOST: "127.0.0.1", PORT: 0, METRICS_TOKEN: undefined }, life);
    const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
    let drained = (): void => undefined;
    life.addDrain("job", () => new Promise<void>((resolve) => (drained = resolve)));
    assert.equal(await statusOf("/readyz"), 200);
    const stopping = life.stop(60_000);
    assert.equal(await statusOf("/readyz"), 503);
    assert.equal(await statusOf("/healthz"), 200);
    drained();
    await stopping;
    await assert.rejects(statusOf("/healthz"));
  });

  it("R11: while draining, answers end their connections; requests under way are answered to their end", async () => {
    const life = new Lifecycle(logger);
    const waiting: ServerResponse[] = [];
    const server = createServer((req, res) => {
      if (req.url === "/slow") waiting.push(res);
      else res.end("fine");
    });
    const intake = watchIntake(server, life);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    assert.equal((await fetch(url)).headers.get("connection"), "keep-alive");
    const slow = fetch(`${url}/slow`);
    await until(() => waiting.length === 1);
    void life.stop();
    assert.equal((await fetch(url)).headers.get("connection"), "close");
    const stopping = intake.stop(60_000);
    await assert.rejects(fetch(url), "no new connection");
    waiting[0]?.end("late");
    assert.equal(await (await slow).text(), "late");
    await stopping;
  });

  it("R11: a request that does not end is cut off", async () => {
    const server = createServer(() => undefined);
    const intake = watchIntake(server, { isDraining: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const hanging = fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    hanging.catch(() => undefined);
    await until(
      async () =>
        (await new Promise<number>((resolve) => server.getConnections((_e, n) => resolve(n)))) === 1,
    );
    await intake.stop(50);
    await assert.rejects(hanging);
  });

  it("R11: serving on ends with the drain, and at once in a hurry", async () => {
    const hurry = new AbortController();
    await servingOn(60_000, { until: 1_000, hurry: hurry.signal }, 1_000);
    const serving = servingOn(60_000, { until: 90_000, hurry: hurry.signal }, 1_000);
    hurry.abort();
    await serving;
  });
});
