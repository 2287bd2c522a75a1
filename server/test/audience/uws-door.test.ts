/** Spectators on uWebSockets, by option (O8, ADR 0015): the same rules, codes and bytes as on `ws`. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SOCKET_CLOSE } from "@meme-rounds/shared-schema/close-codes";
import { Client, type Room as SdkRoom } from "colyseus.js";
import { WebSocket } from "ws";
import { type Admission, AUDIENCE_CLOSE } from "../../src/audience/index.ts";
import { loadUws } from "../../src/audience/uws.ts";
import type { Caller } from "../../src/infra/client-ip.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { until } from "../support/wait.ts";
import { type FakeUws, fakeUws } from "./fake-uws.ts";
import { type Stage, type StageState, setStage } from "./stage.ts";

const ROUND = "main-1000";

describe("audience: spectators on uWebSockets", () => {
  let redis: TestRedis;
  let stage: Stage;
  let uws: FakeUws;
  let port = 0;
  let callers: Caller[] = [];
  let released = 0;
  let isClosed = false;
  let admit: () => Promise<Admission>;
  let recheck: (isDenied: (ip: string) => boolean) => void;

  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.close());
  beforeEach(async () => {
    callers = [];
    released = 0;
    admit = () => Promise.resolve({ ok: true, ip: "198.51.100.7", release: () => void released++ });
    stage = await setStage(redis);
    uws = fakeUws();
    port = await stage.audience.listen(uws, {
      host: "127.0.0.1",
      port: 0,
      admit(caller) {
        callers.push(caller);
        return admit();
      },
      onRules(run) {
        recheck = run;
      },
    });
  });
  afterEach(async () => {
    if (!isClosed) await stage.close();
    isClosed = false;
  });

  const spectate = (sessionId: string): Promise<SdkRoom<unknown, StageState>> =>
    new Client(`http://127.0.0.1:${stage.port}`).consumeSeatReservation<StageState>({
      name: "round",
      roomId: ROUND,
      sessionId,
      processId: "spectate",
      publicAddress: `127.0.0.1:${port}`,
    });
  const leftWith = (room: SdkRoom<unknown, StageState>): Promise<number> =>
    new Promise((resolve) => room.onLeave((code) => resolve(code)));
  /** A bare socket that says nothing, and what came of it. */
  const bare = (path = `/spectate/${ROUND}?sessionId=x`, headers: Record<string, string> = {}) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
    const ended = new Promise<number>((resolve) => {
      socket.on("unexpected-response", (_req, res) => resolve(res.statusCode ?? 0));
      socket.on("close", resolve);
    });
    socket.on("error", () => undefined);
    return { socket, ended };
  };

  it("O8: unmodified clients join, follow, leave, and are counted as those on ws are", async () => {
    const round = await stage.openRound(ROUND);
    const onUws = await Promise.all(Array.from({ length: 12 }, (_, index) => spectate(`u${index}`)));
    const onWs = await stage.spectate();
    for (let step = 0; step < 20; step++) {
      round.state.round.serverTime = step;
      round.state.padding = `padding ${step}`;
      round.patch();
    }
    for (const one of [...onUws, onWs])
      await until(() => one.state.padding === "padding 19" && one.state.round.serverTime === 19);
    await until(async () => (await stage.audience.spectators(ROUND)) === 13, { what: "13 counted" });
    assert.equal(stage.audience.seats().taken, 13);
    const [first] = onUws;
    assert.ok(first);
    await first.leave();
    await until(() => stage.audience.seats().taken === 12);
    assert.equal(released, 1);
  });

  it("O8: the rules are asked about the caller's address, origin and host, read before anything is waited for", async () => {
    await stage.openRound(ROUND);
    const { socket } = bare(undefined, { origin: "https://other.example", "x-forwarded-for": "203.0.113.9" });
    await until(() => callers.length === 1);
    const [caller] = callers;
    assert.deepEqual(
      [caller?.url, caller?.headers.origin, caller?.headers["x-forwarded-for"], caller?.headers.host],
      [`/spectate/${ROUND}?sessionId=x`, "https://other.example", "203.0.113.9", `127.0.0.1:${port}`],
    );
    assert.equal(caller?.socket.remoteAddress, "127.0.0.1");
    socket.terminate();
    await until(() => released === 1);
  });

  it("I5: who may not come gets the status and when to try again; nothing is held for them", async () => {
    await stage.openRound(ROUND);
    admit = () => Promise.resolve({ ok: false, code: "RATE_LIMITED", retrySeconds: 7 });
    const retry = new Promise<unknown>((resolve) =>
      bare().socket.on("unexpected-response", (_req, res) =>
        resolve([res.statusCode, res.headers["retry-after"]]),
      ),
    );
    assert.deepEqual(await retry, [429, "7"]);
    admit = () => Promise.resolve({ ok: false, code: "IP_DENIED" });
    assert.equal(await bare().ended, 403);
    admit = () => Promise.reject(new Error("Redis is away"));
    assert.equal(await bare().ended, 500);
    assert.equal(await bare("/elsewhere").ended, 404);
    assert.equal((await fetch(`http://127.0.0.1:${port}/api/me`)).status, 404);
    assert.deepEqual([released, stage.audience.seats().taken], [0, 0]);
  });

  it("I5: an address that is denied later loses its sockets, others keep theirs", async () => {
    await stage.openRound(ROUND);
    const stays = await spectate("stays");
    admit = () => Promise.resolve({ ok: true, ip: "203.0.113.9", release: () => void released++ });
    const goes = await spectate("goes");
    const code = leftWith(goes);
    recheck((ip) => ip === "203.0.113.9");
    assert.equal(await code, SOCKET_CLOSE.denied);
    await until(() => released === 1);
    assert.equal(stays.connection.isOpen, true);
    assert.equal(stage.audience.seats().taken, 1);
  });

  it("O8: who hangs up while being judged leaves nothing behind", async () => {
    await stage.openRound(ROUND);
    let say: (admission: Admission) => void = () => undefined;
    admit = () => new Promise((resolve) => (say = resolve));
    const line = connect(port, "127.0.0.1");
    line.write(
      `GET /spectate/${ROUND}?sessionId=x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    );
    await until(() => callers.length === 1);
    line.resetAndDestroy();
    // A caller after it shows that the server has seen the end of this one.
    admit = () => Promise.resolve({ ok: false, code: "RATE_LIMITED" });
    assert.equal(await bare().ended, 429);
    say({ ok: true, ip: "198.51.100.7", release: () => void released++ });
    await until(() => released === 1);
    assert.equal(stage.audience.seats().taken, 0);
  });

  it("O8: a frame the transport throws away costs the socket: its state would be wrong", async () => {
    const round = await stage.openRound(ROUND);
    const one = await spectate("one");
    const gone = leftWith(one);
    uws.throwAway = 1;
    round.state.padding = "missed";
    round.patch();
    assert.notEqual(await gone, AUDIENCE_CLOSE.reseat);
    await until(() => released === 1 && stage.audience.seats().taken === 0);
  });

  it("R11: at the end everybody is sent to another relay, and nobody is taken any more", async () => {
    await stage.openRound(ROUND);
    const rooms = await Promise.all(["a", "b", "c"].map(spectate));
    const codes = Promise.all(rooms.map(leftWith));
    await stage.close();
    isClosed = true;
    assert.deepEqual(await codes, [4100, 4100, 4100]);
    assert.equal(AUDIENCE_CLOSE.reseat, 4100);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
  });

  it("O8: a port that is taken is said to be", async () => {
    const rules = { admit, onRules: () => undefined };
    await assert.rejects(
      stage.audience.listen(fakeUws(), { host: "127.0.0.1", port, ...rules }),
      /UWS_PORT: nothing can listen on 127\.0\.0\.1:\d+\. Is it taken\?/,
    );
  });
});

describe("audience: loading uWebSockets", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "meme-rounds-uws-"));
  });
  after(() => rmSync(folder, { recursive: true }));
  const moduleOf = (name: string, text: string): string => {
    const path = join(folder, `${name}.cjs`);
    writeFileSync(path, text);
    return path;
  };

  it("O8: what is not there, does not load or is something else is told with what to do", () => {
    const glibc = moduleOf(
      "old",
      'throw new Error("/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38\' not found\\nsecond line")',
    );
    for (const [name, reason] of [
      [join(folder, "nowhere"), /Cannot find module/],
      [glibc, /GLIBC_2\.38' not found\nInstall/],
      [moduleOf("other", "module.exports = { App: 1 }"), /it is something else/],
      ["uWebSockets.js", /not installed/],
    ] as const) {
      assert.throws(() => loadUws(name), reason);
      assert.throws(
        () => loadUws(name),
        /AUDIENCE_TRANSPORT=uws, and .*glibc 2\.38.*AUDIENCE_TRANSPORT=ws\./s,
      );
    }
    const good = moduleOf(
      "good",
      "module.exports = { App() {}, us_listen_socket_close() {}, us_socket_local_port() {} }",
    );
    assert.equal(typeof loadUws(good).App, "function");
  });

  it("O8: a relay without it ends at once, and says why", function () {
    this.timeout(30_000);
    const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, "../../src/main.ts")], {
      encoding: "utf8",
      env: {
        ...process.env,
        SERVICES: "audience",
        PORT: "0",
        LOG_LEVEL: "silent",
        // Nobody listens there: it ends before it asks.
        REDIS_URL: "redis://127.0.0.1:9",
        KEYSTORE_PASSPHRASE: "of no keystore, for a relay opens none",
        AUDIENCE_TRANSPORT: "uws",
        UWS_MODULE: join(folder, "nowhere"),
      },
    });
    assert.equal(status, 1, stderr);
    assert.match(
      stderr,
      /^These settings cannot work:\nAUDIENCE_TRANSPORT=uws, and .* does not load: Cannot find module/,
    );
  });
});
