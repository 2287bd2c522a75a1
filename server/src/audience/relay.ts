/**
 * One process's relay: joins the taps of rounds to the sockets of their spectators.
 * Owns: one mirror and one crowd per watched round, and when they open and close.
 * Does not own: choosing a relay (seats.ts), the game; what passes through is not read.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { type WebSocket, WebSocketServer } from "ws";
import type { Logger } from "../infra/logger.ts";
import { readTap, tapKeys } from "../infra/tap-format.ts";
import { AUDIENCE_CLOSE, type Crowd, createCrowd } from "./crowd.ts";
import { createMirror, type Mirror, type MirrorEnd } from "./mirror.ts";

export interface RelayLimits {
  /** Unsent bytes a spectator may have. */
  maxBufferedBytes: number;
  /** Sockets this process carries at most. */
  maxSpectators: number;
  /** Rounds this process mirrors at most: round ids come from outside. */
  maxRounds: number;
  /** A round nobody watches any more is let go after this, ms. */
  lingerMs: number;
  /** A tap without a frame for this long is dead, ms. */
  silenceMs: number;
  /** How long the first spectator waits for the round's first snapshot, ms. */
  waitMs: number;
}

export const RELAY_LIMITS: RelayLimits = {
  maxBufferedBytes: 256 * 1024,
  maxSpectators: 20_000,
  maxRounds: 64,
  lingerMs: 60_000,
  silenceMs: 10_000,
  waitMs: 3_000,
};

/** Spectators send one to nine bytes; nothing longer is read. */
const MAX_CLIENT_FRAME_BYTES = 256;
/** How long `stop` waits for clients to answer the close, ms. */
const CLOSE_WAIT_MS = 2_000;
const PATH = /^\/spectate\/([A-Za-z0-9_-]{1,80})$/;

export interface RelayDeps {
  /** For reading taps. */
  redis: Redis;
  /** For subscriptions only. */
  subscriber: Redis;
  logger: Logger;
  now: () => number;
}

interface Watched {
  mirror: Mirror;
  crowd: Crowd;
  ready: Promise<void>;
  emptySince: number | undefined;
}

export interface Relay {
  /** Takes an upgrade request when its path is a spectator's; false leaves it to others. */
  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Sockets per round, here. */
  counts(): Map<string, number>;
  /** Silence, lingering: call about once a second. */
  tick(): void;
  /** Liveness of sockets: call every 20 s. */
  ping(): void;
  /** Closes every socket with the code that sends its client to another relay. */
  stop(): Promise<void>;
}

