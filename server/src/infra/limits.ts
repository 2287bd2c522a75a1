/**
 * Every rate limit there is, in one place (I5); docs/LIMITS.md shows the same table. Owns: the numbers.
 * Does not own: counting (limiter.ts), or where a limit is asked for.
 */

export interface LimitRule {
  /** What is limited: `auth.challenge`, `message.boost`. */
  name: string;
  /** How many in `seconds`. */
  points: number;
  seconds: number;
  /** Who is counted. Default: the identity where somebody is signed in, the address otherwise. */
  per?: "ip" | "identity";
  /**
   * How many a process lets through before it settles them with Redis; 1 by default. With P processes a caller gets
   * at most `points + (P - 1) * (batch - 1)` in a window, and `points` from one.
   */
  batch?: number;
  /** While Redis cannot be asked: refuse (default), or let in what this process alone has counted. */
  away?: "closed" | "open";
}

/** So many times its limit within one window, and a caller is thrown out rather than refused. */
export const KICK_FACTOR = 5;
/** For how long: its joins are refused, and what it flooded. */
export const KICK_SECONDS = 60;
/** Messages of all kinds a second and socket; the room closes a socket that sends more. */
export const SOCKET_MESSAGES_PER_SECOND = 60;
/** In development and tests, all callers are one machine: its limits by address are so many times as wide. */
export const LOOPBACK_FACTOR = 40;

export const LIMITS = {
  everything: { name: "http.all", per: "ip", points: 12_000, seconds: 60, batch: 100, away: "open" },
  challenge: { name: "auth.challenge", per: "ip", points: 30, seconds: 60, away: "closed" },
  verify: { name: "auth.verify", per: "ip", points: 30, seconds: 60, away: "closed" },
  refresh: { name: "auth.refresh", per: "ip", points: 60, seconds: 60, away: "closed" },
  /** Every name goes on chain, at our cost. */
  rename: { name: "auth.rename", per: "identity", points: 20, seconds: 86_400, away: "closed" },
  /** Consent, limits on one's own play, deleting everything. */
  me: { name: "me.change", per: "identity", points: 30, seconds: 60, away: "closed" },
  /** Reads all there is of a person. */
  export: { name: "me.export", per: "identity", points: 10, seconds: 3_600, away: "closed" },
  activity: { name: "me.activity", per: "identity", points: 60, seconds: 60, away: "open" },
  upload: { name: "content.upload", per: "identity", points: 20, seconds: 60, away: "closed" },
  appeal: { name: "content.appeal", per: "identity", points: 5, seconds: 3_600, away: "closed" },
  preview: { name: "content.preview", per: "identity", points: 12, seconds: 60, away: "closed" },
  walletRead: { name: "wallet.read", per: "ip", points: 300, seconds: 60, away: "open" },
  broadcast: { name: "wallet.broadcast", per: "ip", points: 60, seconds: 60, away: "closed" },
  faucet: { name: "wallet.faucet", per: "ip", points: 30, seconds: 60, away: "closed" },
  claims: { name: "auditor.claims", per: "ip", points: 30, seconds: 60, away: "open" },
  callback: { name: "chain.callback", per: "ip", points: 6_000, seconds: 60, away: "open" },
  journal: { name: "rounds.journal", per: "ip", points: 30, seconds: 60, away: "open" },
  seat: { name: "audience.seat", per: "ip", points: 600, seconds: 60, batch: 50, away: "open" },
  joinIp: { name: "join.ip", per: "ip", points: 600, seconds: 60, away: "open" },
  joinIdentity: { name: "join.identity", per: "identity", points: 30, seconds: 60, away: "open" },
  spectate: { name: "spectate.ip", per: "ip", points: 600, seconds: 60, batch: 50, away: "open" },
  messages: { name: "message.all", per: "ip", points: 1_000, seconds: 10, batch: 100, away: "open" },
  deposit: { name: "message.deposit", per: "identity", points: 10, seconds: 60, away: "open" },
  enter: { name: "message.enter", per: "identity", points: 6, seconds: 60, away: "open" },
  boost: { name: "message.boost", per: "identity", points: 100, seconds: 10, batch: 20, away: "open" },
  chat: { name: "message.chat", per: "identity", points: 5, seconds: 10, away: "open" },
  report: { name: "message.report", per: "identity", points: 10, seconds: 60, away: "open" },
} as const satisfies Record<string, LimitRule>;
