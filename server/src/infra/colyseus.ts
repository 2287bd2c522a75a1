/**
 * The one place that imports the game server's framework. Owns: which parts of it we use.
 * Types come from the `colyseus` release we follow; values from its core, because the bundle's entry also loads
 * tools that read .env files and /etc/environment over our own settings (ADR 0001).
 */
export {
  CloseCode,
  ErrorCode as MatchmakeErrorCode,
  matchMaker,
  Room,
  Server,
  ServerError,
} from "@colyseus/core";
export { RedisPresence } from "@colyseus/redis-presence";
export { WebSocketTransport } from "@colyseus/ws-transport";
export type { AuthContext, Client } from "colyseus";
