/**
 * How many connections one address may hold. Owns: the counts, per network (client-ip.ts), of connections and of
 * websockets; what goes beyond is closed. Does not own: how fast they come (gate.ts), what they send.
 *
 * Connections are counted by the peer of the socket: behind a proxy of ours that is the proxy, which is left out; the
 * websockets are counted by the caller it names. Memory: one number per network that is connected now.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { canonicalIp, isLoopbackIp, networkOf, type Trust } from "./client-ip.ts";
import { counter } from "./metrics.ts";

export interface SocketCaps {
  /** Connections of all kinds per network. */
  connections: number;
  /** Websockets per network. */
  websockets: number;
}

export interface SocketGuardDeps {
  trust: Trust;
  clientIp(req: IncomingMessage): string;
}

export interface SocketGuard {
  /** For the server's `connection` event: closes what is too many. */
  onConnection(socket: Socket): void;
  /** Counts a websocket; false when its network has all it may have. It is given back when the socket closes. */
  admit(req: IncomingMessage, socket: Duplex): boolean;
  /** Networks that are counted now. */
  size(): number;
}

/** This machine's own addresses are not counted: a load test, and a proxy nobody named, come from there. */
export function createSocketGuard(caps: SocketCaps, deps: SocketGuardDeps): SocketGuard {
  const connections = new Map<string, number>();
  const websockets = new Map<string, number>();
  const refused = counter("mr_sockets_refused_total", "Connections beyond what an address may hold.", [
    "kind",
  ]);

  const take = (counts: Map<string, number>, network: string, cap: number, socket: Duplex): boolean => {
    const held = counts.get(network) ?? 0;
    if (held >= cap) return false;
    counts.set(network, held + 1);
    socket.once("close", () => {
      const left = (counts.get(network) ?? 1) - 1;
      if (left > 0) counts.set(network, left);
      else counts.delete(network);
    });
    return true;
  };

  return {
    onConnection(socket) {
      const ip = canonicalIp(socket.remoteAddress ?? "");
      if (ip === undefined || isLoopbackIp(ip) || deps.trust(ip, 0)) return;
      if (take(connections, networkOf(ip), caps.connections, socket)) return;
      refused.inc({ kind: "connection" });
      socket.destroy();
    },
    admit(req, socket) {
      const ip = deps.clientIp(req);
      if (isLoopbackIp(ip)) return true;
      const admitted = take(websockets, networkOf(ip), caps.websockets, socket);
      if (!admitted) refused.inc({ kind: "websocket" });
      return admitted;
    },
    size: () => connections.size + websockets.size,
  };
}
