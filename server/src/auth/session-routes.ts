/**
 * REST of what a person is signed in with (I2): sessions and play keys, listed and ended. Owns: these routes.
 * Does not own: the stores, signing in (routes.ts).
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { playKeySchema } from "@meme-rounds/shared-schema/records";
import { endedAnswer, okAnswer, playKeysAnswer, sessionsAnswer } from "@meme-rounds/shared-schema/rest";
import { z } from "zod";
import { callerOf, type Route, route } from "../infra/http.ts";
import type { PlayKeys } from "./play-keys.ts";
import type { Sessions } from "./sessions.ts";

export interface SessionRoutesDeps {
  sessions: Pick<Sessions, "list" | "revoke" | "revokeAll">;
  playKeys: Pick<PlayKeys, "list" | "revoke">;
}

export function sessionRoutes({ sessions, playKeys }: SessionRoutesDeps): Route[] {
  return [
    route({
      method: "post",
      path: "/auth/logout",
      summary: "End this session.",
      auth: "player",
      answer: okAnswer,
      errors: ["AUTH_REQUIRED", "TOKEN_INVALID", "SESSION_UNKNOWN"],
      async handler(input) {
        const { identity, sessionId } = callerOf(input);
        await sessions.revoke(identity, sessionId);
        return { ok: true as const };
      },
    }),
    route({
      method: "get",
      path: "/auth/sessions",
      summary: "Your sessions, the most recently used first.",
      auth: "player",
      answer: sessionsAnswer,
      errors: ["AUTH_REQUIRED", "TOKEN_INVALID"],
      async handler(input) {
        const { identity, sessionId } = callerOf(input);
        const found = await sessions.list(identity);
        return {
          sessions: found.map(({ id, wallet, playKey, createdAt, lastUsedAt }) => ({
            id,
            wallet,
            playKey,
            createdAt,
            lastUsedAt,
            current: id === sessionId,
          })),
        };
      },
    }),
    route({
      method: "delete",
      path: "/auth/sessions",
      summary: "End all of your sessions but this one.",
      auth: "player",
      answer: endedAnswer,
      errors: ["AUTH_REQUIRED", "TOKEN_INVALID"],
      async handler(input) {
        const { identity, sessionId } = callerOf(input);
        return { ended: await sessions.revokeAll(identity, ({ id }) => id !== sessionId) };
      },
    }),
    route({
      method: "delete",
      path: "/auth/sessions/:id",
      summary: "End one of your sessions; its tokens stop working at once.",
      auth: "player",
      params: z.strictObject({ id: z.string().min(1).max(100) }),
      answer: okAnswer,
      errors: ["AUTH_REQUIRED", "TOKEN_INVALID", "SESSION_UNKNOWN"],
      async handler(input) {
        await sessions.revoke(callerOf(input).identity, input.params.id);
        return { ok: true as const };
      },
    }),
    route({
      method: "get",
      path: "/auth/play-keys",
      summary: "The play keys bound to you, the last used first.",
      auth: "player",
      answer: playKeysAnswer,
      errors: ["AUTH_REQUIRED", "TOKEN_INVALID"],
      async handler(input) {
        const { identity, playKey: current } = callerOf(input);
        const found = await playKeys.list(identity);
        return { playKeys: found.map((one) => ({ ...one, current: one.playKey === current })) };
      },
    }),
    route({
      method: "delete",
      path: "/auth/play-keys/:playKey",
      summary: "Revoke a play key for good: it signs in no more, its sessions end. Its coins stay its own.",
      auth: "player",
      params: z.strictObject({ playKey: playKeySchema }),
      answer: endedAnswer,
      errors: ["AUTH_REQUIRED", "TOKEN_INVALID", "PLAY_KEY_CURRENT", "PLAY_KEY_UNKNOWN"],
      async handler(input) {
        const { identity, playKey: current } = callerOf(input);
        const { playKey } = input.params;
        if (playKey === current) throw new CodedError("PLAY_KEY_CURRENT");
        // Revoked first: a sign-in under way finds that out after it has opened its session.
        await playKeys.revoke(playKey, identity);
        return { ended: await sessions.revokeAll(identity, (session) => session.playKey === playKey) };
      },
    }),
  ];
}
