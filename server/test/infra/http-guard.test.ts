/** Hardening without a game: origins, forms of other sites, headers, patience, caps per address. Rule I5, design 8. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createHttpGuard, PATIENCE, stand } from "../../src/infra/http-guard.ts";
import { createOrigins } from "../../src/infra/origins.ts";
import { connectSources, hashSource } from "../../src/infra/security-headers.ts";
import { securityTxt, securityTxtOf } from "../../src/infra/security-txt.ts";
import { createSocketGuard } from "../../src/infra/socket-guard.ts";
import { until } from "../support/wait.ts";

const FRIEND = "https://friend.example";
const origins = createOrigins({ allowed: [FRIEND], ownHosts: ["play.example"] });

describe("whose pages may speak to the server", () => {
  const cases: [what: string, origin: string | undefined, host: string | undefined, may: boolean][] = [
    ["no browser page", undefined, "a.example", true],
    ["its own page", "http://127.0.0.1:2567", "127.0.0.1:2567", true],
    ["its own page by https behind a proxy", "https://a.example", "a.example", true],
    ["a listed one", FRIEND, "a.example", true],
    [
      "the game's own name, behind a proxy that writes another host",
      "https://play.example",
      "10.0.0.1:2567",
      true,
    ],
    ["another port of the same machine", "http://127.0.0.1:9999", "127.0.0.1:2567", false],
    ["another site", "https://evil.example", "a.example", false],
    ["a name that begins like a listed one", `${FRIEND}.evil.example`, "a.example", false],
    ["a listed one by http", "http://friend.example", "a.example", false],
    ["a frame without an origin, a file", "null", "a.example", false],
    ["no origin at all", "a.example", "a.example", false],
    ["an extension", "chrome-extension://abcdef", "abcdef", false],
    ["an origin with a path", "http://a.example/", "a.example", false],
    ["nothing", "", "", false],
  ];
  for (const [what, origin, host, may] of cases)
    it(`hardening: ${what}: ${may ? "yes" : "no"}`, () => assert.equal(origins.may(origin, host), may));

  it("hardening: what is no origin cannot be listed", () => {
    for (const wrong of [
      "*",
      "friend.example",
      "https://friend.example/",
      "https://friend.example/path",
      "null",
    ])
      assert.throws(() => createOrigins({ allowed: [wrong], ownHosts: [] }), /CORS_ORIGINS/);
  });

  it("hardening: a CSP names origins, never paths, and each once", () => {
    const urls = [
      "https://woc.example/v1/bsv",
      undefined,
      "https://woc.example/other",
      "wss://r.example/x",
      "nonsense",
    ];
    assert.deepEqual(connectSources(urls), ["https://woc.example", "wss://r.example"]);
    assert.equal(hashSource(""), "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
  });
});

describe("security.txt", () => {
  it("RFC 9116: it names a contact and an expiry that is always ahead, less than a year", () => {
    for (const at of [Date.UTC(2026, 0, 1), Date.UTC(2027, 11, 31, 23, 59, 59, 999), Date.UTC(2040, 1, 29)]) {
      const text = securityTxtOf({
        contacts: ["mailto:security@play.example", "https://play.example/report"],
        days: 180,
        now: () => at,
        base: "https://play.example/",
      });
      const lines = text.trimEnd().split("\n");
      assert.deepEqual(
        lines.filter((line) => line.startsWith("Contact: ")),
        ["Contact: mailto:security@play.example", "Contact: https://play.example/report"],
      );
      assert.equal(lines.filter((line) => line.startsWith("Expires: ")).length, 1);
      const expires = Date.parse(/^Expires: (\S+)$/m.exec(text)?.[1] ?? "");
      assert.ok(expires > at + 179 * 86_400_000 && expires < at + 365 * 86_400_000);
      assert.match(text, /^Canonical: https:\/\/play\.example\/\.well-known\/security\.txt$/m);
    }
  });

  it("RFC 9116: a contact that is none stops the server at its start", () => {
    for (const contacts of [
      [],
      ["security@play.example"],
      ["http://play.example"],
      ["mailto:x@y\nExpires: 1"],
    ])
      assert.throws(() => securityTxt({ contacts, days: 1, now: Date.now }), /SECURITY_CONTACT/);
  });
});

describe("the HTTP guard", function () {
  this.timeout(20_000);
  let server: Server;
  let port: number;
  const reached: string[] = [];

  before(async () => {
    server = createServer({ ...PATIENCE, connectionsCheckingInterval: 100 });
    const guard = createHttpGuard({ origins, https: false });
    stand(server, guard);
    server.headersTimeout = 500;
    server.requestTimeout = 1_000;
    // What the room framework does to every answer.
    server.prependListener("request", (req, res) => {
      if (req.method === "OPTIONS") res.writeHead(204, { "Access-Control-Allow-Origin": "*" }).end();
    });
    server.on("request", (req, res) => {
      reached.push(`${req.method} ${req.url}`);
      if (!res.headersSent) req.resume().on("end", () => res.end("reached"));
    });
    server.on("upgrade", (_req, socket: Duplex) => {
      reached.push("upgrade");
      socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    reached.length = 0;
  });

  const ask = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, init);
  const post = (path: string, headers: Record<string, string>, body = "{}") =>
    ask(path, { method: "POST", headers, body });
  /** Everything the server says to these bytes, until it closes. */
  const raw = (bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = "";
      const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      socket.on("close", () => resolve(text));
      socket.on("error", reject);
      socket.setTimeout(5_000, () => socket.destroy(new Error(`not closed after ${text}`)));
    });

  it("CORS: only a listed origin may read; preflights are answered here, not by what stands behind", async () => {
    const preflight = (origin: string) =>
      ask("/api/me", {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "PATCH",
          "access-control-request-headers": "authorization",
        },
      });
    const good = await preflight(FRIEND);
    assert.equal(good.status, 204);
    assert.equal(good.headers.get("access-control-allow-origin"), FRIEND);
    assert.match(good.headers.get("access-control-allow-headers") ?? "", /Authorization/);
    assert.equal(good.headers.get("access-control-allow-credentials"), null);
    assert.deepEqual(reached, []);
    const read = await ask("/api/rounds/current", { headers: { origin: FRIEND } });
    assert.equal(read.headers.get("access-control-allow-origin"), FRIEND);
    assert.match(read.headers.get("vary") ?? "", /Origin/);
    for (const origin of ["https://evil.example", "null", `${FRIEND}.evil.example`]) {
      const answer = await ask("/api/rounds/current", { headers: { origin } });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("access-control-allow-origin"), null, origin);
    }
  });

  it("CSRF: what another site's form can send changes nothing, wherever it is sent", async () => {
    const paths = ["/api/auth/logout", "/api/content", "/matchmake/joinById/x", "/anything"];
    const types = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"];
    for (const path of paths) {
      for (const type of types) {
        const answer = await post(path, { origin: "https://evil.example", "content-type": type });
        assert.equal(answer.status, 403, `${path} ${type}`);
        assert.equal(((await answer.json()) as { code: string }).code, "ORIGIN_REFUSED");
      }
      for (const type of types.slice(0, 2))
        assert.equal(
          (await post(path, { "content-type": type })).status,
          415,
          `${path} ${type} without an origin`,
        );
    }
    assert.deepEqual(reached, []);
    const own = await post("/api/auth/logout", {
      origin: `http://127.0.0.1:${port}`,
      "content-type": "application/json; charset=utf-8",
    });
    assert.equal(own.status, 200);
    assert.deepEqual(reached, ["POST /api/auth/logout"]);
  });

  it("hardening: a seat is asked for in JSON, with a length, of 16 kB at most", async () => {
    const json = { "content-type": "application/json" };
    assert.equal((await post("/matchmake/joinById/x", json, "x".repeat(17_000))).status, 413);
    assert.equal((await post("/matchmake/joinById/x", json)).status, 200);
    const head = "POST /matchmake/joinById/x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    assert.match(await raw(`${head}Transfer-Encoding: chunked\r\n\r\n`), /^HTTP\/1\.1 400 /);
    assert.match(
      await raw("POST /matchmake/joinById/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
      / 415 /,
    );
    assert.equal(reached.length, 1);
  });

  it("hardening: a Host that is no host and a path that is no path go nowhere", async () => {
    for (const host of ["%%%", "a b", "[::", "a:99999"])
      assert.match(await raw(`GET /matchmake/x HTTP/1.1\r\nHost: ${host}\r\n\r\n`), /^HTTP\/1\.1 400 /, host);
    assert.deepEqual(reached, []);
  });

  it("hardening: every answer, refusals too, is of no use as a document and cannot be framed", async () => {
    const answers = [
      await ask("/api/x"),
      await ask("/matchmake/x"),
      await post("/api/x", { origin: "https://evil.example" }),
    ];
    for (const { headers } of answers) {
      const csp = headers.get("content-security-policy") ?? "";
      assert.equal(csp, "default-src 'none';frame-ancestors 'none';base-uri 'none';form-action 'none'");
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("x-frame-options"), "DENY");
      assert.equal(headers.get("cross-origin-resource-policy"), "same-origin");
      assert.equal(headers.get("referrer-policy"), "no-referrer");
      assert.equal(headers.get("strict-transport-security"), null);
    }
  });

  it("hardening: only what is reached by https says that it always is", async () => {
    const other = createServer((_req, res) => res.end());
    stand(other, createHttpGuard({ origins, https: true }));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const answer = await fetch(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
    assert.equal(answer.headers.get("strict-transport-security"), "max-age=31536000");
    other.closeAllConnections();
    other.close();
  });

  const upgrade = (lines: string, path = "/p/room?sessionId=x") =>
    `GET ${path} HTTP/1.1\r\nHost: play.example\r\n${lines}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  it("hardening: websockets of other sites' pages are refused, our own and programs let in", async () => {
    assert.match(await raw(upgrade("Origin: https://evil.example\r\n")), /^HTTP\/1\.1 403 ORIGIN_REFUSED/);
    assert.match(await raw(upgrade("Origin: null\r\n")), /^HTTP\/1\.1 403 /);
    assert.deepEqual(reached, []);
    for (const lines of ["", "Origin: https://play.example\r\n", `Origin: ${FRIEND}\r\n`])
      assert.match(await raw(upgrade(lines)), /^HTTP\/1\.1 101 /, lines);
    assert.equal(reached.length, 3);
  });

  it("slowloris: who dribbles headers, or a body, a byte at a time is closed in time", async () => {
    const dribble = (start: string, more: string): Promise<{ text: string; ms: number }> =>
      new Promise((resolve) => {
        const began = performance.now();
        let text = "";
        const socket: Socket = connect(port, "127.0.0.1", () => socket.write(start));
        const timer = setInterval(() => socket.write(more), 50);
        socket.on("data", (chunk: Buffer) => {
          text += chunk.toString();
        });
        socket.on("error", () => undefined);
        socket.on("close", () => {
          clearInterval(timer);
          resolve({ text, ms: performance.now() - began });
        });
      });
    const lines = await Promise.all([
      dribble("GET / HTTP/1.1\r\nHost: a\r\n", "X"),
      dribble(
        "POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n",
        " ",
      ),
      dribble("", "G"),
    ]);
    for (const { text, ms } of lines) assert.ok(ms < 5_000, `${ms} ms, ${text}`);
    assert.match(lines[0]?.text ?? "", /408 Request Timeout/);
    // What is open in production: ten seconds for headers.
    assert.ok(PATIENCE.headersTimeout + PATIENCE.connectionsCheckingInterval <= 15_000);
  });

  it("hardening: headers of 16 kB at most", async () => {
    assert.match(
      await raw(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(17_000)}\r\n\r\n`),
      /^HTTP\/1\.1 431 /,
    );
    assert.deepEqual(reached, []);
  });
});

