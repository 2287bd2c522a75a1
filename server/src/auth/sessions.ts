/**
 * Sessions and their rotating refresh tokens (I2). A session is one sign-in and the family of all refresh tokens
 * that came from it: showing one that was already exchanged ends the session, since one of its two holders stole it.
 *
 * The answer to an exchange may be lost, and a wallet's window is a high price for that. So a client may name its
 * attempt with a random text of its own: the same token with the same name gets the same next token again. Who stole the
 * token alone does not know the name. The next token is made from the one shown and a stored salt: Redis holds none.
 *
 * Owns: `mr:auth:session:<id>` (hash: identity, playKey, wallet, createdAt, lastUsedAt, expiresAt, refreshHash,
 * formerHash, attemptHash, salt), `mr:auth:sessions:<identity>` (sorted set of session ids by expiresAt),
 * `mr:auth:ended` (sorted set of session ids by when they ended, a minute). Refresh tokens are stored hashed only.
 * Does not own: access tokens (tokens.ts), users.
 */
import { createHash, createHmac } from "node:crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { walletKinds } from "@meme-rounds/shared-schema/rest";
import { z } from "zod";
import type { Logger } from "../infra/logger.ts";
import { type Redis, runScript, script } from "../infra/redis.ts";
import type { WalletKind } from "./schemes/index.ts";
import { runMulti } from "./transaction.ts";

/** Sessions an identity may have at once; a new sign-in ends the one unused for longest. Bounds memory (I5). */
export const MAX_SESSIONS = 20;
/** However often it is refreshed, a session ends after this, ms. */
const MAX_AGE_MS = 180 * 86_400_000;
/** How long one can ask which sessions have ended, ms: everybody asks every second, clocks differ by seconds. */
const ENDED_MS = 60_000;
const ENDED_KEY = "mr:auth:ended";

export interface Session {
  id: string;
  identity: string;
  playKey: string;
  wallet: WalletKind;
  /** ms since the epoch, as are the two below. */
  createdAt: number;
  /** When the session was opened or last refreshed. */
  lastUsedAt: number;
  expiresAt: number;
}

