/**
 * What every request and upgrade is measured against before it is anybody's: where it comes from (CORS, cross-site
 * writes, websockets of other pages), its form, and headers that all answers carry. Owns: those refusals, and the HTTP
 * server's own patience. Does not own: addresses and rates (gate.ts), how many sockets (socket-guard.ts), schemas.
 *
 * It stands in front of the room framework, which would answer every preflight itself, allow every origin, read bodies
 * of any size, and fail where a Host header is no host.
 */
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { ERRORS, type ErrorCode } from "@meme-rounds/shared-schema/errors";
import cors from "cors";
import type { Caller } from "./client-ip.ts";
import type { Origins } from "./origins.ts";
import { dataHeaders } from "./security-headers.ts";

/** How long a client may take, ms. A picture over a slow line is the longest request there is. */
export const PATIENCE = {
  /** For the headers of a request; a byte at a time does not make it longer. */
  headersTimeout: 10_000,
  /** For a whole request. */
  requestTimeout: 120_000,
  /** How often the two above are looked at. */
  connectionsCheckingInterval: 2_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16 * 1024,
} as const satisfies ServerOptions;

/** A socket on which nothing moves in either direction for this long is closed, ms; websockets are not counted. */
const IDLE_MS = 90_000;
/** A seat is asked for with an id and a token. */
const MAX_JOIN_BYTES = 16 * 1024;
/** How long a browser may remember the answer to a preflight, s. */
const PREFLIGHT_SECONDS = 600;

const WRITING = new Set(["POST", "PUT", "PATCH", "DELETE"]);

export interface HttpGuardOptions {
  origins: Origins;
  /** The server is reached by https. */
  https: boolean;
}

export interface HttpGuard {
  /** Answers or calls `pass`, at once. */
  request(req: IncomingMessage, res: ServerResponse, pass: () => void): void;
  /** What is wrong with a request for a websocket; undefined when nothing is. */
  upgradeFault(req: Caller): ErrorCode | undefined;
  /** Refuses or calls `pass`, at once. */
  upgrade(req: IncomingMessage, socket: Duplex, pass: () => void): void;
}

const pathOf = (req: IncomingMessage): string => (req.url ?? "/").split("?", 1)[0] ?? "/";

const isJoin = (req: IncomingMessage): boolean => pathOf(req).startsWith("/matchmake/");
/** What another page may read, where it is listed. */
const isShared = (req: IncomingMessage): boolean => isJoin(req) || pathOf(req).startsWith("/api/");

function refuse(res: ServerResponse, code: ErrorCode): void {
  const { status, sentence, advice } = ERRORS[code];
  // What was sent with it is not read any more.
  res.writeHead(status, {
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    Connection: "close",
  });
  res.end(
    JSON.stringify({ type: `/api/errors#${code}`, title: sentence, status, code, detail: sentence, advice }),
  );
}

