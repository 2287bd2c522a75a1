/**
 * The Auth Service (I1, I2, I4): sign-in by wallet signature, tokens, sessions, profiles, roles.
 * Owns: putting those together, and who an access token speaks for. Does not own: HTTP, rate counting, bans.
 */
import { randomBytes as systemRandom } from "node:crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { Network } from "@meme-rounds/shared-schema/records";
import type { tokensAnswer, User, verifyBody } from "@meme-rounds/shared-schema/rest";
import { playKeyProofBytes } from "@meme-rounds/shared-schema/sign-in";
import { TERMS, type Terms } from "@meme-rounds/shared-schema/terms";
import type { z } from "zod";
import { createVerifier } from "../infra/ecdsa.ts";
import type { Caller, Route } from "../infra/http.ts";
import type { LimitRule } from "../infra/limiter.ts";
import type { Logger } from "../infra/logger.ts";
import type { PersonalData } from "../infra/personal-data.ts";
import type { Redis } from "../infra/redis.ts";
import { createChallenges } from "./challenges.ts";
import { createConsents } from "./consent.ts";
import { createGate, type PlayGate } from "./gate.ts";
import { meRoutes } from "./me-routes.ts";
import { ownPersonalData } from "./personal-data.ts";
import { createPlayKeys } from "./play-keys.ts";
import { createPlayLimits } from "./play-limits.ts";
import { createPrivacy } from "./privacy.ts";
import { AUTH_LIMITS, authRoutes } from "./routes.ts";
import { createSchemes, schemeOf } from "./schemes/index.ts";
import { sessionRoutes } from "./session-routes.ts";
import { createSessions, type Session, type Sessions } from "./sessions.ts";
import { createAccessTokens } from "./tokens.ts";
import { createUsers } from "./users.ts";

export { ipRuleRoutes } from "./ip-rules/routes.ts";

export interface AuthOptions {
  /** Host (and port) people see in the text they sign; tokens are good for this one only. */
  domain: string;
  network: Network;
  /** Life of an access token, ms. 15 min by default. */
  accessTtlMs?: number;
  /** Life of a session since it was last refreshed, ms. 30 days by default. */
  refreshTtlMs?: number;
  /** Identity strings that have the role admin (I4). */
  adminIdentities: readonly string[];
  /** Those that have the role moderator (I4). */
  moderatorIdentities?: readonly string[];
  /** At least 32 bytes each; the first signs tokens, all are accepted. Every process needs the same. */
  jwtSecrets: readonly string[];
  /** Rate limits that differ from AUTH_LIMITS. */
  limits?: Partial<Record<keyof typeof AUTH_LIMITS, LimitRule>>;
  /** The terms in force (I6); by default those of this build. */
  terms?: Terms;
}

export interface AuthDeps {
  redis: Redis;
  logger: Logger;
  /** ms since the epoch. */
  now: () => number;
  randomBytes?: (length: number) => Uint8Array;
  /** C2: false for a name that may not stand where everybody sees it, on chain for good. Absent: every name may. */
  isNameFit?(name: string): boolean;
  /** Somebody gave itself a name or a picture: M6 puts it on chain. */
  onRenamed?(profile: ShownProfile): Promise<void>;
  /** Pictures of profiles. Absent: nobody has one. */
  pictures?: ProfilePictures;
  /** I6: what the other services keep about a person. */
  othersData?(): readonly PersonalData[];
  /** I6: ids of rounds that are live or not paid. Nothing of somebody who deposited in one is deleted. */
  unpaidRounds?(): Promise<readonly string[]>;
}

/** What of a profile everybody may see. */
export interface ShownProfile {
  identity: string;
  playKey: string;
  name: string;
  /** memeId. */
  avatar?: string;
}

export interface ProfilePictures {
  /** C2: whether this is an approved picture of the identity's own that nothing stands against; it is kept then. */
  claim(identity: string, memeId: string): Promise<boolean>;
  /** C6: whether it may be shown now. */
  isShown(memeId: string): Promise<boolean>;
}

export interface AuthService {
  routes: Route[];
  /** Who an access token speaks for, until when (ms). Throws TOKEN_INVALID, also when its session was revoked or has expired. */
  authenticate(token: string): Promise<Caller & { expiresAt: number }>;
  /** For who keeps sockets open: which of their sessions have ended. `accessTtlMs`: how often to ask at least. */
  sessions: Pick<Sessions, "gone" | "endedSince"> & { accessTtlMs: number };
  /** Display names by play key, of those that have signed in. */
  namesOf(playKeys: readonly string[]): Promise<Map<string, string>>;
  /** I6: terms and self-set limits, for who lets people play. */
  play: PlayGate;
  stop(): Promise<void>;
}

type Tokens = z.input<typeof tokensAnswer>;

const DEFAULT_ACCESS_TTL_MS = 15 * 60_000;
const DEFAULT_REFRESH_TTL_MS = 30 * 24 * 60 * 60_000;

