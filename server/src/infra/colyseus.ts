/**
 * The one place that imports the game server's framework. Owns: which parts of it we use.
 * Types come from the `colyseus` release we follow; values from its core, because the bundle's entry also loads
 * tools that read .env files and /etc/environment over our own settings (ADR 0001).
 */
import { Encoder } from "@colyseus/schema";

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

/** A full round encodes to more than the library's first guess; growing later prints a warning and encodes twice. */
const ENCODE_BYTES = 256 * 1024;
Encoder.BUFFER_SIZE = ENCODE_BYTES;
