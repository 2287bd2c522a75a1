/**
 * Where spectators' sockets come in on `ws`. Owns: the path, the handshake, the sockets that are open.
 * Does not own: who may come (infra/gate.ts, before it), seats (relay.ts), writing (spectator.ts).
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { WebSocketServer } from "ws";
import type { Relay } from "./relay.ts";
import { type Door, type Spectator, SpectatorSocket } from "./spectator.ts";

/** Spectators send one to nine bytes; nothing longer is read. */
export const MAX_CLIENT_FRAME_BYTES = 256;
/** How long `stop` waits for clients to answer the close, ms. */
export const CLOSE_WAIT_MS = 2_000;
const PATH = /^\/spectate\/([A-Za-z0-9_-]{1,80})$/;

/** The round a spectator's address names; undefined where it is none. */
export function spectateOf(target: string) {
  const url = URL.parse(target, "ws://relay");
  const roundId = url === null ? undefined : PATH.exec(url.pathname)?.[1];
  if (url === null || roundId === undefined) return undefined;
  return {
    roundId,
    isReturning: url.searchParams.has("reconnectionToken"),
    skipHandshake: url.searchParams.has("skipHandshake"),
  };
}

export interface WsDoor extends Door {
  /** Takes an upgrade request when its path is a spectator's; false leaves it to others. */
  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Waits a little for clients to answer the close the relay has sent, then cuts them off. */
  stop(): Promise<void>;
}

export function createWsDoor(deps: { relay: Relay; now: () => number }): WsDoor {
  const { relay, now } = deps;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_CLIENT_FRAME_BYTES,
    WebSocket: SpectatorSocket,
  });
  const open = new Set<Spectator>();

  const door: WsDoor = {
    handleUpgrade(req, socket, head) {
      const asked = spectateOf(req.url ?? "");
      if (asked === undefined) return false;
      // The answer to the upgrade and the hello in one piece: two writes cost both ends twice.
      socket.cork();
      process.nextTick(() => socket.uncork());
      server.handleUpgrade(req, socket, head, (one) => {
        open.add(one);
        relay.opened();
        one.open(socket, door);
        void relay.seat(asked.roundId, one, asked);
      });
      return true;
    },
    gone(one) {
      open.delete(one);
      relay.gone(one);
    },
    async stop() {
      await new Promise<void>((resolve) => server.close(() => resolve()));
      // Who does not answer the close is cut off; ws alone would wait half a minute for each.
      const deadline = now() + CLOSE_WAIT_MS;
      while (open.size > 0 && now() < deadline) await pause(20);
      for (const one of open) one.drop();
    },
  };
  return door;
}
