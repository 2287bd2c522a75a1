/** I5: what every request and upgrade passes first, over real sockets. */
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { SOCKET_CLOSE } from "@meme-rounds/shared-schema/close-codes";
import express from "express";
import { WebSocket, WebSocketServer } from "ws";
import { createClientIp, trustOf } from "../../src/infra/client-ip.ts";
import { createGate } from "../../src/infra/gate.ts";
import type { Standing } from "../../src/infra/limiter.ts";
import type { LimitRule } from "../../src/infra/limits.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { until } from "../support/wait.ts";

async function rig(trust = "loopback") {
  const denied = new Set<string>();
  const changed: (() => void)[] = [];
  const control = {
    judge: (_rule: LimitRule, _key: unknown): Standing | Promise<Standing> => ({
      verdict: "ok",
      remaining: 9,
      resetMs: 0,
    }),
    kicked: 0,
  };
  const seen: { path: string; ip: unknown }[] = [];
  const gate = createGate({
    clientIp: createClientIp(trustOf(trust)),
    rules: {
      verdict: (ip) => (denied.has(ip) ? "deny" : "none"),
      onChange: (listener) => void changed.push(listener),
    },
    limiter: { judge: (rule, key) => control.judge(rule, key), kickedFor: async () => control.kicked },
    logger: createLogger("test", "silent"),
  });
  const server = gate.createServer();
  server.on(
    "request",
    express().use((req, res) => {
      seen.push({ path: req.path, ip: req.headers["x-real-ip"] });
      res.json({ ok: true });
    }),
  );
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (req, socket, head) =>
    sockets.handleUpgrade(req, socket, head, (ws) => {
      seen.push({ path: req.url ?? "", ip: req.headers["x-real-ip"] });
      ws.on("error", () => undefined);
      ws.on("message", (data) => ws.send(String(data)));
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    gate,
    denied,
    control,
    seen,
    tell: () => {
      for (const listener of changed) listener();
    },
    get: (path: string, ip?: string, more: Record<string, string> = {}) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        headers: { ...(ip ? { "x-forwarded-for": ip } : {}), ...more },
      }),
    ws: (path: string, ip?: string, more: Record<string, string> = {}) =>
      new WebSocket(`ws://127.0.0.1:${port}${path}`, {
        headers: { ...(ip ? { "x-forwarded-for": ip } : {}), ...more },
      }),
    async close() {
      for (const ws of sockets.clients) ws.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** `open`, or the status of the refusal. */
const outcome = (ws: WebSocket): Promise<string> =>
  new Promise((resolve) => {
    ws.once("open", () => resolve("open"));
    ws.once("unexpected-response", (_req, res) => resolve(String(res.statusCode)));
    ws.once("error", (error) => resolve(error.message));
  });

describe("gate", () => {
  let made: Awaited<ReturnType<typeof rig>>;
  const use = async (trust?: string) => {
    made = await rig(trust);
    return made;
  };
  afterEach(() => made.close());

  it("I5: a denied address gets neither page, API, media, seat nor socket; others do; health is answered", async () => {
    const { denied, get, ws, seen } = await use();
    denied.add("203.0.113.1");
    for (const path of [
      "/",
      "/assets/a.js",
      "/api/me",
      "/media/x",
      "/m/x",
      "/matchmake/joinById/x",
      "/metrics",
    ]) {
      const refused = await get(path, "203.0.113.1");
      assert.equal(refused.status, 403, path);
      assert.equal(((await refused.json()) as { code: string }).code, "IP_DENIED");
      assert.equal((await get(path, "203.0.113.2")).status, 200, path);
    }
    for (const path of ["/proc/room?sessionId=a", "/spectate/round?sessionId=a"]) {
      assert.equal(await outcome(ws(path, "203.0.113.1")), "403");
      assert.equal(await outcome(ws(path, "203.0.113.2")), "open");
    }
    for (const path of ["/healthz", "/readyz"]) assert.equal((await get(path, "203.0.113.1")).status, 200);
    assert.ok(!seen.some(({ ip }) => ip === "203.0.113.1"));
  });

  it("I5: forged headers change nothing where nobody is trusted, on sockets as on requests", async () => {
    const { denied, get, ws, seen } = await use("");
    const forged = { "x-real-ip": "203.0.113.9", forwarded: "for=203.0.113.9" };
    assert.equal((await get("/matchmake/joinById/x", "203.0.113.9", forged)).status, 200);
    assert.equal(await outcome(ws("/proc/room", "203.0.113.9", forged)), "open");
    await until(() => seen.length === 2);
    assert.deepEqual(
      seen.map(({ ip }) => ip),
      ["127.0.0.1", "127.0.0.1"],
      "what the room framework is told",
    );
    denied.add("127.0.0.1");
    assert.equal((await get("/", "203.0.113.9", forged)).status, 403);
    assert.equal(await outcome(ws("/proc/room", "203.0.113.9", forged)), "403");
  });

  it("I5: an address that is denied later loses its sockets, with a code; others keep theirs", async () => {
    const { denied, ws, tell, gate } = await use();
    const [bad, worse, good] = [
      ws("/proc/a", "203.0.113.1"),
      ws("/spectate/b", "203.0.113.1"),
      ws("/proc/c", "203.0.113.2"),
    ];
    for (const one of [bad, worse, good]) assert.equal(await outcome(one), "open");
    assert.equal(gate.sockets(), 3);
    const closed = [bad, worse].map((one) => new Promise((resolve) => one.once("close", resolve)));
    denied.add("203.0.113.1");
    tell();
    assert.deepEqual(await Promise.all(closed), [SOCKET_CLOSE.denied, SOCKET_CLOSE.denied]);
    await until(() => gate.sockets() === 1);
    const echo = new Promise((resolve) => good.once("message", (data) => resolve(String(data))));
    good.send("still here");
    assert.equal(await echo, "still here");
  });

  it("I5: beyond the limit of all requests the answer is 429 with Retry-After; the page's files are not counted", async () => {
    const { control, get, seen } = await use();
    control.judge = (rule) => ({
      verdict: rule.name === "http.all" ? "limit" : "ok",
      remaining: 0,
      resetMs: 1_500,
    });
    for (const path of ["/api/me", "/media/x", "/m/x", "/matchmake/joinById/x"]) {
      const refused = await get(path);
      assert.equal(refused.status, 429, path);
      assert.equal(refused.headers.get("retry-after"), "2");
      assert.equal(((await refused.json()) as { code: string }).code, "RATE_LIMITED");
    }
    assert.equal(seen.length, 0);
    assert.equal((await get("/assets/a.js")).status, 200);
  });

  it("I5: joins have their own limit by address, and none is let in that was thrown out", async () => {
    const { control, get, ws } = await use();
    const asked: string[] = [];
    control.judge = (rule) => {
      asked.push(rule.name);
      return { verdict: rule.name === "join.ip" ? "limit" : "ok", remaining: 0, resetMs: 30_000 };
    };
    assert.equal((await get("/matchmake/joinById/x")).status, 429);
    assert.equal((await get("/api/me")).status, 200);
    assert.equal(await outcome(ws("/spectate/x")), "open");
    assert.deepEqual(asked, ["http.all", "join.ip", "http.all", "spectate.ip"]);
    control.judge = () => ({ verdict: "ok", remaining: 1, resetMs: 0 });
    control.kicked = 42_000;
    const refused = await get("/matchmake/joinById/x");
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get("retry-after"), "42");
    assert.equal(await outcome(ws("/spectate/x")), "429");
    // A player's seat was judged when it was taken.
    assert.equal(await outcome(ws("/proc/room?sessionId=a")), "open");
  });

  it("I5: a socket that breaks off while it is judged takes nothing with it", async () => {
    const { control, ws, gate, get } = await use();
    const held = Promise.withResolvers<Standing>();
    control.judge = (rule) =>
      rule.name === "spectate.ip" ? held.promise : { verdict: "ok", remaining: 1, resetMs: 0 };
    const one = ws("/spectate/x");
    const gone = outcome(one);
    await until(() => one.readyState === one.CONNECTING);
    one.terminate();
    await gone;
    held.resolve({ verdict: "ok", remaining: 1, resetMs: 0 });
    assert.equal((await get("/api/me")).status, 200);
    assert.equal(gate.sockets(), 0);
  });
});
