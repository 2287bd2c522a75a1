/**
 * The audience service: seats for spectators, and the relay that carries a round's patches to them (design 7, 8).
 * Owns: its route, its Redis connections, its timers. Does not own: the HTTP server, rooms, which round is live.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Redis } from "ioredis";
import { z } from "zod";
import { type Route, route } from "../infra/http.ts";
import { LIMITS } from "../infra/limits.ts";
import type { Logger } from "../infra/logger.ts";
import { createWsDoor } from "./door.ts";
import { createRelay, RELAY_LIMITS, type RelayLimits } from "./relay.ts";
import { createSeats, seatSchema } from "./seats.ts";
import type { Uws } from "./uws.ts";
import { openUwsDoor, type UwsDoor, type UwsDoorDeps, type UwsDoorOptions } from "./uws-door.ts";

export { AUDIENCE_CLOSE } from "./crowd.ts";
export { loadUws } from "./uws.ts";
export type { Admission } from "./uws-door.ts";

const TICK_MS = 1_000;
const REPORT_MS = 2_000;

export interface AudienceOptions {
  /** host[:port][/path] under which clients reach this process's sockets; absent: the host that gave the seat. */
  publicAddress?: string;
  /** False where this process gives seats but carries no spectators. Default true. */
  carries?: boolean;
  limits?: Partial<RelayLimits>;
}

export interface AudienceDeps {
  /** Makes a connection; the service closes those it made. */
  redis: () => Redis;
  logger: Logger;
  now: () => number;
}

export interface AudienceService {
  routes: Route[];
  /** Call it before any other upgrade handler: true when the request was a spectator's. */
  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /**
   * Takes spectators on uWebSockets as well, on a port of its own. Gives the port; rejects when it is taken. `admit` and
   * `onRules` are what guards the other way in.
   */
  listen(uws: Uws, options: UwsDoorOptions & Pick<UwsDoorDeps, "admit" | "onRules">): Promise<number>;
  /** R11: who asks for a seat from now on gets one on another relay, if there is any; who sits here stays until `stop`. */
  leave(): Promise<void>;
  /** Seats of this process, in all rounds (O8): 0 and 0 where it carries nobody. */
  seats(): { taken: number; free: number };
  /** Spectators of a round over all relays of the cluster, a few seconds old. */
  spectators(roundId: string): Promise<number>;
  /** Public addresses of the relays newcomers may choose from; none where a seat has to be asked for. */
  relays(): Promise<string[]>;
  stop(): Promise<void>;
}

export function createAudienceService(options: AudienceOptions, deps: AudienceDeps): AudienceService {
  const { logger, now } = deps;
  const redis = deps.redis();
  const subscriber = deps.redis();
  for (const connection of [redis, subscriber])
    connection.on("error", (error: unknown) => logger.warn({ err: error }, "audience: Redis connection"));
  const limits = { ...RELAY_LIMITS, ...options.limits };
  const relay = createRelay(limits, {
    redis,
    subscriber,
    logger,
    now,
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    soon: setImmediate,
  });
  const door = createWsDoor({ relay, now });
  let uwsDoor: UwsDoor | undefined;
  const seats = createSeats(
    { relayId: randomUUID(), publicAddress: options.publicAddress, carries: options.carries ?? true },
    { redis, now },
  );
  const report = (): void => {
    seats
      .report(relay.counts())
      .catch((error: unknown) => logger.warn({ err: error }, "audience: no report"));
  };
  report();
  const timers = [setInterval(() => relay.tick(), TICK_MS), setInterval(report, REPORT_MS)];
  for (const timer of timers) timer.unref();

  return {
    routes: [
      route({
        method: "get",
        path: "/audience/seat",
        summary: "A spectator's seat on the least loaded relay, for the SDK's consumeSeatReservation.",
        auth: "none",
        query: z.object({ arena: z.string().min(1).max(64).default("main") }),
        answer: seatSchema,
        errors: ["ROUND_NONE", "UNAVAILABLE", "RATE_LIMITED"],
        limit: LIMITS.seat,
        handler: ({ query }) => seats.take(query.arena),
      }),
    ],
    handleUpgrade: (req, socket, head) => door.handleUpgrade(req, socket, head),
    async listen(uws, { host, port, admit, onRules }) {
      uwsDoor = await openUwsDoor({ host, port }, { uws, relay, logger, now, admit, onRules });
      return uwsDoor.port;
    },
    leave: () => seats.withdraw([]),
    seats() {
      if (options.carries === false) return { taken: 0, free: 0 };
      const taken = [...relay.counts().values()].reduce((sum, sockets) => sum + sockets, 0);
      return { taken, free: Math.max(0, limits.maxSpectators - taken) };
    },
    spectators: (roundId) => seats.spectators(roundId),
    relays: () => seats.named(),
    async stop() {
      for (const timer of timers) clearInterval(timer);
      const rounds = [...relay.counts().keys()];
      relay.stop();
      await Promise.all([door.stop(), uwsDoor?.stop()]);
      await seats.withdraw(rounds);
      redis.disconnect();
      subscriber.disconnect();
    },
  };
}
