/**
 * uWebSockets.js, where an operator has installed it (ADR 0015). Owns: what of it is used, and loading it. Does not own:
 * the package (it is no dependency of ours), what is done with it (uws-door.ts).
 */
import { createRequire } from "node:module";
import { z } from "zod";

/** A websocket. Whatever is called on it after its `close` event throws. */
export interface UwsSocket<T> {
  /** 0: waits in its queue; 1: sent; 2: thrown away, for the queue was full. */
  send(message: Uint8Array, isBinary: boolean, compress: boolean): number;
  getBufferedAmount(): number;
  ping(): number;
  /** What is done in `run` leaves in one piece. */
  cork(run: () => void): unknown;
  /** Says good-bye and ends; its `close` event comes before this returns. */
  end(code: number, reason: string): void;
  /** Cuts it off; its `close` event comes before this returns. */
  close(): void;
  getUserData(): T;
}

/** Of a request; it is gone when the handler returns. */
export interface UwsRequest {
  getUrl(): string;
  getQuery(): string | undefined;
  getHeader(lowerCaseName: string): string;
}

/** An answer; it is gone when the caller hangs up, which only `onAborted` tells. */
export interface UwsResponse {
  onAborted(run: () => void): unknown;
  cork(run: () => void): unknown;
  writeStatus(status: string): unknown;
  writeHeader(name: string, value: string): unknown;
  end(body: string, closeConnection?: boolean): unknown;
  getRemoteAddressAsText(): ArrayBuffer;
  upgrade<T>(userData: T, key: string, protocol: string, extensions: string, context: object): void;
}

export interface UwsBehavior<T> {
  compression: number;
  maxPayloadLength: number;
  /** s; 0 is never. */
  idleTimeout: number;
  sendPingsAutomatically: boolean;
  /** Bytes. */
  maxBackpressure: number;
  upgrade(res: UwsResponse, req: UwsRequest, context: object): void;
  open(ws: UwsSocket<T>): void;
  message(ws: UwsSocket<T>, message: ArrayBuffer, isBinary: boolean): void;
  pong(ws: UwsSocket<T>, message: ArrayBuffer): void;
  close(ws: UwsSocket<T>, code: number, message: ArrayBuffer): void;
}

export interface UwsApp {
  ws<T>(pattern: string, behavior: UwsBehavior<T>): UwsApp;
  any(pattern: string, handler: (res: UwsResponse, req: UwsRequest) => void): UwsApp;
  /** `options` 1: shares the port with nobody. Gives what stands for the listener, or false. */
  listen(host: string, port: number, options: 1, done: (token: unknown) => void): UwsApp;
}

export interface Uws {
  App(): UwsApp;
  us_listen_socket_close(token: unknown): void;
  us_socket_local_port(token: unknown): number;
}

const isFunction = z.custom<(...args: never[]) => unknown>((value) => typeof value === "function");
const uwsSchema = z.looseObject({
  App: isFunction,
  us_listen_socket_close: isFunction,
  us_socket_local_port: isFunction,
});

/** Why it is not there, in words an operator can act on. */
const missing = (name: string, reason: string): Error =>
  new Error(
    `AUDIENCE_TRANSPORT=uws, and ${name} does not load: ${reason}\n` +
      "Install a build of uWebSockets.js you trust for this version of Node (recent ones want glibc 2.38: Debian 13 or " +
      "Ubuntu 24.04), name its folder in UWS_MODULE, or set AUDIENCE_TRANSPORT=ws.",
  );

/** Loads it by name or folder, as from the folder this process was started in. Throws what an operator can read. */
export function loadUws(name: string): Uws {
  let loaded: unknown;
  try {
    loaded = createRequire(`${process.cwd()}/`)(name);
  } catch (error) {
    throw missing(name, error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
  }
  if (!uwsSchema.safeParse(loaded).success) throw missing(name, "it is something else.");
  return loaded as Uws;
}