/** Throws RangeError when a secret is too short, or there is none. */
export function createAuthService(options: AuthOptions, deps: AuthDeps): AuthService {
  const { domain, network, jwtSecrets, terms = TERMS } = options;
  const { redis, logger, now, randomBytes = systemRandom } = deps;
  const accessTtlMs = options.accessTtlMs ?? DEFAULT_ACCESS_TTL_MS;
  const admins = new Set(options.adminIdentities);
  const schemes = createSchemes({ network });
  const verifyPlayKey = createVerifier();
  const challenges = createChallenges({ domain, terms }, { redis, now, randomBytes });
  const users = createUsers({ redis, now });
  const playKeys = createPlayKeys({ redis, now });
  const sessions = createSessions(
    { refreshTtlMs: options.refreshTtlMs ?? DEFAULT_REFRESH_TTL_MS },
    { redis, logger, now, randomBytes },
  );
  const accessTokens = createAccessTokens({ domain, network, jwtSecrets, ttlMs: accessTtlMs }, { now });

  const consents = createConsents({ terms }, { redis, now });
  const limits = createPlayLimits({ redis, now });
  const gate = createGate({ consents, limits, now });
  const renamed = async (profile: ShownProfile): Promise<void> => await deps.onRenamed?.(profile);
  const privacy = createPrivacy({
    async personOf(identity) {
      const mine = await playKeys.list(identity);
      return { identity, playKeys: mine.map(({ playKey }) => playKey) };
    },
    parts: () => [
      ...(deps.othersData?.() ?? []),
      ...ownPersonalData({ users, sessions, playKeys, consents, limits, renamed }),
    ],
    limits,
    unpaidRounds: async () => (await deps.unpaidRounds?.()) ?? [],
    now,
  });

  const moderators = new Set(options.moderatorIdentities);
  const roleOf = (identity: string): Caller["role"] =>
    admins.has(identity) ? "admin" : moderators.has(identity) ? "moderator" : "player";

  const userOf = async ({ identity, playKey }: Pick<Caller, "identity" | "playKey">): Promise<User> => {
    const { avatar, ...profile } = await users.profile(identity);
    const isShown = avatar !== undefined && (await deps.pictures?.isShown(avatar)) === true;
    return {
      identity,
      playKey,
      ...profile,
      ...(isShown ? { avatar: `/media/${avatar}` } : {}),
      role: roleOf(identity),
      terms: { version: terms.version, accepted: await consents.accepted(identity) },
    };
  };

  const tokensOf = async (session: Session, refreshToken: string): Promise<Tokens> => ({
    accessToken: await accessTokens.issue({ identity: session.identity, sessionId: session.id }),
    refreshToken,
    user: await userOf(session),
  });

  /** The steps of I2 in order; the nonce is used up by the first, whatever the others find. */
  const verify = async (body: z.output<typeof verifyBody>): Promise<Tokens> => {
    const { wallet, address, playKey, message } = await challenges.take(body.nonce);
    const { signature, publicKey } = body;
    const proof = schemeOf(schemes, wallet).verify({
      nonce: body.nonce,
      message,
      signature,
      address,
      publicKey,
    });
    if (!proof.ok) throw new CodedError("SIGNATURE_INVALID");
    const { identity } = proof;
    if (!verifyPlayKey(playKeyProofBytes(body.nonce, identity), body.playSig, playKey))
      throw new CodedError("PLAY_SIGNATURE_INVALID");
    await playKeys.claim(playKey, identity);
    await consents.signed(identity, { nonce: body.nonce, message, signature });
    await users.signedIn(identity, wallet, address);
    const { session, refreshToken } = await sessions.open(identity, playKey, wallet);
    // It may have been revoked since the claim; a revocation after this line finds the session and ends it.
    if (await playKeys.isRevoked(playKey, identity)) {
      await sessions.revoke(identity, session.id);
      throw new CodedError("PLAY_KEY_REVOKED");
    }
    logger.info({ identity, wallet, sessionId: session.id }, "signed in");
    return await tokensOf(session, refreshToken);
  };

  return {
    routes: [
      ...meRoutes({ terms, consents, limits, privacy, changed: gate.changed }),
      ...sessionRoutes({ sessions, playKeys }),
      ...authRoutes({
        schemes,
        challenges,
        users,
        limits: { ...AUTH_LIMITS, ...options.limits },
        verify,
        async refresh(shown, attempt) {
          const { session, refreshToken } = await sessions.rotate(shown, attempt);
          return await tokensOf(session, refreshToken);
        },
        userOf,
        isNameFit: (name) => deps.isNameFit?.(name) ?? true,
        claimPicture: async (identity, memeId) => (await deps.pictures?.claim(identity, memeId)) ?? false,
        async renamed({ identity, playKey }) {
          const { name, avatar } = await users.profile(identity);
          await renamed({ identity, playKey, name, ...(avatar ? { avatar } : {}) });
        },
      }),
    ],

    async authenticate(token) {
      const { identity, sessionId, expiresAt } = await accessTokens.check(token);
      const session = await sessions.find(sessionId);
      if (session?.identity !== identity) throw new CodedError("TOKEN_INVALID");
      return { identity, playKey: session.playKey, role: roleOf(identity), sessionId, expiresAt };
    },

    sessions: { accessTtlMs, gone: sessions.gone, endedSince: sessions.endedSince },

    namesOf: async (keys) => await users.namesOf(await playKeys.ownersOf(keys)),
    play: gate,

    // Everything is in Redis and the connection is the caller's: nothing of its own to end.
    async stop() {},
  };
}
