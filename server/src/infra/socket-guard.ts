/**
 * How many connections one address may hold. Owns: the counts, per network (client-ip.ts), of connections and of
 * websockets; what goes beyond is closed. Does not own: how fast they come (gate.ts), what they send.
 *
 * Connections are counted by the peer of the socket: behind a proxy of ours that is the proxy, which is left out; the
 * websockets are counted by the caller it names. Memory: one number per network that is connected now.
 */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Caller, canonicalIp, isLoopbackIp, networkOf, type Trust } from "./client-ip.ts";
import { counter } from "./metrics.ts";

export interface SocketCaps {
  /** Connections of all kinds per network. */
  connections: number;
  /** Websockets per network. */
  websockets: number;
}

export interface SocketGuardDeps {
  trust: Trust;
  clientIp(req: Caller): string;
}

export interface SocketGuard {
  /** For the server's `connection` event: closes what is too many. */
  onConnection(socket: Socket): void;
  /** Counts a websocket; false when its network has all it may have. It is given back when the socket closes. */
  admit(req: Caller, socket: Duplex): boolean;
  /** The same for a websocket that is no stream: how it is given back, once; undefined when its network has all. */
  hold(req: Caller): (() => void) | undefined;
  /** Networks that are counted now. */
  size(): number;
}

const nothing = (): void => undefined;

/** This machine's own addresses are not counted: a load test, and a proxy nobody named, come from there. */
export function createSocketGuard(caps: SocketCaps, deps: SocketGuardDeps): SocketGuard {
  const connections = new Map<string, number>();
  const websockets = new Map<string, number>();
  const refused = counter("mr_sockets_refused_total", "Connections beyond what an address may hold.", [
    "kind",
  ]);

  /** How it is given back; undefined when there is no more. */
  const take = (counts: Map<string, number>, network: string, cap: number): (() => void) | undefined => {
    const held = counts.get(network) ?? 0;
    if (held >= cap) return undefined;
    counts.set(network, held + 1);
    return () => {
      const left = (counts.get(network) ?? 1) - 1;
      if (left > 0) counts.set(network, left);
      else counts.delete(network);
    };
  };
  const hold = (req: Caller): (() => void) | undefined => {
    const ip = deps.clientIp(req);
    if (isLoopbackIp(ip)) return nothing;
    const release = take(websockets, networkOf(ip), caps.websockets);
    if (release === undefined) refused.inc({ kind: "websocket" });
    return release;
  };

  return {
    onConnection(socket) {
      const ip = canonicalIp(socket.remoteAddress ?? "");
      if (ip === undefined || isLoopbackIp(ip) || deps.trust(ip, 0)) return;
      const release = take(connections, networkOf(ip), caps.connections);
      if (release !== undefined) {
        socket.once("close", release);
        return;
      }
      refused.inc({ kind: "connection" });
      socket.destroy();
    },
    admit(req, socket) {
      const release = hold(req);
      if (release === undefined) return false;
      if (release !== nothing) socket.once("close", release);
      return true;
    },
    hold,
    size: () => connections.size + websockets.size,
  };
}