describe("the socket guard", () => {
  const peer = (remoteAddress: string): Socket => {
    const socket = new EventEmitter() as Socket;
    Object.assign(socket, {
      remoteAddress,
      destroyed: false,
      destroy() {
        Object.assign(socket, { destroyed: true });
        socket.emit("close");
        return socket;
      },
    });
    return socket;
  };
  const request = (ip: string) =>
    ({ socket: { remoteAddress: ip }, headers: {} }) as unknown as IncomingMessage;
  const guardOf = (trust = (_ip: string, _hop: number): boolean => false) =>
    createSocketGuard(
      { connections: 3, websockets: 2 },
      { trust, clientIp: (req) => req.socket.remoteAddress ?? "unknown" },
    );

  it("I5: an address holds so many connections and no more; what is closed is given back", async () => {
    const guard = guardOf();
    const sockets = Array.from({ length: 5 }, () => peer("9.9.9.9"));
    for (const socket of sockets) guard.onConnection(socket);
    assert.deepEqual(
      sockets.map(({ destroyed }) => destroyed),
      [false, false, false, true, true],
    );
    const other = peer("9.9.9.8");
    guard.onConnection(other);
    assert.equal(other.destroyed, false);
    sockets[0]?.destroy();
    const again = peer("9.9.9.9");
    guard.onConnection(again);
    assert.equal(again.destroyed, false);
    for (const socket of [...sockets, other, again]) if (!socket.destroyed) socket.destroy();
    await until(() => guard.size() === 0, { what: "nothing counted any more" });
  });

  it("I5: a household's IPv6 addresses are one, IPv4 inside IPv6 is IPv4", () => {
    const guard = guardOf();
    const admit = (ip: string) => guard.admit(request(ip), peer(ip));
    assert.deepEqual(["2001:db8::1", "2001:db8::2", "2001:db8::3"].map(admit), [true, true, false]);
    assert.deepEqual(["8.8.8.8", "::ffff:8.8.8.8", "8.8.8.8"].map(admit), [true, true, false]);
    assert.ok(admit("2001:db8:0:1::1"));
  });

  it("I5: this machine and our own proxy are not counted as callers", () => {
    const guard = guardOf((ip) => ip === "10.0.0.1");
    for (const ip of ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1"])
      for (let at = 0; at < 10; at++) {
        const socket = peer(ip);
        guard.onConnection(socket);
        assert.equal(socket.destroyed, false, ip);
      }
    for (let at = 0; at < 10; at++) assert.ok(guard.admit(request("127.0.0.1"), peer("127.0.0.1")));
    assert.equal(guard.size(), 0);
  });
});
