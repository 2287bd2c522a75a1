/**
 * The least an acknowledgement can take on this machine: as many bare sockets, the same pace, messages as long, each
 * appended to the same Redis and answered. Owns: measuring it. Does not own: the server (floor-server.ts).
 */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Histogram } from "../report/index.ts";
import { atPace, type PaceOptions } from "./pace.ts";

/** About what a boost and its record take, bytes. */
const MESSAGE_BYTES = 700;
const SETTLE_MS = 500;
const REST_MS = 1;

export interface FloorOptions extends PaceOptions {
  sockets: number;
  /** Without one the message is only sent back: the floor of a game whose Redis is somebody else's. */
  redisUrl?: string;
}

/** Fills `times` with ms from when a message was due until it was answered. */
export async function measureFloor(
  options: FloorOptions,
  times: Histogram,
  signal: AbortSignal,
): Promise<void> {
  const { redisUrl, sockets: count } = options;
  const worker = new Worker(new URL("./floor-server.ts", import.meta.url), { workerData: { redisUrl } });
  try {
    const [port] = (await once(worker, "message")) as [number];
    const waiting = new Map<string, number>();
    const sockets = Array.from({ length: count }, () => new WebSocket(`ws://127.0.0.1:${port}`));
    await Promise.all(
      sockets.map(async (socket) => {
        await once(socket, "open");
        socket.addEventListener("message", ({ data }) => {
          const key = String(data).trimEnd();
          const dueAt = waiting.get(key);
          if (dueAt !== undefined) times.record(performance.now() - dueAt);
          waiting.delete(key);
        });
      }),
    );
    const pace = { now: () => performance.now(), rest: () => delay(REST_MS), signal };
    await atPace(options, pace, (index, dueAt) => {
      waiting.set(String(index), dueAt);
      sockets[index % count]?.send(String(index).padEnd(MESSAGE_BYTES));
    });
    await delay(SETTLE_MS);
    for (const socket of sockets) socket.close();
  } finally {
    await worker.terminate();
  }
}
