/**
 * A process full of light spectators: each joins a relay as a page does, and is heard until it is told to leave. Owns: its sockets, what they got. Does not own: how many processes there are.
 * Arguments: the game's address, this worker's number.
 *
 * The round's snapshot, which names the relays, is read once a second for all of them: as an edge does for everybody
 * behind it (deploy/nginx.conf, max-age=1).
 */
import { Agent, request } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { type Snapshot, seatAnswer, snapshotSchema } from "@meme-rounds/shared-schema/rest";
import { AUDIENCE_CLOSE } from "../../../server/src/audience/index.ts";
import { Counts, dueBy, Times } from "./counts.ts";
import type { Address } from "./light-socket.ts";
import { Players } from "./players.ts";
import { keepReading, Row } from "./row.ts";
import { Spectator, type SpectatorDeps } from "./spectator.ts";
import { RelayStream } from "./stream.ts";
import type { Order, Word } from "./words.ts";

const WORD_MS = 1_000;
const STEP_MS = 10;
const SEAT_MS = 30_000;
const LOOK_MS = 10;
/** So old may the snapshot be that a page gets from an edge's cache, ms. */
const EDGE_MS = 1_000;
/** Seats asked for at once: each answer waits for two event loops that are busy writing and reading. */
const CALLS_AT_ONCE = 1_000;
/** How long a frame may be under way to the last spectator. */
const UNDER_WAY_MS = 4_000;
/** A seat that was lost is followed by another after a part of this, ms. */
const RESEAT_MS = 1_000;
/** Ports of a source address of ours, each used once before the first is used again. */
const FIRST_PORT = 10_000;
const PORTS = 55_000;

const [gameUrl = "", number = "0"] = process.argv.slice(2);
const worker = Number(number);
const game = new URL(gameUrl);
const agent = new Agent({
  keepAlive: true,
  maxSockets: CALLS_AT_ONCE,
  localAddress: `127.0.${worker + 1}.1`,
});

/** Whole states of a full round fit in a few reads. */
const inbox = Buffer.allocUnsafe(256 * 1_024);
const streams = new Map<string, RelayStream>();
const spectators = new Set<Spectator>();
const failed = new Counts<string>();
const gone = new Counts<string>();
const joinTimes = new Times();
const latencies = new Times();
const lag = monitorEventLoopDelay({ resolution: LOOK_MS });
lag.enable();
let begun = 0;
let joined = 0;
let underWay = 0;
let delivered = 0;
let due = 0;
let leaving = false;

const say = (word: Word): void => {
  process.send?.(word);
};

/** An address of its own for everybody: the limits per address are not what is measured. */
const callerOf = (index: number): string => `10.${worker}.${(index >> 8) & 255}.${index & 255}`;
let sources = 0;
/** The next source: addresses of this worker alone, but for the one its REST calls come from. */
const nextSource = (): Address["from"] => {
  const at = sources++;
  return {
    address: `127.0.${worker + 1}.${2 + (Math.floor(at / PORTS) % 250)}`,
    port: FIRST_PORT + (at % PORTS),
  };
};

/** One REST call over a kept connection. Rejects with what went wrong in a word or two. */
function call(method: string, path: string, headers: Record<string, string>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: game.hostname, port: game.port, method, path, agent, headers, timeout: SEAT_MS },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.on("end", () => {
          if (answer.statusCode !== 200) return reject(new Error(`${method} ${answer.statusCode}`));
          resolve(JSON.parse(Buffer.concat(parts).toString()));
        });
      },
    );
    asked.on("timeout", () => asked.destroy(new Error("no answer")));
    asked.on("error", reject);
    asked.end();
  });
}

const shared: SpectatorDeps = {
  inbox,
  seated(beganAt) {
    joined++;
    underWay--;
    joinTimes.record(performance.now() - beganAt);
  },
  delivered(ms) {
    delivered++;
    latencies.record(ms);
  },
  gone(one, code) {
    spectators.delete(one);
    if (one.isSeated) joined--;
    else {
      underWay--;
      failed.add(`socket ${code}`);
    }
    if (leaving) return;
    if (one.isSeated) gone.add(String(code));
    if (code !== AUDIENCE_CLOSE.reseat) return;
    void pause(Math.random() * RESEAT_MS).then(() => seat(begun));
  },
};

let edge: { at: number; snapshot: Promise<Snapshot> } | undefined;
function currentRound(): Promise<Snapshot> {
  if (edge !== undefined && performance.now() - edge.at < EDGE_MS) return edge.snapshot;
  const snapshot = call("GET", "/api/rounds/current", {}).then((body) => snapshotSchema.parse(body));
  edge = { at: performance.now(), snapshot };
  return snapshot;
}

