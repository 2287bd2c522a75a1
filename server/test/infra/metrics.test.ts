/** Metrics: made once, and not for the public (design.md 8, O8). */
import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { Lifecycle } from "../../src/infra/lifecycle.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { counter, gauge, histogram, mayRead, measureProcess, metricNames } from "../../src/infra/metrics.ts";
import { startHealth } from "../../src/processes/health.ts";
import { bindWeb } from "../../src/web.ts";

const TOKEN = "a token for the scraper";
const from = (remoteAddress: string | undefined, headers: IncomingHttpHeaders = {}) => ({
  socket: { remoteAddress },
  headers,
});

describe("metrics", () => {
  it("O8: a metric asked for twice is one", () => {
    gauge("mr_test_level", "A level.").set(4);
    gauge("mr_test_level", "A level.").inc(1);
    assert.equal(gauge("mr_test_level", "A level."), gauge("mr_test_level", "A level."));
    assert.equal(
      counter("mr_test_total", "A count.", ["kind"]),
      counter("mr_test_total", "A count.", ["kind"]),
    );
    assert.equal(histogram("mr_test_seconds", "Time."), histogram("mr_test_seconds", "Time."));
    assert.ok(metricNames().includes("mr_test_level"));
  });

  it("O8: the process itself is measured, however often that is asked for", () => {
    measureProcess();
    measureProcess();
    for (const name of ["nodejs_eventloop_lag_p99_seconds", "process_resident_memory_bytes"])
      assert.ok(metricNames().includes(name), name);
  });

  it("O8: a name that is taken, or is not ours, is refused", () => {
    gauge("mr_test_taken", "A level.", ["arena"]);
    assert.throws(() => counter("mr_test_taken", "A count.", ["arena"]), TypeError);
    assert.throws(() => gauge("mr_test_taken", "A level.", ["round"]), TypeError);
    for (const name of ["float_low", "mr_", "mr_Float", "mr__low", "mr_float-low"])
      assert.throws(() => gauge(name, "A level."), TypeError, name);
  });

  it("O8: read from this machine or with the token; a header about the caller only counts against it", () => {
    const cases: [ReturnType<typeof from>, string | undefined, boolean][] = [
      [from("127.0.0.1"), undefined, true],
      [from("::1"), undefined, true],
      [from("::ffff:127.0.0.1"), undefined, true],
      [from("127.0.0.1"), TOKEN, true],
      [from("10.0.0.8"), undefined, false],
      [from("::ffff:10.0.0.8"), undefined, false],
      [from("2001:db8::1"), undefined, false],
      [from(undefined), undefined, false],
      [from("127.0.0.1.example.org"), undefined, false],
      [from("10.0.0.8", { "x-forwarded-for": "127.0.0.1" }), undefined, false],
      [from("10.0.0.8", { forwarded: "for=127.0.0.1", "x-real-ip": "::1" }), undefined, false],
      // A proxy on this machine brings strangers.
      [from("127.0.0.1", { "x-forwarded-for": "127.0.0.1" }), undefined, false],
      [from("127.0.0.1", { via: "1.1 edge" }), undefined, false],
      [from("10.0.0.8", { authorization: `Bearer ${TOKEN}` }), TOKEN, true],
      [from("127.0.0.1", { "x-forwarded-for": "10.0.0.8", authorization: `Bearer ${TOKEN}` }), TOKEN, true],
      [from("10.0.0.8", { authorization: "Bearer another" }), TOKEN, false],
      [from("127.0.0.1", { authorization: "Bearer another" }), TOKEN, false],
      [from("10.0.0.8", { authorization: "Bearer undefined" }), undefined, false],
      [from("10.0.0.8", { authorization: "Bearer " }), TOKEN, false],
    ];
    for (const [caller, token, may] of cases)
      assert.equal(mayRead(caller, token), may, `${JSON.stringify(caller)} ${token}`);
  });

  it("O8: over HTTP the text has our metrics, and a call through a proxy is refused also where one is trusted", async () => {
    gauge("mr_test_served", "Served.").set(7);
    const app = express();
    bindWeb(
      app,
      { trustProxy: "loopback" },
      {
        routes: [],
        authenticate: () => Promise.reject(new Error("nobody signs in here")),
        limiter: { take: async () => undefined },
        logger: createLogger("test", "silent"),
        ready: async () => true,
      },
    );
    const server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const life = new Lifecycle(createLogger("test", "silent"));
    life.add("game", () => void server.close());
    const worker = await startHealth({ HOST: "127.0.0.1", PORT: 0, METRICS_TOKEN: TOKEN }, life);
    try {
      for (const port of [(server.address() as AddressInfo).port, worker]) {
        const url = `http://127.0.0.1:${port}/metrics`;
        const good = await fetch(url);
        assert.equal(good.status, 200);
        assert.match(good.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
        assert.match(await good.text(), /^mr_test_served 7$/m);
        const forged = await fetch(url, { headers: { "x-forwarded-for": "127.0.0.1" } });
        assert.equal(forged.status, 403);
        assert.doesNotMatch(await forged.text(), /mr_/);
      }
      const headers = { "x-forwarded-for": "10.0.0.8", authorization: `Bearer ${TOKEN}` };
      assert.equal((await fetch(`http://127.0.0.1:${worker}/metrics`, { headers })).status, 200);
      assert.equal((await fetch(`http://127.0.0.1:${worker}/healthz?x=1`)).status, 200);
      assert.equal((await fetch(`http://127.0.0.1:${worker}/other`)).status, 404);
    } finally {
      await life.stop();
    }
  });
});