export interface Sessions {
  open(
    identity: string,
    playKey: string,
    wallet: WalletKind,
  ): Promise<{ session: Session; refreshToken: string }>;
  /**
   * Exchanges a refresh token; `attempt` names the try, so that it can be repeated. Throws REFRESH_INVALID; a reused
   * token also ends its session.
   */
  rotate(refreshToken: string, attempt?: string): Promise<{ session: Session; refreshToken: string }>;
  /** The living session of an id, or undefined. */
  find(id: string): Promise<Session | undefined>;
  /** Living sessions of an identity, the most recently used first. */
  list(identity: string): Promise<Session[]>;
  /** Ends a session of this identity. Throws SESSION_UNKNOWN when it has no such session. */
  revoke(identity: string, id: string): Promise<void>;
  /** Ends all sessions of this identity that `isMeant`; says how many. */
  revokeAll(identity: string, isMeant: (session: Session) => boolean): Promise<number>;
  /** Those of these ids whose session has ended. */
  gone(ids: readonly string[]): Promise<Set<string>>;
  /** Ids of sessions that ended since then (ms), at most a minute back. */
  endedSince(at: number): Promise<string[]>;
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
 * KEYS: session hash, the identity's sorted set, ended sessions. ARGV: session id, hash of the token shown, hash of the
 * next token, its salt, now (ms), time to live (ms), longest age (ms), hash of the attempt's name ("" for none),
 * how long an ended session is named (ms).
 * Returns {"ok", expiresAt}, {"again", expiresAt, salt}, {"gone"} (no such session, or expired) or {"reused"} (the
 * session is deleted).
 */
const ROTATE = script(
  "auth.rotate",
  `
local had = redis.call('HMGET', KEYS[1], 'refreshHash', 'expiresAt', 'formerHash', 'salt', 'attemptHash', 'createdAt')
local now = tonumber(ARGV[5])
if not had[1] or now >= tonumber(had[2]) then return {'gone'} end
if had[1] ~= ARGV[2] then
  if had[3] == ARGV[2] and ARGV[8] ~= '' and had[5] == ARGV[8] then return {'again', had[2], had[4]} end
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - tonumber(ARGV[9]))
  redis.call('ZADD', KEYS[3], now, ARGV[1])
  redis.call('PEXPIRE', KEYS[3], ARGV[9])
  return {'reused'}
end
local expires = math.min(now + tonumber(ARGV[6]), tonumber(had[6]) + tonumber(ARGV[7]))
local text = string.format('%.0f', expires)
redis.call('HSET', KEYS[1], 'refreshHash', ARGV[3], 'formerHash', ARGV[2], 'attemptHash', ARGV[8],
  'salt', ARGV[4], 'lastUsedAt', ARGV[5], 'expiresAt', text)
redis.call('PEXPIRE', KEYS[1], math.max(1, expires - now))
redis.call('ZADD', KEYS[2], text, ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return {'ok', text}`,
);

const walletSchema = z.enum(walletKinds);
const sessionKey = (id: string): string => `mr:auth:session:${id}`;
const listKey = (identity: string): string => `mr:auth:sessions:${identity}`;
const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex");
/** The token after `shown`: only who has that one can make it. */
const nextOf = (id: string, shown: string, salt: string): string =>
  `${id}.${createHmac("sha256", shown).update(salt).digest("base64url")}`;
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

/** A Redis hash as a session; undefined when the key is gone. */
function parse(id: string, fields: Record<string, string>): Session | undefined {
  const { identity, playKey, wallet = "manual", createdAt, lastUsedAt, expiresAt } = fields;
  if (identity === undefined || playKey === undefined) return undefined;
  return {
    id,
    identity,
    playKey,
    wallet: walletSchema.catch("manual").parse(wallet),
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
    const at = now();
    const [deleted] = await runMulti(
      redis
        .multi()
        .del(sessionKey(id))
        .zrem(listKey(identity), id)
        .zremrangebyscore(ENDED_KEY, "-inf", at - ENDED_MS)
        .zadd(ENDED_KEY, at, id)
        .pexpire(ENDED_KEY, ENDED_MS),
    );
    return deleted === 1;
  };

  const list = async (identity: string): Promise<Session[]> => {
    const ids = await redis.zrevrangebyscore(listKey(identity), "+inf", `(${now()}`);
    const found = await Promise.all(ids.map(find));
    return found.filter((session) => session !== undefined);
  };

  return {
    find,

    async open(identity, playKey, wallet) {
      const id = base64url(randomBytes(16));
      const refreshToken = newToken(id);
      const at = now();
      const session: Session = {
        id,
        identity,
        playKey,
        wallet,
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

    async rotate(refreshToken, attempt) {
      const id = refreshToken.split(".", 1)[0] ?? "";
      const session = await find(id);
      if (session === undefined) throw new CodedError("REFRESH_INVALID");
      const salt = base64url(randomBytes(16));
      const at = now();
      const [word, expiresAt, stored] = (await runScript(
        redis,
        ROTATE,
        [sessionKey(id), listKey(session.identity), ENDED_KEY],
        [
          id,
          hashOf(refreshToken),
          hashOf(nextOf(id, refreshToken, salt)),
          salt,
          at,
          refreshTtlMs,
          MAX_AGE_MS,
          attempt === undefined ? "" : hashOf(attempt),
          ENDED_MS,
        ],
      )) as [string, string?, string?];
      if (word === "reused")
        logger.warn(
          { identity: session.identity, sessionId: id },
          "a refresh token was used twice: session ended",
        );
      if (word !== "ok" && word !== "again") throw new CodedError("REFRESH_INVALID");
      return {
        session: {
          ...session,
          lastUsedAt: word === "ok" ? at : session.lastUsedAt,
          expiresAt: Number(expiresAt),
        },
        refreshToken: nextOf(id, refreshToken, word === "again" && stored !== undefined ? stored : salt),
      };
    },

    list,

    async revoke(identity, id) {
      const session = await find(id);
      if (session?.identity !== identity || !(await remove(identity, id)))
        throw new CodedError("SESSION_UNKNOWN");
    },

    async revokeAll(identity, isMeant) {
      const ended = await Promise.all(
        (await list(identity)).filter(isMeant).map(({ id }) => remove(identity, id)),
      );
      return ended.filter(Boolean).length;
    },

    async gone(ids) {
      const pipeline = redis.pipeline();
      for (const id of ids) pipeline.hget(sessionKey(id), "expiresAt");
      const replies = (await pipeline.exec()) ?? [];
      return new Set(
        ids.filter((_, at) => {
          const [error, expiresAt] = replies[at] ?? [];
          if (error) throw error;
          return typeof expiresAt !== "string" || now() >= Number(expiresAt);
        }),
      );
    },

    endedSince: (at) => redis.zrangebyscore(ENDED_KEY, at, "+inf"),
  };
}
