/**
 * Access tokens (I2): short JWTs that name an identity and a session. Owns: making and checking them, and which keys
 * are good: the first signs, the others are those it has replaced, until their last tokens have run out.
 * Does not own: whether the session still lives (sessions.ts) or refresh tokens.
 */
import { createHash } from "node:crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { errors, jwtVerify, SignJWT } from "jose";

export interface AccessClaims {
  identity: string;
  sessionId: string;
}

export interface CheckedClaims extends AccessClaims {
  /** When the token runs out, ms since the epoch. */
  expiresAt: number;
}

export interface AccessTokens {
  issue(claims: AccessClaims): Promise<string>;
  /** Throws TOKEN_INVALID for anything but an unexpired token of our own making. */
  check(token: string): Promise<CheckedClaims>;
}

export interface AccessTokenOptions {
  /** Who the tokens are for: one made for another host or network is refused. */
  domain: string;
  network: string;
  /** At least 32 bytes of UTF-8 each; the first signs, all are accepted. */
  jwtSecrets: readonly string[];
  ttlMs: number;
}

/** The one algorithm, given to the check as well: a token cannot choose its own (`none`). */
const ALGORITHM = "HS256";
/** Ours have about 350 characters; nothing longer is looked into. */
const MAX_TOKEN = 2_048;

/** The name of a secret in a token's header: says which one it was, and nothing about it. */
const kidOf = (secret: Uint8Array): string => createHash("sha256").update(secret).digest("hex").slice(0, 16);

/** Throws RangeError when there is no secret, or one is shorter than the hash it keys. */
export function createAccessTokens(options: AccessTokenOptions, deps: { now: () => number }): AccessTokens {
  const { domain, network, ttlMs } = options;
  const keys = options.jwtSecrets.map((secret) => new TextEncoder().encode(secret));
  const [newest] = keys;
  if (newest === undefined || keys.some((key) => key.length < 32))
    throw new RangeError("an access token secret must have at least 32 bytes");
  const byKid = new Map(keys.map((key) => [kidOf(key), key]));
  const kid = kidOf(newest);
  const issuer = `meme-rounds:${network}`;
  return {
    async issue({ identity, sessionId }) {
      const at = deps.now();
      return await new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: ALGORITHM, kid })
        .setIssuer(issuer)
        .setAudience(domain)
        .setSubject(identity)
        .setIssuedAt(Math.floor(at / 1000))
        .setExpirationTime(Math.floor((at + ttlMs) / 1000))
        .sign(newest);
    },

    async check(token) {
      if (token.length > MAX_TOKEN) throw new CodedError("TOKEN_INVALID");
      const keyOf = (header: { kid?: unknown }): Uint8Array => {
        const key = typeof header.kid === "string" ? byKid.get(header.kid) : undefined;
        if (key === undefined) throw new CodedError("TOKEN_INVALID");
        return key;
      };
      try {
        const { payload } = await jwtVerify(token, keyOf, {
          algorithms: [ALGORITHM],
          issuer,
          audience: domain,
          requiredClaims: ["sub", "exp"],
          currentDate: new Date(deps.now()),
        });
        if (payload.sub === undefined || payload.exp === undefined || typeof payload.sid !== "string")
          throw new CodedError("TOKEN_INVALID");
        return { identity: payload.sub, sessionId: payload.sid, expiresAt: payload.exp * 1000 };
      } catch (error) {
        if (error instanceof errors.JOSEError)
          throw new CodedError("TOKEN_INVALID", undefined, { cause: error });
        throw error;
      }
    },
  };
}
