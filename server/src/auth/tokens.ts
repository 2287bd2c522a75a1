/**
 * Access tokens (I2): short JWTs that name an identity and a session.
 * Owns: making and checking them. Does not own: whether the session still lives (sessions.ts) or refresh tokens.
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { errors, jwtVerify, SignJWT } from "jose";

export interface AccessClaims {
  identity: string;
  sessionId: string;
}

export interface AccessTokens {
  issue(claims: AccessClaims): Promise<string>;
  /** Throws TOKEN_INVALID for anything but an unexpired token of our own making. */
  check(token: string): Promise<AccessClaims>;
}

export interface AccessTokenOptions {
  /** Who the tokens are for: one made for another host or network is refused. */
  domain: string;
  network: string;
  /** At least 32 bytes of UTF-8. */
  jwtSecret: string;
  ttlMs: number;
}

/** The one algorithm, given to the check as well: a token cannot choose its own (`none`). */
const ALGORITHM = "HS256";

/** Throws RangeError when the secret is shorter than the hash it keys. */
export function createAccessTokens(options: AccessTokenOptions, deps: { now: () => number }): AccessTokens {
  const { domain, network, ttlMs } = options;
  const key = new TextEncoder().encode(options.jwtSecret);
  if (key.length < 32) throw new RangeError("the access token secret must have at least 32 bytes");
  const issuer = `meme-rounds:${network}`;
  return {
    async issue({ identity, sessionId }) {
      const at = deps.now();
      return await new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: ALGORITHM })
        .setIssuer(issuer)
        .setAudience(domain)
        .setSubject(identity)
        .setIssuedAt(Math.floor(at / 1000))
        .setExpirationTime(Math.floor((at + ttlMs) / 1000))
        .sign(key);
    },

    async check(token) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: [ALGORITHM],
          issuer,
          audience: domain,
          requiredClaims: ["sub", "exp"],
          currentDate: new Date(deps.now()),
        });
        if (payload.sub === undefined || typeof payload.sid !== "string")
          throw new CodedError("TOKEN_INVALID");
        return { identity: payload.sub, sessionId: payload.sid };
      } catch (error) {
        if (error instanceof errors.JOSEError)
          throw new CodedError("TOKEN_INVALID", undefined, { cause: error });
        throw error;
      }
    },
  };
}
