/**
 * Where spectators' sockets come in on uWebSockets, on a port of its own. Owns: that listener, the handshake, the sockets
 * that are open. Does not own: who may come (`admit`), seats (relay.ts), what is written and when (crowd.ts).
 */
import type { IncomingHttpHeaders } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { SOCKET_CLOSE } from "@meme-rounds/shared-schema/close-codes";
import { ERRORS, type ErrorCode } from "@meme-rounds/shared-schema/errors";
import type { Caller } from "../infra/client-ip.ts";
import type { Logger } from "../infra/logger.ts";
import { CLOSE_WAIT_MS, MAX_CLIENT_FRAME_BYTES, spectateOf } from "./door.ts";
import type { Relay, SeatRequest } from "./relay.ts";
import type { Parcel, Seating, Spectator } from "./spectator.ts";
import type { Uws, UwsApp, UwsRequest, UwsResponse, UwsSocket } from "./uws.ts";

/** Beyond this the transport itself throws frames away, bytes: the crowd drops a slow spectator long before. */
const MAX_BACKPRESSURE = 16 * 1024 * 1024;
/** Two relays on one port would each get some of the other's spectators, and nobody would be told. */
const EXCLUSIVE = 1;
/** What `send` says of a frame it threw away. */
const THROWN_AWAY = 2;

/** Somebody who may come in, or why not. */
export type Admission =
  | { ok: true; ip: string /** Once, when the socket is gone or was never made. */; release(): void }
  | { ok: false; code: ErrorCode; retrySeconds?: number };

export interface UwsDoorOptions {
  host: string;
  /** 0 takes any. */
  port: number;
}

export interface UwsDoorDeps {
  uws: Uws;
  relay: Relay;
  logger: Logger;
  now: () => number;
  /** The same rules as on every other server of ours. */
  admit(caller: Caller): Promise<Admission>;
  /** Calls back whenever addresses may have been denied. */
  onRules(recheck: (isDenied: (ip: string) => boolean) => void): void;
}

export interface UwsDoor {
  readonly port: number;
  /** Takes nobody any more; who is still here after a moment is cut off. */
  stop(): Promise<void>;
}

/** What an upgrade hands to its socket. */
interface Entry {
  readonly asked: SeatRequest & { roundId: string };
  readonly spectator: UwsSpectator;
}

class UwsSpectator implements Spectator {
  joined = false;
  alive = true;
  messages = 0;
  wave = 0;
  owesPing = false;
  readonly ip: string;
  readonly release: () => void;
  /** Absent before it is open, and from its end on: whatever touches a closed socket throws. */
  private ws: UwsSocket<Entry> | undefined;
  private seating: Seating | undefined;

  constructor(ip: string, release: () => void) {
    this.ip = ip;
    this.release = release;
  }

  open(ws: UwsSocket<Entry>): void {
    this.ws = ws;
  }

  sit(seating: Seating): void {
    this.seating = seating;
  }

  give(parcel: Parcel): void {
    if (this.owesPing)
      this.ws?.cork(() => {
        this.send(parcel);
        this.ping();
      });
    else this.send(parcel);
  }

  private send(parcel: Parcel): void {
    for (const frame of parcel.frames) {
      if (this.ws?.send(frame, true, false) !== THROWN_AWAY) continue;
      // Without it all that follow would be wrong.
      this.drop();
      return;
    }
  }

  isOpen(): boolean {
    return this.ws !== undefined;
  }

  unread(): number {
    return this.ws?.getBufferedAmount() ?? 0;
  }

  ping(): void {
    this.owesPing = false;
    this.ws?.ping();
  }

  close(code: number, reason: string): void {
    this.ws?.end(code, reason);
  }

  drop(): void {
    this.ws?.close();
  }

  hear(data: Uint8Array): void {
    this.seating?.hear(this, data);
  }

  ended(): void {
    this.ws = undefined;
    this.seating?.gone(this);
    this.release();
  }
}