const players = new Players({ game, call, callerOf, nextSource, inbox, failed });

/** The relay that spectator goes to, and the round. */
async function seatOf(caller: string): Promise<{ address: string; roundId: string }> {
  const { roundId, relays = [] } = await currentRound();
  const named = relays[Math.floor(Math.random() * relays.length)];
  if (named !== undefined) return { address: named, roundId };
  const given = seatAnswer.parse(await call("GET", "/api/audience/seat", { "x-forwarded-for": caller }));
  return { address: given.publicAddress ?? game.host, roundId: given.roomId };
}

/** One spectator: from looking for the round to its state. Does not reject. */
async function seat(index: number): Promise<void> {
  underWay++;
  const beganAt = performance.now();
  try {
    const caller = callerOf(index);
    const { address, roundId } = await seatOf(caller);
    const [host = "", port] = address.split(":");
    const stream = streams.get(address) ?? new RelayStream();
    streams.set(address, stream);
    const path = `/spectate/${roundId}?sessionId=${worker}-${index}`;
    const from = nextSource();
    spectators.add(new Spectator({ host, port: Number(port), path, from, caller }, stream, beganAt, shared));
  } catch (error) {
    underWay--;
    failed.add(error instanceof Error ? error.message : String(error));
  }
}

async function join(count: number, perSecond: number, atOnce: number): Promise<void> {
  const start = performance.now();
  const first = begun;
  while (begun - first < count && !leaving) {
    const wanted = dueBy(performance.now() - start, count, perSecond);
    while (begun - first < wanted && underWay < atOnce) void seat(begun++);
    await pause(STEP_MS);
  }
  while (underWay > 0 && !leaving) await pause(STEP_MS);
}

/** Begins to count, or ends it and waits for what is still under way. */
async function measure(on: boolean): Promise<void> {
  if (on) {
    for (const stream of streams.values())
      stream.counted = { from: stream.length, to: Number.POSITIVE_INFINITY };
    return;
  }
  const seats = new Map<RelayStream, number>();
  for (const one of spectators) if (one.isSeated) seats.set(one.stream, (seats.get(one.stream) ?? 0) + 1);
  for (const [stream, count] of seats) {
    stream.counted.to = stream.length;
    due += (stream.length - stream.counted.from) * count;
  }
  await pause(UNDER_WAY_MS);
}

/** From here on nobody waits for the next update: all are read in rows, each relay's in the order they came to it. */
function lineUp(): void {
  const seated = [...spectators].filter(({ isSeated }) => isSeated);
  for (const one of seated) one.stopListening();
  const rows = Map.groupBy(seated, ({ stream }) => stream).values();
  keepReading([...rows].map((all) => new Row(all)));
}

function compare(): void {
  tellProgress();
  const byStream = Map.groupBy(
    [...spectators].filter(({ isSeated }) => isSeated),
    ({ stream }) => stream,
  );
  let odd = 0;
  let behind = 0;
  const held = [...byStream].flatMap(([stream, all]) => {
    odd += all.filter(({ isOdd }) => isOdd).length;
    behind += all.filter(({ at }) => at >= 0 && at < stream.length - 1).length;
    return stream.held(all);
  });
  say({ say: "compared", held, odd, behind });
}

function leave(): void {
  leaving = true;
  for (const one of spectators) one.drop();
  players.drop();
}

/** How things stand, and what happened since the last such word. */
function tellProgress(): void {
  const late = lag.percentile(99) / 1e6 - LOOK_MS;
  lag.reset();
  say({
    say: "progress",
    begun,
    joined,
    players: players.playing,
    failed: failed.take(),
    gone: gone.take(),
    joinTimes: joinTimes.take(),
    playTimes: players.times.take(),
    latencies: latencies.take(),
    delivered,
    due,
    lagMs: Number.isFinite(late) ? Math.max(0, late) : 0,
  });
}

async function obey(order: Order): Promise<void> {
  if (order.do === "join") await join(order.count, order.perSecond, order.atOnce);
  else if (order.do === "play") await players.play(order.roomId, order.tokens, order.overMs);
  else if (order.do === "line up") lineUp();
  else if (order.do === "measure") await measure(order.on);
  else if (order.do === "compare") return compare();
  else leave();
  tellProgress();
  say({ say: "done", order: order.do });
}

process.on("message", (order: Order) => {
  obey(order).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
process.on("disconnect", () => process.exit(0));
setInterval(tellProgress, WORD_MS);
say({ say: "ready" });
