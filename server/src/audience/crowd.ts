/**
 * The sockets of one round's spectators: writes each frame once built to every one of them.
 * Owns: the WebSocket and Colyseus framing towards a spectator, back-pressure, liveness.
 * Does not own: what the frames say, accepting connections, when the round is over.
 */
import type { Duplex } from "node:stream";
import { getMessageBytes, Protocol } from "@colyseus/core";
import type { WebSocket } from "ws";
import { webSocketFrame } from "../infra/ws-frame.ts";

/** Close codes of the relay. The SDK leaves the room on each (no retry of its own): take a new seat where it says so. */
export const AUDIENCE_CLOSE = {
  /** The round moved or ended, or the relay goes away: fetch a new seat, after a random part of a second. */
  reseat: 4100,
  /** More messages than a spectator has reason to send. */
  flood: 4101,
  /** The relay is full: fetch a new seat later. */
  full: 4102,
} as const;

const CONSENTED = 4000;
/** Messages a spectator may send between two pings (acknowledgement, its own pings, leaving). */
const MAX_MESSAGES_PER_PING = 60;
const WS_PING = Buffer.from([0x89, 0]);

interface Spectator {
  ws: WebSocket;
  /** The stream under `ws`, for frames built once for all. */
  socket: Duplex;
  joined: boolean;
  alive: boolean;
  messages: number;
}

export interface CrowdSource {
  handshake(): Buffer;
  joinFrames(): readonly Buffer[];
}

export interface CrowdOptions {
  /** Unsent bytes a spectator may have beside its first state before it is dropped. */
  maxBufferedBytes: number;
}

export interface Crowd {
  /** Seats a connected socket: says hello, and sends the state when the client has acknowledged it. */
  seat(ws: WebSocket, socket: Duplex, options: { skipHandshake: boolean }): void;
  /** Sends one Colyseus frame to all who have their state. Returns how many were dropped as too slow. */
  send(bytes: Buffer): number;
  /** Pings all, and drops those that did not answer the last one. */
  ping(): void;
  size(): number;
  closeAll(code: number, reason: string): void;
}

export function createCrowd(options: CrowdOptions, source: CrowdSource): Crowd {
  const members = new Set<Spectator>();
  let built: { frames: readonly Buffer[]; bytes: Buffer } | undefined;

  /** What a joiner gets, as WebSocket frames; rebuilt only when the mirror's changed. */
  const welcome = (): Buffer => {
    const frames = source.joinFrames();
    if (built?.frames !== frames) built = { frames, bytes: Buffer.concat(frames.map(webSocketFrame)) };
    return built.bytes;
  };

  // ws writes whole frames synchronously (compression is off), so ours never land inside one of its own.
  const write = (one: Spectator, frame: Buffer): void => {
    if (one.ws.readyState === one.ws.OPEN) one.socket.write(frame);
  };

  const hear = (one: Spectator, data: Buffer): void => {
    one.alive = true;
    if (++one.messages > MAX_MESSAGES_PER_PING) {
      one.ws.close(AUDIENCE_CLOSE.flood, "too many messages");
      return;
    }
    const code = data[0];
    if (code === Protocol.JOIN_ROOM && !one.joined) {
      one.joined = true;
      write(one, welcome());
    } else if (code === Protocol.PING) write(one, webSocketFrame(getMessageBytes[Protocol.PING]()));
    else if (code === Protocol.LEAVE_ROOM) one.ws.close(CONSENTED);
    // Anything else is a command: spectators have none.
  };

  return {
    seat(ws, socket, { skipHandshake }) {
      const one: Spectator = { ws, socket, joined: false, alive: true, messages: 0 };
      members.add(one);
      ws.on("message", (data: Buffer) => hear(one, data));
      ws.on("pong", () => {
        one.alive = true;
      });
      ws.on("close", () => members.delete(one));
      const handshake = skipHandshake ? undefined : source.handshake();
      write(one, webSocketFrame(getMessageBytes[Protocol.JOIN_ROOM]("spectator", "schema", handshake)));
    },
    send(bytes) {
      const frame = webSocketFrame(bytes);
      const limit = options.maxBufferedBytes + (built?.bytes.length ?? 0);
      let dropped = 0;
      for (const one of members) {
        if (!one.joined) continue;
        if (one.socket.writableLength > limit) {
          // Not close(): its frame would wait behind what the spectator does not read.
          one.ws.terminate();
          dropped++;
        } else write(one, frame);
      }
      return dropped;
    },
    ping() {
      for (const one of members) {
        if (!one.alive) {
          one.ws.terminate();
          continue;
        }
        one.alive = false;
        one.messages = 0;
        write(one, WS_PING);
      }
    },
    size: () => members.size,
    closeAll(code, reason) {
      for (const { ws } of members) ws.close(code, reason);
    },
  };
}
