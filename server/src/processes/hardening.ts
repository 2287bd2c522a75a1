/**
 * The hardening of a process that browsers reach, put together from the settings. Owns: what of the configuration goes
 * where. Does not own: any rule (infra/http-guard.ts, socket-guard.ts, security-headers.ts, security-txt.ts).
 */
import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import type { ErrorCode } from "@meme-rounds/shared-schema/errors";
import type express from "express";
import type { Config } from "../config.ts";
import { type Caller, createClientIp, trustOf } from "../infra/client-ip.ts";
import { matchMaker } from "../infra/colyseus.ts";
import { createHttpGuard, refuseUpgrade, stand } from "../infra/http-guard.ts";
import { createOrigins } from "../infra/origins.ts";
import { connectSources } from "../infra/security-headers.ts";
import { createSocketGuard } from "../infra/socket-guard.ts";
import type { WebOptions } from "../web.ts";

type Settings = Pick<
  Config,
  | "CORS_ORIGINS"
  | "PAGE_CONNECT"
  | "CONNECTIONS_PER_IP"
  | "SOCKETS_PER_IP"
  | "SECURITY_CONTACT"
  | "SECURITY_EXPIRES_DAYS"
  | "TRUST_PROXY"
  | "DOMAIN"
  | "PUBLIC_URL"
  | "PUBLIC_ADDRESS"
  | "WOC_URL"
>;

const isHttps = ({ PUBLIC_URL }: Settings): boolean => PUBLIC_URL?.startsWith("https:") === true;
/** PUBLIC_ADDRESS is host[:port][/path], without a scheme. */
const socketUrls = ({ PUBLIC_ADDRESS }: Settings): string[] =>
  PUBLIC_ADDRESS === undefined
    ? []
    : ["http", "https", "ws", "wss"].map((scheme) => `${scheme}://${PUBLIC_ADDRESS}`);

/** What bindWeb is told: the page's CSP and the file for those who find a weakness. */
export function webHardening(config: Settings, now: () => number): Pick<WebOptions, "page" | "security"> {
  const contacts =
    config.SECURITY_CONTACT.length > 0
      ? config.SECURITY_CONTACT
      : [`mailto:security@${config.DOMAIN.replace(/:\d+$/, "")}`];
  return {
    page: {
      connect: connectSources([config.WOC_URL, ...socketUrls(config), ...config.PAGE_CONNECT]),
      https: isHttps(config),
    },
    security: {
      contacts,
      days: config.SECURITY_EXPIRES_DAYS,
      now,
      ...(config.PUBLIC_URL ? { base: config.PUBLIC_URL } : {}),
    },
  };
}

/** Rules for websockets that come in on another server of this process: why not, or how its place is given back. */
export type SocketRules = (caller: Caller) => ErrorCode | (() => void);

/** Puts the guards before everything that listens on `http`; `app` answers the preflights that are not of the API. */
export function harden(http: Server, app: () => express.Application, config: Settings): SocketRules {
  const trust = trustOf(config.TRUST_PROXY);
  const hosts = [config.DOMAIN, config.PUBLIC_URL && new URL(config.PUBLIC_URL).host, config.PUBLIC_ADDRESS];
  const guard = createHttpGuard({
    origins: createOrigins({
      allowed: config.CORS_ORIGINS,
      ownHosts: hosts.flatMap((host) => (host ? [host] : [])),
    }),
    https: isHttps(config),
  });
  const sockets = createSocketGuard(
    { connections: config.CONNECTIONS_PER_IP, websockets: config.SOCKETS_PER_IP },
    { trust, clientIp: createClientIp(trust) },
  );
  http.on("connection", (socket) => sockets.onConnection(socket));
  stand(
    http,
    {
      request: guard.request,
      upgradeFault: guard.upgradeFault,
      upgrade: (req, socket: Duplex, pass) =>
        guard.upgrade(req, socket, () =>
          sockets.admit(req, socket) ? pass() : refuseUpgrade(socket, "RATE_LIMITED"),
        ),
    },
    (req, res) => app()(req, res),
  );
  // The framework lets every origin in with credentials; the guard has answered that question before.
  Object.assign(matchMaker.controller, { DEFAULT_CORS_HEADERS: {}, getCorsHeaders: () => ({}) });
  return (caller) => guard.upgradeFault(caller) ?? sockets.hold(caller) ?? "RATE_LIMITED";
}
