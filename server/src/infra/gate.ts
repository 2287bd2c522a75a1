/**
 * What every request and every upgrade passes first, before any framework sees it (I5).
 * Owns: refusing denied addresses, the limits by address on all requests and on joining, closing the sockets of an
 * address that is denied later, and what the frameworks behind take for the caller's address.
 * Does not own: the lists (ip-rules.ts), the numbers (limits.ts), limits of single routes (http.ts).
 */
import {
  type IncomingMessage,
  type RequestListener,
  Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import { SOCKET_CLOSE } from "@meme-rounds/shared-schema/close-codes";
import { CodedError, ERRORS, type ErrorCode } from "@meme-rounds/shared-schema/errors";
import type { Caller } from "./client-ip.ts";
import type { IpRules } from "./ip-rules.ts";
import type { SharedLimiter, Standing } from "./limiter.ts";
import { LIMITS } from "./limits.ts";
import type { Logger } from "./logger.ts";

export interface GateDeps {
  /** The caller's canonical address (client-ip.ts). */
  clientIp(req: Caller): string;
  rules: Pick<IpRules, "verdict" | "onChange">;
  limiter: Pick<SharedLimiter, "judge" | "kickedFor">;
  logger: Logger;
}

/** Why somebody may not come in. */
export interface Refusal {
  code: ErrorCode;
  retrySeconds?: number;
}

export interface Gate {
  /** An HTTP server whose listeners only see what was let in. */
  createServer(listener?: RequestListener, options?: ServerOptions): Server;
  /** Sockets that were let in and are open. */
  sockets(): number;
  /** What a spectator's socket of another server of ours has to pass: the caller's address, and why it may not come. */
  admit(caller: Caller): Promise<{ ip: string; refusal?: Refusal }>;
  /** Calls back whenever addresses may have been denied: who has sockets the gate did not let in closes them. */
  onRules(recheck: (isDenied: (ip: string) => boolean) => void): void;
}

/** Load balancers and monitors ask these; a rule must not make them take a healthy process away. */
const UNGUARDED = new Set(["/healthz", "/readyz"]);

/** How long the last words to a refused socket may take, ms. */
const END_MS = 1_000;

const pathOf = (req: Caller): string => (req.url ?? "/").split("?", 1)[0] ?? "/";
const isJoin = (req: Caller): boolean => pathOf(req).startsWith("/matchmake/");
const isSpectator = (req: Caller): boolean => pathOf(req).startsWith("/spectate/");
/** Files of the page are cached and many: what is counted is what asks the server to do something. */
const isCounted = (req: Caller): boolean => /^\/(?:api|media|m|matchmake)(?:\/|$)/.test(pathOf(req));

/** A close frame (RFC 6455 5.5.1) from the server, written where no framework is asked. */
function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason);
  const frame = Buffer.alloc(4 + text.length);
  frame[0] = 0x88;
  frame[1] = 2 + text.length;
  frame.writeUInt16BE(code, 2);
  text.copy(frame, 4);
  return frame;
}

/** A peer that neither reads nor closes its side is not waited for. */
function endSoon(socket: Duplex, last: Buffer | string): void {
  socket.end(last, () => socket.destroy());
  setTimeout(() => socket.destroy(), END_MS).unref();
}

const problem = ({ code }: Refusal): string => {
  const { status, sentence, advice } = ERRORS[code];
  return JSON.stringify({
    type: `/api/errors#${code}`,
    title: sentence,
    status,
    code,
    detail: sentence,
    advice,
  });
};