/** Refuses an upgrade with a status and closes the socket. */
export function refuseUpgrade(socket: Duplex, code: ErrorCode): void {
  // Nobody else listens yet, and an error without a listener ends the process.
  socket.on("error", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${ERRORS[code].status} ${code}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    () => socket.destroy(),
  );
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;

/** Types a form of another site can send without asking are not among these, but for uploads, which need a token. */
const isTyped = ({ headers }: IncomingMessage): boolean =>
  /^(?:application\/json|multipart\/form-data)\s*(?:;|$)/i.test(headers["content-type"] ?? "");

/** What is wrong with the form of a request that wants to change something; undefined when nothing is. */
function faultOf(req: IncomingMessage): ErrorCode | undefined {
  if (hasBody(req) && !isTyped(req)) return "MEDIA_TYPE_WRONG";
  if (!isJoin(req)) return undefined;
  if (!/^application\/json/i.test(req.headers["content-type"] ?? "")) return "MEDIA_TYPE_WRONG";
  const length = req.headers["content-length"];
  if (length === undefined) return "BAD_REQUEST";
  return Number(length) > MAX_JOIN_BYTES ? "BODY_TOO_LARGE" : undefined;
}

export function createHttpGuard({ origins, https }: HttpGuardOptions): HttpGuard {
  const headers = dataHeaders({ https });
  const allowCors = cors<IncomingMessage>((req, answer) => {
    const origin = req.headers.origin;
    answer(null, {
      origin: origin !== undefined && origins.isListed(origin) ? origin : false,
      methods: ["GET", "HEAD", "POST", "PATCH", "DELETE"],
      allowedHeaders: ["Authorization", "Content-Type", "If-None-Match"],
      exposedHeaders: ["ETag", "RateLimit", "RateLimit-Policy", "Retry-After"],
      // No cookies anywhere: there are no credentials a browser would add by itself.
      credentials: false,
      maxAge: PREFLIGHT_SECONDS,
    });
  });

  const faultIn = (req: IncomingMessage): ErrorCode | undefined => {
    const host = req.headers.host ?? "localhost";
    // The framework builds an address from these, and fails where they make none.
    if (!URL.canParse(`http://${host}/`) || !URL.canParse(req.url ?? "/", "http://localhost"))
      return "BAD_REQUEST";
    if (isJoin(req)) req.headers["x-forwarded-proto"] = https ? "https" : "http";
    if (!WRITING.has(req.method ?? "")) return undefined;
    return origins.may(req.headers.origin, host) ? faultOf(req) : "ORIGIN_REFUSED";
  };
  const upgradeFault = ({ url, headers: { host, origin } }: Caller): ErrorCode | undefined => {
    if (!URL.canParse(`ws://server${url ?? "/"}`)) return "BAD_REQUEST";
    return origins.may(origin, host) ? undefined : "ORIGIN_REFUSED";
  };
  const judge = (req: IncomingMessage, res: ServerResponse, pass: () => void): void => {
    const fault = faultIn(req);
    if (fault === undefined) pass();
    else refuse(res, fault);
  };

  return {
    request(req, res, pass) {
      headers(req as never, res as never, () => {
        // Pictures and models may be shown anywhere, and say so themselves; the page is for nobody to read.
        if (isShared(req)) {
          // One answer for one page is none for another.
          res.setHeader("Vary", "Origin");
          allowCors(req, res, () => judge(req, res, pass));
        } else judge(req, res, pass);
      });
    },
    upgradeFault,
    upgrade(req, socket, pass) {
      const fault = upgradeFault(req);
      if (fault === undefined) pass();
      else refuseUpgrade(socket, fault);
    },
  };
}

/**
 * Puts the guard before everything that listens on this server, now or later, and limits its patience. What it was
 * constructed with stays: pass PATIENCE to the constructor too, for `connectionsCheckingInterval` is only read there.
 * `preflight` answers OPTIONS that are no browser's business of another site's.
 */
export function stand(
  server: Server,
  guard: HttpGuard,
  preflight?: (req: IncomingMessage, res: ServerResponse) => void,
): void {
  const { headersTimeout, requestTimeout, keepAliveTimeout } = PATIENCE;
  Object.assign(server, { headersTimeout, requestTimeout, keepAliveTimeout });
  server.setTimeout(IDLE_MS);
  const emit = server.emit.bind(server) as (event: string | symbol, ...args: unknown[]) => boolean;
  server.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    if (event === "request") {
      const [req, res] = args as [IncomingMessage, ServerResponse];
      guard.request(req, res, () => {
        // The framework would answer every one of them with its own list.
        if (req.method === "OPTIONS" && preflight !== undefined) preflight(req, res);
        else emit(event, req, res);
      });
      return true;
    }
    if (event === "upgrade") {
      const [req, socket, head] = args as [IncomingMessage, Duplex, Buffer];
      guard.upgrade(req, socket, () => void emit(event, req, socket, head));
      return true;
    }
    return emit(event, ...args);
  };
}
