/**
 * What an autoscaler looks at (O8), under one set of names: seats, players, lag, unsent bytes, draining, and one number
 * for all of it. Owns: these gauges, the sum, the rolling lag. Does not own: what is counted (each process passes its
 * own), queues (queue-age.ts), who scales by it (deploy/kubernetes, docs/SCALING.md).
 */
import type { Server } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import type { Lifecycle } from "./lifecycle.ts";
import { gauge } from "./metrics.ts";

/** p99 of the event loop's lag at which a process counts as full, s. A relay's longest stretch of writing is 8 ms. */
export const FULL_LAG_SECONDS = 0.25;
/** Bytes in all sockets' send queues at which a process counts as full: its memory, not its readers, is the limit. */
export const FULL_UNSENT_BYTES = 64 * 1024 * 1024;

const EVERY_MS = 1_000;
/** The lag shown is the worse of this window and the one before, in calls of `measure`. */
const WINDOW = 15;
/** The timer of the lag's histogram, ms: it counts its own pause, too. */
const RESOLUTION_MS = 10;

export interface Load {
  /** Spectators' sockets, and how many more fit. Absent or both 0 where none are carried. */
  seats?: { taken: number; free: number };
  lagSeconds: number;
  unsentBytes: number;
}

/** How full a process is, 0 to 1: the fullest of its seats, its event loop and its send queues. Pure. */
export function saturation({ seats, lagSeconds, unsentBytes }: Load): number {
  const all = seats === undefined ? 0 : seats.taken + seats.free;
  const shares = [
    all > 0 && seats ? seats.taken / all : 0,
    lagSeconds / FULL_LAG_SECONDS,
    unsentBytes / FULL_UNSENT_BYTES,
  ];
  // A share that cannot be told (no sample yet) says nothing.
  return Math.min(1, Math.max(0, ...shares.filter(Number.isFinite)));
}

/** The part of a histogram of delays that is read here; ns. */
export interface Delays {
  percentile(percentile: number): number;
  reset(): void;
}

/** p99 of the event loop's lag over the last one to two windows, s. */
export class RollingLag {
  private readonly delays: Delays;
  private before = 0;
  private asked = 0;

  constructor(delays: Delays) {
    this.delays = delays;
  }

  /** Call it at a steady pace. */
  measure(): number {
    const read = Math.max(0, this.delays.percentile(99) / 1e9 - RESOLUTION_MS / 1_000);
    const worse = Math.max(read, this.before);
    if (++this.asked >= WINDOW) {
      this.asked = 0;
      this.before = read;
      this.delays.reset();
    }
    return worse;
  }
}

/** Bytes that upgraded sockets of this server have not sent yet; call it once before the server listens. */
export function watchUnsent(http: Server): () => number {
  const sockets = new Set<Duplex>();
  http.on("upgrade", (_req, socket: Duplex) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return () => {
    let bytes = 0;
    for (const socket of sockets) bytes += socket.writableLength;
    return bytes;
  };
}

/** What a process has to tell; what is absent it does not have. */
export interface ScaleSources {
  seats?(): { taken: number; free: number };
  /** Players' connections to rooms hosted here. */
  players?(): number;
  unsentBytes?(): number;
}

export interface ScaleSignals {
  /** Sets all gauges now. */
  measure(): void;
  stop(): void;
}

/** Sets the gauges once a second until it is stopped. `delays` is the process' own event loop unless passed in. */
export function createScaleSignals(
  sources: ScaleSources,
  deps: { life: Pick<Lifecycle, "isDraining">; delays?: Delays },
): ScaleSignals {
  const own = deps.delays ? undefined : monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  own?.enable();
  const delays = deps.delays ?? own;
  const rolling = delays && new RollingLag(delays);
  const taken = sources.seats && gauge("mr_seats_taken", "Spectators' seats that are taken here.");
  const free = sources.seats && gauge("mr_seats_free", "Spectators that still fit here.");
  const players = sources.players && gauge("mr_players", "Connections of players to rooms hosted here.");
  const unsent = gauge("mr_unsent_bytes", "Bytes in the send queues of all sockets here.");
  const lag = gauge("mr_event_loop_lag_p99_seconds", "p99 of the event loop's lag, last 15 to 30 s.");
  const draining = gauge("mr_draining", "1 while this process is on its way out (R11).");
  const full = gauge("mr_saturation", "How full this process is, 0 to 1: seats, lag or send queues.");
  const measure = (): void => {
    const seats = sources.seats?.();
    const load: Load = {
      ...(seats ? { seats } : {}),
      lagSeconds: rolling?.measure() ?? 0,
      unsentBytes: sources.unsentBytes?.() ?? 0,
    };
    taken?.set(seats?.taken ?? 0);
    free?.set(seats?.free ?? 0);
    players?.set(sources.players?.() ?? 0);
    unsent.set(load.unsentBytes);
    lag.set(load.lagSeconds);
    draining.set(deps.life.isDraining ? 1 : 0);
    full.set(saturation(load));
  };
  measure();
  const timer = setInterval(measure, EVERY_MS);
  timer.unref();
  return {
    measure,
    stop() {
      clearInterval(timer);
      own?.disable();
    },
  };
}
