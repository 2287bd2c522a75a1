/** The edge's file against the processes that are started (R11, design 8): ports, ways in, and what stays inside. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

interface App {
  name: string;
  kill_timeout: number;
  env: Record<string, string>;
}

const root = fileURLToPath(new URL("../../..", import.meta.url));
const edge = readFileSync(`${root}/deploy/nginx.conf`, "utf8").replaceAll(/^\s*#.*$/gm, "");
/** In a process of its own: the file reads the environment as it is loaded. */
const appsOf = (env: Record<string, string>): App[] =>
  JSON.parse(
    execFileSync(
      process.execPath,
      ["-e", 'import("./ecosystem.config.js").then(({ apps }) => console.log(JSON.stringify(apps)))'],
      { cwd: root, env, encoding: "utf8" },
    ),
  );
const upstream = (name: string): string[] =>
  [
    ...(new RegExp(`upstream ${name} \\{([^}]*)\\}`).exec(edge)?.[1] ?? "").matchAll(
      /server 127\.0\.0\.1:(\d+)/g,
    ),
  ].map(([, port = ""]) => port);
const location = (start: string): string => {
  const from = edge.indexOf(`location ${start}`);
  assert.ok(from > 0, `a location ${start}`);
  return edge.slice(from, edge.indexOf("\n    location ", from + 1));
};

describe("the edge (deploy/nginx.conf, ecosystem.config.js)", () => {
  const apps = appsOf({ GAMES: "2", RELAYS: "2", PUBLIC_HOST: "play.example.org" });
  const portsOf = (kind: RegExp) =>
    apps.filter(({ name }) => kind.test(name)).map(({ env }) => env.PORT ?? "");
  const socketPath = new RegExp(/location ~ (\^\/\(\?<port>.*\$) \{/.exec(edge)?.[1] ?? "no such location");

  it("R11: it knows every game and every relay that PM2 starts, and no other process", () => {
    assert.deepEqual(upstream("games"), portsOf(/^game/));
    assert.deepEqual(upstream("relays"), portsOf(/^relay/));
  });

  it("sockets reach games and relays by the port in their address, and nothing else that listens here", () => {
    for (const { name, env } of apps) {
      const isFaced = /^(?:game|relay)/.test(name);
      for (const path of ["spectate/main-1795384200", "Xa_1-b/roomId123"])
        assert.equal(
          socketPath.exec(`/${env.PORT}/${path}`)?.groups?.port,
          isFaced ? env.PORT : undefined,
          name,
        );
      assert.equal(env.PUBLIC_ADDRESS, isFaced ? `play.example.org/${env.PORT}` : undefined, name);
    }
    for (const path of ["/6379/a/b", "/2567/api/../metrics", "/2567/metrics", "/2567/a/b/c", "/2567//b"])
      assert.doesNotMatch(path, socketPath);
    assert.match(location("~ ^/(?<port>"), /proxy_buffering off;/);
  });

  it("O8: on uWebSockets relays' sockets are reached by a port of their own, and no other process is told of it", () => {
    const env = { RELAYS: "2", PUBLIC_HOST: "play.example.org", AUDIENCE_TRANSPORT: "uws" };
    for (const { name, env: own } of appsOf(env)) {
      const isRelay = name.startsWith("relay");
      assert.equal(own.AUDIENCE_TRANSPORT, isRelay ? "uws" : "ws", name);
      if (!isRelay) continue;
      assert.notEqual(own.UWS_PORT, own.PORT);
      assert.equal(own.PUBLIC_ADDRESS, `play.example.org/${own.UWS_PORT}`);
      assert.equal(socketPath.exec(`/${own.UWS_PORT}/spectate/main-1795384200`)?.groups?.port, own.UWS_PORT);
    }
  });

  it("a request that changes something is never sent twice; one process after the other is asked for the rest", () => {
    assert.match(edge, /proxy_next_upstream error timeout/);
    assert.doesNotMatch(edge, /non_idempotent/);
  });

  it("the caller's own X-Forwarded-For does not get through", () => {
    for (const [, value] of edge.matchAll(/proxy_set_header X-Forwarded-For ([^;]+);/g))
      assert.equal(value, "$remote_addr");
    // A location with a header of its own inherits none.
    for (const block of edge.split(/\n {4}location /).slice(1))
      if (block.includes("proxy_set_header")) assert.match(block, /proxy_set_header X-Forwarded-For/);
  });

  it("what is for this machine stays inside; what everybody asks for is kept, never for somebody signed in", () => {
    assert.match(location("~ ^/(metrics|readyz|healthz)$"), /return 404;/);
    // Asked for by everybody in one moment: one of them goes through, the others never wait for an answer that hangs.
    const rounds = "~ ^/api/rounds/[a-z0-9]+-[0-9]+";
    for (const path of ["= /api/rounds/current", "= /api/gallery", `${rounds}$`, `${rounds}/(proof`, "= / {"])
      for (const line of ["cache moment", "cache_use_stale updating", "cache_lock on"])
        assert.ok(location(path).includes(`proxy_${line};`), `${path} ${line}`);
    for (const path of ["/media/", "/assets/"]) {
      assert.match(location(path), /proxy_cache shared;/);
      // C6: what was there before may have been taken down.
      assert.doesNotMatch(location(path), /updating/);
    }
    for (const path of ["= /api/gallery", "/media/"])
      assert.match(location(path), /proxy_no_cache \$http_authorization/);
    assert.doesNotMatch(location("/ {"), /proxy_cache/);
  });

  it("npm run pm2: without GAMES and RELAYS it is one game process, reached as it is, beside the same workers", () => {
    const plain = appsOf({});
    assert.deepEqual(
      plain.map(({ name, env }) => [name, env.PORT, env.PUBLIC_ADDRESS]),
      [
        ["auditor", "2568", undefined],
        ["payment-worker", "2569", undefined],
        ["content-worker", "2570", undefined],
        ["model-worker", "2571", undefined],
        ["game", "2567", undefined],
      ],
    );
    const several = appsOf({ GAMES: "2", RELAYS: "1" }).slice(4);
    assert.deepEqual(
      several.map(({ name, env }) => [name, env.PUBLIC_ADDRESS]),
      [
        ["game-1", "127.0.0.1:2567"],
        ["game-2", "127.0.0.1:2577"],
        ["relay", "127.0.0.1:2572"],
      ],
    );
  });

  it("R11: PM2 waits for the drain before it kills", () => {
    for (const { name, kill_timeout } of appsOf({ DRAIN_SECONDS: "100", RELAYS: "1" }))
      assert.ok(/^(?:game|relay)/.test(name) ? kill_timeout > 115_000 : kill_timeout >= 60_000, name);
  });
});
