/**
 * What of uWebSockets.js the audience uses, made of node's HTTP server and `ws`: real sockets, and as unforgiving as the
 * real one. A request is gone when its handler returns, an answer when the caller hangs up, a message when it was heard,
 * a socket when it has closed; whatever is used after that throws. Owns no expectation.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Uws, UwsApp, UwsBehavior, UwsRequest, UwsResponse, UwsSocket } from "../../src/audience/uws.ts";

/** Where things are counted that no caller is told. */
export interface FakeUws extends Uws {
  /** `send` answers that it threw the frame away, this many times. */
  throwAway: number;
}

function requestOf(req: IncomingMessage): { req: UwsRequest; end(): void } {
  let isGone = false;
  const live = (): void => {
    if (isGone) throw new Error("uWS.HttpRequest must not be accessed after its handler");
  };
  const [path = "/", query] = (req.url ?? "/").split("?", 2);
  return {
    req: {
      getUrl() {
        live();
        return path;
      },
      getQuery() {
        live();
        return query ?? "";
      },
      getHeader(name) {
        live();
        return String(req.headers[name] ?? "");
      },
    },
    end() {
      isGone = true;
    },
  };
}

interface Upgrading {
  req: IncomingMessage;
  socket: Duplex;
  head: Buffer;
  upgraded(ws: WebSocket, userData: unknown): void;
}

/** Both kinds of answers: without `upgrading` there is nothing to upgrade. */
function responseOf(socket: Duplex, server: WebSocketServer, upgrading?: Upgrading): UwsResponse {
  let isGone = false;
  let isCorked = false;
  let hasListener = false;
  let status = "200 OK";
  const headers: string[] = [];
  let onAborted = (): void => undefined;
  const remote = (socket as Duplex & { remoteAddress?: string }).remoteAddress ?? "";
  const live = (): void => {
    if (isGone) throw new Error("uWS.HttpResponse must not be accessed after it was answered or aborted");
  };
  socket.once("close", () => {
    if (isGone) return;
    isGone = true;
    onAborted();
  });
  socket.on("error", () => socket.destroy());
  const res: UwsResponse = {
    onAborted(run) {
      live();
      hasListener = true;
      onAborted = run;
      return res;
    },
    cork(run) {
      live();
      isCorked = true;
      run();
      isCorked = false;
      return res;
    },
    writeStatus(text) {
      live();
      status = text;
      return res;
    },
    writeHeader(name, value) {
      live();
      headers.push(`${name}: ${value}\r\n`);
      return res;
    },
    end(body) {
      live();
      isGone = true;
      socket.end(`HTTP/1.1 ${status}\r\n${headers.join("")}Content-Length: ${body.length}\r\n\r\n${body}`);
      return res;
    },
    getRemoteAddressAsText() {
      live();
      return new TextEncoder().encode(remote).buffer;
    },
    upgrade(userData) {
      live();
      if (!hasListener || !isCorked) throw new Error("an upgrade that waits needs onAborted and cork");
      if (upgrading === undefined) throw new Error("no upgrade was asked for");
      isGone = true;
      server.handleUpgrade(upgrading.req, socket, upgrading.head, (ws) => upgrading.upgraded(ws, userData));
    },
  };
  return res;
}

function openSocket<T>(ws: WebSocket, data: T, behavior: UwsBehavior<T>, fake: FakeUws): void {
  let isGone = false;
  const live = (): void => {
    if (isGone) throw new Error("Invalid access of closed uWS.WebSocket/SSLWebSocket.");
  };
  const socket: UwsSocket<T> = {
    send(message) {
      live();
      if (fake.throwAway > 0) {
        fake.throwAway--;
        return 2;
      }
      ws.send(message, { binary: true });
      return ws.bufferedAmount > 0 ? 0 : 1;
    },
    getBufferedAmount() {
      live();
      return ws.bufferedAmount;
    },
    cork(run) {
      live();
      run();
    },
    ping() {
      live();
      ws.ping();
      return 1;
    },
    end(code, reason) {
      live();
      // The real one reports the end before it returns, as close() does.
      isGone = true;
      ws.close(code, reason);
      behavior.close(socket, code, new ArrayBuffer(0));
    },
    close() {
      live();
      // The real one closes before it returns.
      isGone = true;
      behavior.close(socket, 1006, new ArrayBuffer(0));
      ws.terminate();
    },
    getUserData() {
      // The one thing that is still there in `close`.
      return data;
    },
  };
  ws.on("error", () => undefined);
  ws.on("message", (bytes: Buffer) => {
    if (isGone) return;
    const copy = Uint8Array.from(bytes).buffer;
    behavior.message(socket, copy, true);
    // It belongs to the transport, which takes it back.
    structuredClone(copy, { transfer: [copy] });
  });
  ws.on("pong", () => {
    if (!isGone) behavior.pong(socket, new ArrayBuffer(0));
  });
  ws.on("close", (code) => {
    if (isGone) return;
    isGone = true;
    behavior.close(socket, code, new ArrayBuffer(0));
  });
  behavior.open(socket);
}

export function fakeUws(): FakeUws {
  const fake: FakeUws = {
    throwAway: 0,
    App() {
      const http = createServer();
      let maxPayload = 0;
      const app: UwsApp = {
        ws(_pattern, behavior) {
          maxPayload = behavior.maxPayloadLength;
          const server = new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: false });
          http.on("upgrade", (req, socket, head) => {
            const upgraded = (ws: WebSocket, userData: unknown): void =>
              openSocket(ws, userData as never, behavior, fake);
            const asked = requestOf(req);
            behavior.upgrade(responseOf(socket, server, { req, socket, head, upgraded }), asked.req, {});
            asked.end();
          });
          return app;
        },
        any(_pattern, handler) {
          const none = new WebSocketServer({ noServer: true });
          http.on("request", (req) => {
            const asked = requestOf(req);
            handler(responseOf(req.socket, none), asked.req);
            asked.end();
          });
          return app;
        },
        listen(host, port, _options, done) {
          http.once("error", () => done(false));
          http.listen(port, host, () => done(http));
          return app;
        },
      };
      return app;
    },
    us_listen_socket_close(token) {
      (token as Server).close();
    },
    us_socket_local_port: (token) => ((token as Server).address() as AddressInfo).port,
  };
  return fake;
}