export function createGate(deps: GateDeps): Gate {
  const { clientIp, rules, limiter, logger } = deps;
  const open = new Map<string, Set<Duplex>>();

  rules.onChange(() => {
    for (const [ip, sockets] of open) {
      if (rules.verdict(ip) !== "deny") continue;
      logger.info({ sockets: sockets.size }, "an address was denied: its sockets are closed");
      for (const socket of sockets) {
        endSoon(socket, closeFrame(SOCKET_CLOSE.denied, "IP_DENIED"));
      }
    }
  });

  const refusalOf = ({ verdict, resetMs }: Standing): Refusal | undefined =>
    verdict === "ok"
      ? undefined
      : { code: "RATE_LIMITED", retrySeconds: Math.max(1, Math.ceil(resetMs / 1_000)) };

  /** Joining asks Redis, once for the kick and once for the count; the rest is answered from here most times. */
  const judge = async (req: Caller, ip: string, upgrade: boolean): Promise<Refusal | undefined> => {
    try {
      if (!upgrade) {
        const all = isCounted(req) ? refusalOf(await limiter.judge(LIMITS.everything, { ip })) : undefined;
        if (all !== undefined || !isJoin(req)) return all;
      }
      const [ms, standing] = await Promise.all([
        limiter.kickedFor([{ ip }]),
        limiter.judge(upgrade ? LIMITS.spectate : LIMITS.joinIp, { ip }),
      ]);
      return ms > 0 ? { code: "RATE_LIMITED", retrySeconds: Math.ceil(ms / 1_000) } : refusalOf(standing);
    } catch (error) {
      if (error instanceof CodedError) return { code: error.code };
      throw error;
    }
  };
  const answer = (res: ServerResponse, refusal: Refusal): void => {
    if (res.headersSent || res.destroyed) return;
    res.writeHead(ERRORS[refusal.code].status, {
      "Content-Type": "application/problem+json",
      "Cache-Control": "no-store",
      ...(refusal.retrySeconds === undefined ? {} : { "Retry-After": String(refusal.retrySeconds) }),
    });
    res.end(problem(refusal));
  };

  const answerUpgrade = (socket: Duplex, refusal: Refusal): void => {
    const { status } = ERRORS[refusal.code];
    const retry = refusal.retrySeconds === undefined ? "" : `Retry-After: ${refusal.retrySeconds}\r\n`;
    endSoon(
      socket,
      `HTTP/1.1 ${status} ${refusal.code}\r\n${retry}Connection: close\r\nContent-Length: 0\r\n\r\n`,
    );
  };

  const track = (ip: string, socket: Duplex): void => {
    const sockets = open.get(ip) ?? new Set();
    open.set(ip, sockets.add(socket));
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0 && open.get(ip) === sockets) open.delete(ip);
    });
  };

  /** Behind here, this header is what the room framework takes for the address; what the caller wrote is gone. */
  const name = (req: IncomingMessage, ip: string): void => {
    req.headers["x-real-ip"] = ip;
  };

  /** Calls `pass` at once or later, or refuses. */
  const onRequest = (req: IncomingMessage, res: ServerResponse, pass: () => void): void => {
    const ip = clientIp(req);
    if (UNGUARDED.has(pathOf(req))) {
      pass();
      return;
    }
    if (rules.verdict(ip) === "deny") {
      answer(res, { code: "IP_DENIED" });
      return;
    }
    if (!isCounted(req)) {
      pass();
      return;
    }
    if (isJoin(req)) name(req, ip);
    judge(req, ip, false).then(
      (refusal) => {
        if (refusal) answer(res, refusal);
        else if (!res.destroyed) pass();
      },
      (err: unknown) => {
        logger.error({ err }, "a request could not be judged");
        answer(res, { code: "INTERNAL" });
      },
    );
  };

  const onUpgrade = (req: IncomingMessage, socket: Duplex, pass: () => void): void => {
    const ip = clientIp(req);
    const onError = (): void => {
      socket.destroy();
    };
    // Nobody else listens yet, and an error without a listener ends the process.
    socket.on("error", onError);
    const enter = (): void => {
      if (socket.destroyed) return;
      name(req, ip);
      track(ip, socket);
      socket.removeListener("error", onError);
      pass();
    };
    if (rules.verdict(ip) === "deny") {
      answerUpgrade(socket, { code: "IP_DENIED" });
      return;
    }
    // A player's seat was counted when it was taken.
    if (!isSpectator(req)) {
      enter();
      return;
    }
    judge(req, ip, true).then(
      (refusal) => (refusal ? answerUpgrade(socket, refusal) : enter()),
      (err: unknown) => {
        logger.error({ err }, "an upgrade could not be judged");
        socket.destroy();
      },
    );
  };

  class GatedServer extends Server {
    /** Frameworks add their listeners in front of each other: only here nothing comes before us. */
    override emit(event: string | symbol, ...args: unknown[]): boolean {
      const pass = (): void => void super.emit(event as "close", ...(args as []));
      const [req, out] = args;
      if (event === "request") {
        onRequest(req as IncomingMessage, out as ServerResponse, pass);
        return true;
      }
      if (event === "upgrade") {
        onUpgrade(req as IncomingMessage, out as Duplex, pass);
        return true;
      }
      return super.emit(event as "close", ...(args as []));
    }
  }

  return {
    createServer: (listener, options = {}) => new GatedServer(options, listener),
    sockets: () => [...open.values()].reduce((sum, { size }) => sum + size, 0),
    async admit(caller) {
      const ip = clientIp(caller);
      const refusal =
        rules.verdict(ip) === "deny" ? { code: "IP_DENIED" as const } : await judge(caller, ip, true);
      return refusal ? { ip, refusal } : { ip };
    },
    onRules: (recheck) => rules.onChange(() => recheck((ip) => rules.verdict(ip) === "deny")),
  };
}