/** What is asked of a caller, read while the request is still there. */
function callerOf(res: UwsResponse, req: UwsRequest): Caller {
  const headers: IncomingHttpHeaders = {};
  for (const name of ["host", "origin", "x-forwarded-for"] as const) {
    const value = req.getHeader(name);
    if (value !== "") headers[name] = value;
  }
  const query = req.getQuery();
  return {
    url: query ? `${req.getUrl()}?${query}` : req.getUrl(),
    headers,
    socket: { remoteAddress: Buffer.from(res.getRemoteAddressAsText()).toString() },
  };
}

function refuse(res: UwsResponse, code: ErrorCode, retrySeconds?: number): void {
  res.writeStatus(`${ERRORS[code].status} ${code}`);
  if (retrySeconds !== undefined) res.writeHeader("Retry-After", String(retrySeconds));
  res.end("", true);
}

/** Listens. Rejects when the port is taken. */
export async function openUwsDoor(options: UwsDoorOptions, deps: UwsDoorDeps): Promise<UwsDoor> {
  const { uws, relay, logger, now } = deps;
  const open = new Set<UwsSpectator>();
  let stopped = false;

  deps.onRules((isDenied) => {
    for (const one of open) if (isDenied(one.ip)) one.close(SOCKET_CLOSE.denied, "IP_DENIED");
  });

  /** Does not reject. */
  const enter = async (res: UwsResponse, req: UwsRequest, context: object): Promise<void> => {
    const caller = callerOf(res, req);
    const asked = spectateOf(caller.url ?? "");
    if (asked === undefined) return refuse(res, "NOT_FOUND");
    const key = req.getHeader("sec-websocket-key");
    const protocol = req.getHeader("sec-websocket-protocol");
    const extensions = req.getHeader("sec-websocket-extensions");
    let isAborted = false;
    res.onAborted(() => {
      isAborted = true;
    });
    const answer = (run: () => void): void => {
      if (!isAborted) res.cork(run);
    };
    let admission: Admission;
    try {
      admission = await deps.admit(caller);
    } catch (err) {
      logger.error({ err }, "an upgrade could not be judged");
      return answer(() => refuse(res, "INTERNAL"));
    }
    if (!admission.ok) {
      const { code, retrySeconds } = admission;
      return answer(() => refuse(res, code, retrySeconds));
    }
    const { ip, release } = admission;
    if (isAborted) return release();
    if (stopped) {
      release();
      return answer(() => refuse(res, "UNAVAILABLE"));
    }
    answer(() => {
      const entry: Entry = { asked, spectator: new UwsSpectator(ip, release) };
      res.upgrade(entry, key, protocol, extensions, context);
    });
  };

  const app = uws
    .App()
    .ws<Entry>("/*", {
      compression: 0,
      maxPayloadLength: MAX_CLIENT_FRAME_BYTES,
      // The crowd pings, in waves, and drops who does not answer.
      idleTimeout: 0,
      sendPingsAutomatically: false,
      maxBackpressure: MAX_BACKPRESSURE,
      upgrade: (res, req, context) => void enter(res, req, context),
      open(ws) {
        const { asked, spectator } = ws.getUserData();
        spectator.open(ws);
        open.add(spectator);
        relay.opened();
        void relay.seat(asked.roundId, spectator, asked);
      },
      message: (ws, message) => ws.getUserData().spectator.hear(new Uint8Array(message)),
      pong(ws) {
        ws.getUserData().spectator.alive = true;
      },
      close(ws) {
        const { spectator } = ws.getUserData();
        open.delete(spectator);
        spectator.ended();
        relay.gone(spectator);
      },
    })
    .any("/*", (res) => refuse(res, "NOT_FOUND"));
  const token = await listenOn(app, options);

  return {
    port: uws.us_socket_local_port(token),
    async stop() {
      stopped = true;
      uws.us_listen_socket_close(token);
      const deadline = now() + CLOSE_WAIT_MS;
      while (open.size > 0 && now() < deadline) await pause(20);
      for (const one of open) one.drop();
    },
  };
}

const listenOn = (app: UwsApp, { host, port }: UwsDoorOptions): Promise<unknown> =>
  new Promise((resolve, reject) => {
    app.listen(host, port, EXCLUSIVE, (token) => {
      if (token) resolve(token);
      else reject(new Error(`UWS_PORT: nothing can listen on ${host}:${port}. Is it taken?`));
    });
  });
