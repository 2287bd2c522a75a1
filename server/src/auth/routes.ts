/**
 * REST routes of sign-in and profiles (design.md section 8). Owns: the route table of this service.
 * Does not own: what the calls do (index.ts and the stores), or the HTTP pipeline (infra/http.ts).
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import {
  challengeAnswer,
  challengeBody,
  patchMeBody,
  refreshBody,
  tokensAnswer,
  type User,
  userSchema,
  verifyBody,
} from "@meme-rounds/shared-schema/rest";
import type { z } from "zod";
import { type Caller, callerOf, type Route, route } from "../infra/http.ts";
import type { LimitRule } from "../infra/limiter.ts";
import { LIMITS } from "../infra/limits.ts";
import type { Challenges } from "./challenges.ts";
import { cleanName } from "./names.ts";
import { type SignatureScheme, schemeOf } from "./schemes/index.ts";
import type { Users } from "./users.ts";

type Tokens = z.input<typeof tokensAnswer>;

/** The limits of this service's routes; a test may give others. */
export const AUTH_LIMITS = {
  challenge: LIMITS.challenge,
  verify: LIMITS.verify,
  refresh: LIMITS.refresh,
  rename: LIMITS.rename,
} as const satisfies Record<string, LimitRule>;

export interface AuthRoutesDeps {
  schemes: readonly SignatureScheme[];
  challenges: Challenges;
  users: Users;
  limits: Record<keyof typeof AUTH_LIMITS, LimitRule>;
  verify(body: z.output<typeof verifyBody>): Promise<Tokens>;
  refresh(refreshToken: string, attempt: string | undefined): Promise<Tokens>;
  userOf(caller: Pick<Caller, "identity" | "playKey">): Promise<User>;
  isNameFit(name: string): boolean;
  /** Whether a picture may stand for this identity; from then on it stays. */
  claimPicture(identity: string, memeId: string): Promise<boolean>;
  /** Told of a new name or picture. */
  renamed(caller: Caller): Promise<void>;
}

export function authRoutes(deps: AuthRoutesDeps): Route[] {
  const { users, limits } = deps;
  return [
    route({
      method: "post",
      path: "/auth/challenge",
      summary: "Ask for the text that the wallet signs; it is good once, for 5 minutes.",
      auth: "none",
      body: challengeBody,
      answer: challengeAnswer,
      errors: ["BAD_REQUEST", "WALLET_UNSUPPORTED", "RATE_LIMITED"],
      limit: limits.challenge,
      async handler({ body }) {
        schemeOf(deps.schemes, body.wallet);
        return await deps.challenges.issue(body);
      },
    }),
    route({
      method: "post",
      path: "/auth/verify",
      summary: "Sign in with the wallet's signature and the play key's proof.",
      auth: "none",
      body: verifyBody,
      answer: tokensAnswer,
      errors: [
        "BAD_REQUEST",
        "CHALLENGE_EXPIRED",
        "WALLET_UNSUPPORTED",
        "SIGNATURE_INVALID",
        "PLAY_SIGNATURE_INVALID",
        "PLAY_KEY_TAKEN",
        "PLAY_KEY_REVOKED",
        "PLAY_KEYS_FULL",
        "RATE_LIMITED",
      ],
      limit: limits.verify,
      handler: ({ body }) => deps.verify(body),
    }),
    route({
      method: "post",
      path: "/auth/refresh",
      summary: "Exchange a refresh token; each works once, and using one twice ends the session.",
      auth: "none",
      body: refreshBody,
      answer: tokensAnswer,
      errors: ["BAD_REQUEST", "REFRESH_INVALID", "RATE_LIMITED"],
      limit: limits.refresh,
      handler: ({ body }) => deps.refresh(body.refreshToken, body.attempt),
    }),
    route({
      method: "get",
      path: "/me",
      summary: "Who you are signed in as.",
      auth: "player",
      answer: userSchema,
      errors: ["AUTH_REQUIRED", "TOKEN_INVALID"],
      handler: (input) => deps.userOf(callerOf(input)),
    }),
    route({
      method: "patch",
      path: "/me",
      summary: "Change your display name, or the picture beside it: an approved one of your own.",
      auth: "player",
      body: patchMeBody,
      answer: userSchema,
      errors: [
        "AUTH_REQUIRED",
        "TOKEN_INVALID",
        "BAD_REQUEST",
        "NAME_REFUSED",
        "AVATAR_REFUSED",
        "RATE_LIMITED",
      ],
      limit: limits.rename,
      async handler(input) {
        const caller = callerOf(input);
        const { identity } = caller;
        const { name, avatar } = input.body;
        if (name === undefined && avatar === undefined) return await deps.userOf(caller);
        // Both are judged before either is written.
        const clean = name === undefined ? undefined : cleanName(name);
        if (name !== undefined && !deps.isNameFit(name)) throw new CodedError("NAME_REFUSED");
        if (avatar && !(await deps.claimPicture(identity, avatar))) throw new CodedError("AVATAR_REFUSED");
        if (clean !== undefined) await users.rename(identity, clean);
        if (avatar !== undefined) await users.setAvatar(identity, avatar);
        await deps.renamed(caller);
        return await deps.userOf(caller);
      },
    }),
  ];
}
