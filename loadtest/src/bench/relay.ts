/**
 * What a relay process costs: CPU per spectator and update beside a bare broadcast of the same bytes on the same `ws`,
 * memory per spectator, joins a second. The relay is the whole process as it is deployed (SERVICES=audience), with its
 * gate and guards.
 */
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createLogger } from "../../../server/src/infra/logger.ts";
import { createRedis } from "../../../server/src/infra/redis.ts";
import { createTap } from "../../../server/src/round/tap.ts";
import { freePort } from "../../../server/test/support/ports.ts";
import { startProcess, startService, type TestProcess } from "../../../server/test/support/processes.ts";
import { startRedis } from "../../../server/test/support/redis.ts";
import { LightSocket } from "../crowd/light-socket.ts";
import type { Figure } from "./measure.ts";

const SPECTATORS = 8_000;
/** Longer apart than a relay of that size pauses, so that each update is one write. */
const UPDATES = 24;
const EVERY_MS = 600;
const PATCH_BYTES = 200;
const STATE_BYTES = 20_000;
/** Handshakes under way at a time. */
const INBOX_BYTES = 256 * 1_024;
const AT_ONCE = 200;
const FLOOR = fileURLToPath(new URL("./relay-floor.ts", import.meta.url));
const ROUND = "main-1800000000";
/** Of /proc's clock. */
const TICK_US = 10_000;

interface Measured {
  /** us of CPU per spectator and update, user and system. */
  us: number;
  kbEach: number;
  joinsPerSecond: number;
  joinUs: number;
}

export async function benchRelay(): Promise<Figure[]> {
  const server = await startRedis();
  const redis = createRedis(server.url);
  try {
    await redis.set("mr:live:main", JSON.stringify({ roundId: ROUND, roomId: "bench" }));
    const tap = createTap({ roundId: ROUND, epoch: 1 }, { redis, logger: createLogger("bench", "silent") });
    const state = Buffer.alloc(STATE_BYTES, 1);
    state[0] = 14;
    const patch = Buffer.alloc(PATCH_BYTES, 1);
    patch[0] = 15;
    const alive = setInterval(() => tap.snapshot(state, Buffer.from("bench")), 1_000);
    try {
      const floorPort = await freePort();
      const floor = await startProcess({
        name: "bare broadcast",
        args: ["--max-semi-space-size=8", FLOOR, String(floorPort)],
        ready: { url: `http://127.0.0.1:${floorPort}/` },
      });
      const bare = await measure(floor, floorPort, "/", () => post(floorPort, patch));
      const relayPort = await freePort();
      const env = {
        REDIS_URL: server.url,
        PORT: String(relayPort),
        NODE_ENV: "testing",
        LOG_LEVEL: "warn",
        KEYSTORE_PASSPHRASE: "bench-bench-bench",
        NODE_OPTIONS: "--max-semi-space-size=8",
      };
      const relay = await startService("audience", env);
      const ours = await measure(relay, relayPort, `/spectate/${ROUND}?sessionId=bench`, async () =>
        tap.patch(patch),
      );
      return [
        figure("relay: CPU per spectator and update", ours.us, "us", bare.us),
        figure("relay: memory per spectator", ours.kbEach, "kB", bare.kbEach),
        figure("relay: CPU per join", ours.joinUs, "us", bare.joinUs),
        { name: `relay: joins a second, up to ${SPECTATORS}`, value: ours.joinsPerSecond, unit: "/s" },
      ];
    } finally {
      clearInterval(alive);
    }
  } finally {
    redis.disconnect();
    await server.close();
  }
}

const figure = (name: string, value: number, unit: string, floor: number): Figure => ({
  name,
  value,
  unit,
  floor: { name: "bare ws broadcast", value: floor },
});

async function measure(
  target: TestProcess,
  port: number,
  path: string,
  update: () => Promise<void>,
): Promise<Measured> {
  const sockets: LightSocket[] = [];
  let frames = 0;
  let ended = 0;
  const listener = {
    frame: () => void frames++,
    gone: () => void ended++,
  };
  const inbox = Buffer.allocUnsafe(INBOX_BYTES);
  try {
    const [rss, cpu] = await usage(target.pid);
    const from = performance.now();
    const isBare = path === "/";
    // A relay says hello and sends the state; the bare server says nothing.
    const greeting = isBare ? 0 : 2;
    for (let count = 0; count < SPECTATORS; count += AT_ONCE) {
      for (let i = 0; i < AT_ONCE; i++)
        sockets.push(
          new LightSocket(
            { host: "127.0.0.1", port, path, from: { address: "127.0.0.1" }, caller: "127.0.0.1" },
            listener,
            inbox,
          ),
        );
      while (!isBare && frames < sockets.length * greeting && ended === 0) await pause(1);
    }
    if (isBare) await pause(1_000);
    const joinMs = performance.now() - from - (isBare ? 1_000 : 0);
    await pause(1_500);
    if (ended > 0) throw new Error(`${ended} of ${sockets.length} sockets were closed\n${target.output()}`);
    const [rssFull, cpuFull] = await usage(target.pid);
    frames = 0;
    for (let count = 1; count <= UPDATES; count++) {
      const next = pause(EVERY_MS);
      await update();
      // Two that wait for a machine that has other things to do would become one.
      const due = count * SPECTATORS;
      for (let tries = 0; frames < due && tries < 500; tries++) await pause(20);
      if (frames !== due) throw new Error(`${frames} frames of ${due}`);
      await next;
    }
    const [, cpuEnd] = await usage(target.pid);
    return {
      us: (cpuEnd - cpuFull) / UPDATES / SPECTATORS,
      kbEach: (rssFull - rss) / SPECTATORS,
      joinsPerSecond: SPECTATORS / (joinMs / 1_000),
      joinUs: (cpuFull - cpu) / SPECTATORS,
    };
  } finally {
    for (const socket of sockets) socket.drop();
    await target.stop();
  }
}

/** Resident kB and us of CPU of a process. */
async function usage(pid: number): Promise<[number, number]> {
  const [status, stat] = await Promise.all([
    readFile(`/proc/${pid}/status`, "utf8"),
    readFile(`/proc/${pid}/stat`, "utf8"),
  ]);
  const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return [rss, (Number(fields[11]) + Number(fields[12])) * TICK_US];
}

const post = (port: number, body: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path: "/patch", method: "POST" }, (res) => {
      res.resume().on("end", resolve);
    });
    sent.on("error", reject).end(body);
  });
