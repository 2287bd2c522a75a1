/**
 * Sessions and their rotating refresh tokens (I2). A session is one sign-in and the family of all refresh tokens
 * that came from it: showing one that was already exchanged ends the session, since one of its two holders stole it.
 * Owns: `mr:auth:session:<id>` (hash: identity, playKey, createdAt, lastUsedAt, expiresAt, refreshHash) and
 * `mr:auth:sessions:<identity>` (sorted set of session ids by expiresAt). Refresh tokens are stored hashed only.
 * Does not own: access tokens (tokens.ts), users.
 */
import { createHash } from "node:crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { Logger } from "../infra/logger.ts";
import { type Redis, runScript, script } from "../infra/redis.ts";
import { runMulti } from "./transaction.ts";

/** Sessions an identity may have at once; a new sign-in ends the one unused for longest. Bounds memory (I5). */
export const MAX_SESSIONS = 20;

export interface Session {
  id: string;
  identity: string;
  playKey: string;
  /** ms since the epoch, as are the two below. */
  createdAt: number;
  /** When the session was opened or last refreshed. */
  lastUsedAt: number;
  expiresAt: number;
}

export interface Sessions {
  open(identity: string, playKey: string): Promise<{ session: Session; refreshToken: string }>;
  /** Exchanges a refresh token. Throws REFRESH_INVALID; a reused one also ends its session. */
  rotate(refreshToken: string): Promise<{ session: Session; refreshToken: string }>;
  /** The living session of an id, or undefined. */
  find(id: string): Promise<Session | undefined>;
  /** Living sessions of an identity, the most recently used first. */
  list(identity: string): Promise<Session[]>;
  /** Ends a session of this identity. Throws SESSION_UNKNOWN when it has no such session. */
  revoke(identity: string, id: string): Promise<void>;
}

export interface SessionDeps {
  redis: Redis;
  logger: Logger;
  /** ms since the epoch. */
  now: () => number;
  randomBytes: (length: number) => Uint8Array;
}

/**
 * Exchanges a refresh token in one step, so that of two racing exchanges exactly one wins.
 * KEYS: session hash, the identity's sorted set. ARGV: session id, hash of the token shown, hash of the next token,
 * now (ms), next expiresAt (ms), time to live (ms).
 * Returns "ok", "gone" (no such session, or expired) or "reused" (the session is deleted).
 */
const ROTATE = script(
  "auth.rotate",
  `
local stored = redis.call('HMGET', KEYS[1], 'refreshHash', 'expiresAt')
if not stored[1] then return 'gone' end
if tonumber(ARGV[4]) >= tonumber(stored[2]) then return 'gone' end
if stored[1] ~= ARGV[2] then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 'reused'
end
redis.call('HSET', KEYS[1], 'refreshHash', ARGV[3], 'lastUsedAt', ARGV[4], 'expiresAt', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return 'ok'`,
);

const sessionKey = (id: string): string => `mr:auth:session:${id}`;
const listKey = (identity: string): string => `mr:auth:sessions:${identity}`;
const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex");
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

/** A Redis hash as a session; undefined when the key is gone. */
function parse(id: string, fields: Record<string, string>): Session | undefined {
  const { identity, playKey, createdAt, lastUsedAt, expiresAt } = fields;
  if (identity === undefined || playKey === undefined) return undefined;
  return {
    id,
    identity,
    playKey,
    createdAt: Number(createdAt),
    lastUsedAt: Number(lastUsedAt),
    expiresAt: Number(expiresAt),
  };
}

/** `refreshTtlMs`: how long a session lives after it was opened or last refreshed, ms. */
export function createSessions(options: { refreshTtlMs: number }, deps: SessionDeps): Sessions {
  const { refreshTtlMs } = options;
  const { redis, logger, now, randomBytes } = deps;

  const newToken = (id: string): string => `${id}.${base64url(randomBytes(32))}`;

  const find = async (id: string): Promise<Session | undefined> => {
    const session = parse(id, await redis.hgetall(sessionKey(id)));
    return session !== undefined && now() < session.expiresAt ? session : undefined;
  };

  const remove = async (identity: string, id: string): Promise<boolean> => {
    const [deleted] = await runMulti(redis.multi().del(sessionKey(id)).zrem(listKey(identity), id));
    return deleted === 1;
  };

  return {
    find,

    async open(identity, playKey) {
      const id = base64url(randomBytes(16));
      const refreshToken = newToken(id);
      const at = now();
      const session: Session = {
        id,
        identity,
        playKey,
        createdAt: at,
        lastUsedAt: at,
        expiresAt: at + refreshTtlMs,
      };
      const { id: _, ...fields } = session;
      await runMulti(
        redis
          .multi()
          .hset(sessionKey(id), { ...fields, refreshHash: hashOf(refreshToken) })
          .pexpire(sessionKey(id), refreshTtlMs)
          .zremrangebyscore(listKey(identity), "-inf", at)
          .zadd(listKey(identity), session.expiresAt, id)
          .pexpire(listKey(identity), refreshTtlMs),
      );
      // A crash before this leaves surplus sessions, which the next sign-in ends.
      for (const surplus of await redis.zrange(listKey(identity), 0, -(MAX_SESSIONS + 1)))
        await remove(identity, surplus);
      return { session, refreshToken };
    },

    async rotate(refreshToken) {
      const id = refreshToken.split(".", 1)[0] ?? "";
      const session = await find(id);
      if (session === undefined) throw new CodedError("REFRESH_INVALID");
      const next = newToken(id);
      const at = now();
      const expiresAt = at + refreshTtlMs;
      const outcome = await runScript(
        redis,
        ROTATE,
        [sessionKey(id), listKey(session.identity)],
        [id, hashOf(refreshToken), hashOf(next), at, expiresAt, refreshTtlMs],
      );
      if (outcome === "reused")
        logger.warn(
          { identity: session.identity, sessionId: id },
          "a refresh token was used twice: session ended",
        );
      if (outcome !== "ok") throw new CodedError("REFRESH_INVALID");
      return { session: { ...session, lastUsedAt: at, expiresAt }, refreshToken: next };
    },

    async list(identity) {
      const ids = await redis.zrevrangebyscore(listKey(identity), "+inf", `(${now()}`);
      const found = await Promise.all(ids.map(find));
      return found.filter((session) => session !== undefined);
    },

    async revoke(identity, id) {
      const session = await find(id);
      if (session?.identity !== identity || !(await remove(identity, id)))
        throw new CodedError("SESSION_UNKNOWN");
    },
  };
}