export function createRelay(limits: RelayLimits, deps: RelayDeps): Relay {
  const { redis, subscriber, logger, now } = deps;
  const rounds = new Map<string, Watched>();
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_CLIENT_FRAME_BYTES,
  });
  const open = new Set<WebSocket>();
  let stopped = false;

  subscriber.on("messageBuffer", (channel: Buffer, message: Buffer) => {
    const watched = rounds.get(channel.toString().slice(tapKeys("").channel.length));
    try {
      watched?.mirror.receive(message);
    } catch (error) {
      logger.error({ err: error }, "a tap sent what is no tap frame");
    }
  });

  const release = (roundId: string, watched: Watched, code: number, reason: string): void => {
    if (rounds.get(roundId) !== watched) return;
    rounds.delete(roundId);
    watched.crowd.closeAll(code, reason);
    subscriber.unsubscribe(tapKeys(roundId).channel).catch((error: unknown) => {
      logger.warn({ err: error, roundId }, "could not unsubscribe from a tap");
    });
  };

  const watch = (roundId: string): Watched => {
    const forward = (bytes: Buffer): void => {
      const dropped = crowd.send(bytes);
      if (dropped > 0) logger.info({ roundId, dropped }, "dropped spectators that read too slowly");
    };
    const mirror = createMirror(limits, {
      load: () => readTap(redis, roundId),
      now,
      events: {
        forward,
        resync: (bytes) => {
          logger.warn({ roundId }, "missed part of a tap; sent the whole state");
          forward(bytes);
        },
        end: (reason: MirrorEnd) => {
          logger.info({ roundId, reason }, "tap over");
          release(roundId, watched, AUDIENCE_CLOSE.reseat, reason);
        },
      },
      onError: (error) => logger.error({ err: error, roundId }, "could not catch up with a tap"),
    });
    const crowd = createCrowd(limits, mirror);
    // Subscribed before the snapshot is read, so nothing falls between the two.
    const ready = subscriber.subscribe(tapKeys(roundId).channel).then(() => mirror.start());
    const watched: Watched = { mirror, crowd, ready, emptySince: now() };
    rounds.set(roundId, watched);
    ready.catch((error: unknown) => {
      logger.info({ roundId, err: error }, "nothing to mirror");
      release(roundId, watched, AUDIENCE_CLOSE.reseat, "no such round");
    });
    return watched;
  };

  const accept = async (roundId: string, url: URL, ws: WebSocket, socket: Duplex): Promise<void> => {
    if (stopped) return ws.close(AUDIENCE_CLOSE.reseat, "going away");
    // A relay keeps no sessions: a client that was dropped starts afresh, with an empty state.
    if (url.searchParams.has("reconnectionToken")) return ws.close(AUDIENCE_CLOSE.reseat, "take a new seat");
    const known = rounds.get(roundId);
    if (open.size > limits.maxSpectators || (!known && rounds.size >= limits.maxRounds))
      return ws.close(AUDIENCE_CLOSE.full, "full");
    const watched = known ?? watch(roundId);
    try {
      await watched.ready;
    } catch {
      // `watch` has logged it.
      return ws.close(AUDIENCE_CLOSE.reseat, "no such round");
    }
    if (rounds.get(roundId) !== watched) return ws.close(AUDIENCE_CLOSE.reseat, "round over");
    if (ws.readyState !== ws.OPEN) return;
    watched.crowd.seat(ws, socket, { skipHandshake: url.searchParams.has("skipHandshake") });
  };

  return {
    handleUpgrade(req, socket, head) {
      const url = URL.parse(req.url ?? "", "ws://relay");
      const roundId = url === null ? undefined : PATH.exec(url.pathname)?.[1];
      if (url === null || roundId === undefined) return false;
      server.handleUpgrade(req, socket, head, (ws) => {
        open.add(ws);
        ws.on("close", () => open.delete(ws));
        // A peer that breaks off or breaks the protocol; `close` follows.
        ws.on("error", (error) => logger.debug({ err: error }, "spectator's socket failed"));
        accept(roundId, url, ws, socket).catch((error: unknown) => {
          logger.error({ err: error, roundId }, "could not seat a spectator");
          ws.terminate();
        });
      });
      return true;
    },
    counts: () => new Map([...rounds].map(([roundId, { crowd }]) => [roundId, crowd.size()])),
    tick() {
      // While Redis is away nobody hears anything: that says nothing about the rounds.
      const hearing = subscriber.status === "ready";
      for (const [roundId, watched] of rounds) {
        if (hearing) watched.mirror.checkSilence();
        if (watched.crowd.size() > 0) watched.emptySince = undefined;
        else {
          watched.emptySince ??= now();
          if (now() - watched.emptySince >= limits.lingerMs)
            release(roundId, watched, AUDIENCE_CLOSE.reseat, "nobody watches");
        }
      }
    },
    ping() {
      for (const { crowd } of rounds.values()) crowd.ping();
    },
    async stop() {
      stopped = true;
      for (const [roundId, watched] of rounds) release(roundId, watched, AUDIENCE_CLOSE.reseat, "going away");
      await new Promise<void>((resolve) => server.close(() => resolve()));
      // Who does not answer the close is cut off; ws alone would wait half a minute for each.
      const deadline = now() + CLOSE_WAIT_MS;
      while (open.size > 0 && now() < deadline) await pause(20);
      for (const ws of open) ws.terminate();
    },
  };
}
