/**
 * Attacks on the whole running game, over the wire: nothing falls over, nothing changes, nobody else notices.
 * Rules R9, I2, I5; design 8.
 */
import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { snapshotSchema } from "@meme-rounds/shared-schema/rest";
import fc from "fast-check";
import { WebSocket } from "ws";
import { Player } from "../../../loadtest/src/player.ts";
import { type Cluster, startCluster } from "../game/cluster.ts";
import { until } from "../support/wait.ts";

interface Operation {
  method: string;
  path: string;
}

describe("attacks over the wire", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let ann: Player;
  let routes: Operation[];
  before(async () => {
    cluster = await startCluster({ roundSeconds: 600 });
    ann = new Player(cluster.url);
    await ann.signIn();
    const { paths } = (await (await fetch(`${cluster.url}/api/openapi.json`)).json()) as {
      paths: Record<string, Record<string, unknown>>;
    };
    routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({
        method: method.toUpperCase(),
        path: path.replaceAll(/\{\w+\}/g, "x"),
      })),
    );
    assert.ok(routes.length > 30);
  });
  after(async () => {
    await ann?.leave();
    await cluster?.stop();
  });
  afterEach(async () => {
    assert.equal((await fetch(`${cluster.url}/readyz`)).status, 200, cluster.processes.game.output());
    const failed = cluster.processes.game
      .output()
      .split("\n")
      .filter((line) => /"level":(?:50|60)|Unhandled|Uncaught/.test(line));
    assert.deepEqual(failed, []);
  });

  const writing = (): Operation[] =>
    routes.filter(({ method, path }) => method !== "GET" && path !== "/api/me" && !path.includes("logout"));
  const send = ({ method, path }: Operation, headers: Record<string, string>, body?: RequestInit["body"]) =>
    fetch(`${cluster.url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  const bearer = () => ({ authorization: `Bearer ${ann.token}` });

  it("CSRF: no route sets a cookie or knows one, and none takes what another site's form can send", async () => {
    for (const one of routes) {
      const answer = await send(one, { cookie: `token=${ann.token}; accessToken=${ann.token}; sid=1` });
      assert.equal(answer.headers.get("set-cookie"), null, one.path);
      await answer.arrayBuffer();
    }
    const cookie = { cookie: `accessToken=${ann.token}; Authorization=Bearer ${ann.token}` };
    assert.equal((await fetch(`${cluster.url}/api/me`, { headers: cookie })).status, 401);
    for (const one of routes.filter(({ method }) => method !== "GET")) {
      for (const type of [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
      ]) {
        const cross = { origin: "https://evil.example", "content-type": type, ...bearer() };
        const answer = await send(one, cross, "{}");
        assert.equal(answer.status, 403, `${one.method} ${one.path} ${type}`);
        assert.equal(answer.headers.get("access-control-allow-origin"), null);
        await answer.arrayBuffer();
      }
      const answer = await send(one, { "content-type": "text/plain", ...bearer() }, '{"a":"b"}');
      assert.equal(answer.status, 415, `${one.method} ${one.path} text without an origin`);
      await answer.arrayBuffer();
    }
    assert.equal((await fetch(`${cluster.url}/api/me`, { headers: bearer() })).status, 200);
  });

  const NASTY: [string, string | Buffer][] = [
    ["__proto__", '{"__proto__":{"polluted":1,"role":"admin"}}'],
    ["constructor.prototype", '{"constructor":{"prototype":{"polluted":1}}}'],
    ["an array for an object", "[]"],
    ["null", "null"],
    ["a string", '"x"'],
    ["deep nesting", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
    ["deep objects", `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`],
    ["duplicate keys", '{"wallet":"manual","wallet":"okx","address":1,"address":"x"}'],
    ["NUL", '{"wallet":"man\\u0000ual","address":"\\u0000","playKey":"\\u0000","to":"\\u0000"}'],
    ["a raw NUL", '{"a":"\0"}'],
    ["invalid UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x22, 0xc0, 0x80, 0x22, 0x7d])],
    ["a lone surrogate", '{"address":"\\ud800","nonce":"\\udfff"}'],
    ["large numbers", '{"sats":1e308,"amount":-1e308,"address":1e999,"nonce":9007199254740993}'],
    ["fractions", '{"sats":0.1,"depositPerDay":1e-300,"hours":-0}'],
    ["many keys", `{${Array.from({ length: 50_000 }, (_, at) => `"k${at}":1`).join()}}`],
    ["broken", '{"a":'],
    ["nothing but space", " "],
  ];
  it("R9: no JSON makes a route fail on our side: every answer is a refusal with a code", async function () {
    this.timeout(240_000);
    for (const [what, body] of NASTY)
      for (const one of writing()) {
        const answer = await send(
          one,
          { "content-type": "application/json", ...bearer() },
          body as RequestInit["body"],
        );
        const text = await answer.text();
        assert.ok(answer.status < 500, `${what} at ${one.method} ${one.path}: ${answer.status} ${text}`);
        if (answer.status >= 400)
          assert.ok((JSON.parse(text) as { code?: string }).code, `${what} ${one.path}`);
        assert.ok(!text.includes("polluted"), `${what} at ${one.path} came back`);
      }
    const me = (await (await fetch(`${cluster.url}/api/me`, { headers: bearer() })).json()) as {
      role: string;
    };
    assert.equal(me.role, "player");
  });

  it("hardening: a body that is too large, or unpacks to more, is refused before it is read whole", async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, " "));
    assert.ok(bomb.length < 60_000);
    const json = { "content-type": "application/json" };
    const packed = await send(
      { method: "POST", path: "/api/auth/challenge" },
      { ...json, "content-encoding": "gzip" },
      Uint8Array.from(bomb),
    );
    assert.equal(packed.status, 413);
    const plain = await send({ method: "POST", path: "/api/auth/challenge" }, json, " ".repeat(2_000_000));
    assert.equal(plain.status, 413);
    // Only routes that take transactions read more than 64 kB.
    for (const [path, size, status] of [
      ["/api/auth/challenge", 60_000, 400],
      ["/api/auth/challenge", 70_000, 413],
      ["/api/wallet/broadcast", 900_000, 400],
      ["/api/wallet/broadcast", 1_100_000, 413],
    ] as const) {
      const body = JSON.stringify({ tx: "00".repeat(size / 2) });
      assert.equal((await send({ method: "POST", path }, json, body)).status, status, `${path} ${size}`);
    }
    const endless = await new Promise<number>((resolve, reject) => {
      const req = request(`${cluster.url}/matchmake/joinById/x`, { method: "POST", headers: json }, (res) =>
        resolve(res.statusCode ?? 0),
      );
      req.on("error", reject);
      req.write("{");
    });
    assert.equal(endless, 400);
  });

  it("hardening: what is no seat's request is refused, whoever's framework would have choked on it", async () => {
    const raw = (text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        let said = "";
        const { hostname, port } = new URL(cluster.url);
        const socket = connect(Number(port), hostname, () => socket.write(text));
        socket.on("data", (chunk: Buffer) => {
          said += chunk.toString();
          if (said.includes("\r\n\r\n")) socket.end();
        });
        socket.on("close", () => resolve(said));
        socket.on("error", reject);
      });
    const body = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    for (const lines of ["Host: %%%", "Host: a b", "Host: x\r\nX-Forwarded-Proto: java script, %%"])
      assert.match(
        await raw(`POST /matchmake/joinById/x HTTP/1.1\r\n${lines}\r\n${body}`),
        /^HTTP\/1\.1 [45]\d\d /,
      );
    for (const bytes of [
      "null",
      "[]",
      '"x"',
      '{"__proto__":{"polluted":1}}',
      "{",
      "1e999",
      `${"[".repeat(8_000)}`,
    ]) {
      const path = "/matchmake/joinById/nothing";
      const answer = await send({ method: "POST", path }, { "content-type": "application/json" }, bytes);
      assert.ok(answer.status >= 400, bytes);
      assert.equal(answer.headers.get("access-control-allow-origin"), null);
    }
    for (const method of [
      "create",
      "joinOrCreate",
      "join",
      "setup",
      "constructor",
      "__proto__",
      "createRoom",
    ]) {
      const path = `/matchmake/${method}/round`;
      const answer = await send({ method: "POST", path }, { "content-type": "application/json" }, "{}");
      assert.ok(answer.status >= 400, method);
    }
  });

  it("R9: room messages of any shape are answered with a refusal; the room plays on", async () => {
    const round = snapshotSchema.parse(await (await fetch(`${cluster.url}/api/rounds/current`)).json());
    await ann.join(round.roomId);
    const left: number[] = [];
    ann.room?.onLeave((code) => left.push(code));
    const hostile = JSON.parse(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    ) as object;
    const voucher = { bytes: "\0", sig: "\ud800" };
    const bodies: Record<string, unknown>[] = [
      { ...hostile },
      { memeId: 1e308, voucher: { bytes: 1e308, sig: -0 } },
      { memeId: "x".repeat(100_000), voucher },
      { memeId: ["__proto__"], voucher: { __proto__: null, toString: 1 } },
      { contentId: { $ne: null }, tx: { length: 1e9 }, text: { toString: "x" }, reason: [[[[[[]]]]]] },
    ];
    let refused = 0;
    for (const kind of ["deposit", "enter", "boost", "report"])
      for (const body of bodies.slice(0, 4)) {
        const answer = await ann.send(kind, body);
        assert.equal(answer.ok, false, `${kind} ${JSON.stringify(body)}`);
        refused++;
      }
    assert.equal(refused, 16);
    // One that nobody has a name for, and names that objects have by themselves.
    for (const kind of ["__proto__", "constructor", "toString", "hasOwnProperty", "x".repeat(200)]) {
      ann.room?.send(kind, { ref: "r" });
      const said = await ann.send("chat", { text: "still here", sig: "00" }).catch((cause: unknown) => {
        throw new Error(`after ${kind}: left with ${left.join()}`, { cause });
      });
      assert.equal(said.ok, false);
    }
    assert.ok(ann.room?.connection.isOpen);
  });

  const socketTo = (path: string, options: object = {}) =>
    new WebSocket(`${cluster.url.replace("http", "ws")}${path}`, options);
  const endOf = (ws: WebSocket): Promise<number> =>
    new Promise((resolve) => {
      ws.on("error", () => undefined);
      ws.on("close", resolve);
    });

  it("hardening: a spectator may say next to nothing; what is longer closes that socket alone", async () => {
    const { roundId } = snapshotSchema.parse(await (await fetch(`${cluster.url}/api/rounds/current`)).json());
    const [loud, quiet] = [socketTo(`/spectate/${roundId}`), socketTo(`/spectate/${roundId}`)];
    await Promise.all([loud, quiet].map((ws) => new Promise((resolve) => ws.once("open", resolve))));
    assert.equal(loud.extensions, "");
    const end = endOf(loud);
    loud.send(Buffer.alloc(300));
    assert.equal(await end, 1009);
    assert.equal(quiet.readyState, WebSocket.OPEN);
    quiet.terminate();
  });

  it("hardening: an oversize frame closes a player's socket; nothing is compressed, so nothing unpacks", async () => {
    const { roomId } = snapshotSchema.parse(await (await fetch(`${cluster.url}/api/rounds/current`)).json());
    const eve = new Player(cluster.url);
    await eve.signIn();
    await eve.join(roomId);
    const left = new Promise<number>((resolve) => eve.room?.onLeave((code) => resolve(code)));
    eve.room?.sendBytes("deposit", new Uint8Array(600 * 1024));
    assert.equal(await left, 1009);
    assert.ok(ann.room?.connection.isOpen);
    const offered = socketTo("/none/none?sessionId=x", { perMessageDeflate: true });
    const end = endOf(offered);
    await new Promise((resolve) => offered.once("open", resolve));
    assert.equal(offered.extensions, "");
    await end;
  });

  it("hardening: sockets of no seat, odd addresses and other sites' pages come to nothing, a flood of them too", async () => {
    assert.equal(await statusOf("/none/none", { origin: "https://evil.example" }), 403);
    assert.equal(await statusOf("/spectate/main-1", { origin: "null" }), 403);
    const odd = [
      "/",
      "//",
      "/a/b?sessionId=%",
      "/spectate/../x",
      "/spectate/%00",
      "/x?sessionId[]=1&sessionId=2",
    ];
    const ends = odd.map((path) => endOf(socketTo(path)));
    assert.equal((await Promise.all(ends)).length, odd.length);
    const flood = Array.from({ length: 300 }, (_, at) => endOf(socketTo(`/none/none?sessionId=${at}`)));
    await Promise.all(flood);
    assert.ok(ann.room?.connection.isOpen);
  });
  const statusOf = (path: string, headers: Record<string, string>): Promise<number> =>
    new Promise((resolve, reject) => {
      const ws = socketTo(path, { headers });
      ws.on("unexpected-response", (_req, res) => {
        resolve(res.statusCode ?? 0);
        res.resume();
      });
      ws.on("open", () => reject(new Error("was let in")));
      ws.on("error", () => undefined);
    });

  it("hardening: random bytes instead of frames close that socket and no other", async () => {
    const { roundId } = snapshotSchema.parse(await (await fetch(`${cluster.url}/api/rounds/current`)).json());
    const { hostname, port } = new URL(cluster.url);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 2, maxLength: 400 }), async (bytes) => {
        const head =
          `GET /spectate/${roundId} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
        const socket = connect(Number(port), hostname, () => socket.write(head));
        await new Promise((resolve) => socket.once("data", resolve));
        socket.on("error", () => undefined);
        socket.end(bytes);
        await new Promise((resolve) => socket.on("close", resolve));
      }),
      { numRuns: 40 },
    );
    await until(() => ann.room?.connection.isOpen === true, { what: "the other socket" });
  });
});
