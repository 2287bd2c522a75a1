/**
 * REST of consent, limits on play and one's own data (I6). Owns: these routes. Does not own: what they do.
 */
import { okAnswer } from "@meme-rounds/shared-schema/rest";
import {
  consentBody,
  deletedAnswer,
  deleteMeBody,
  exportAnswer,
  playLimitsAnswer,
  playLimitsBody,
  termsAnswer,
} from "@meme-rounds/shared-schema/rest-me";
import type { Terms } from "@meme-rounds/shared-schema/terms";
import { callerOf, type Route, route } from "../infra/http.ts";
import { LIMITS } from "../infra/limits.ts";
import type { Consents } from "./consent.ts";
import type { PlayLimits } from "./play-limits.ts";
import type { Privacy } from "./privacy.ts";

export interface MeRouteDeps {
  terms: Terms;
  consents: Pick<Consents, "accept">;
  limits: Pick<PlayLimits, "view" | "change">;
  privacy: Privacy;
  /** What was remembered of this person counts no more. */
  changed(identity: string): void;
}

export function meRoutes({ terms, consents, limits, privacy, changed }: MeRouteDeps): Route[] {
  return [
    route({
      method: "get",
      path: "/terms",
      summary: "The terms in force: version, least age, where they stand.",
      auth: "none",
      answer: termsAnswer,
      errors: [],
      cache: "public, max-age=60",
      handler: async () => ({ ...terms, terms: "/terms", privacy: "/privacy" }),
    }),
    route({
      method: "post",
      path: "/me/consent",
      summary: "Accept the terms in force. Signing in does the same: the text that the wallet signs says so.",
      auth: "player",
      body: consentBody,
      answer: okAnswer,
      errors: ["AUTH_REQUIRED", "TOKEN_INVALID", "BAD_REQUEST", "CONSENT_REQUIRED", "RATE_LIMITED"],
      limit: LIMITS.me,
      async handler(input) {
        const { identity, sessionId } = callerOf(input);
        await consents.accept(identity, input.body.version, sessionId);
        return { ok: true as const };
      },
    }),
    route({
      method: "get",
      path: "/me/limits",
      summary: "Your deposit limit, breaks and self-exclusion.",
      auth: "player",
      answer: playLimitsAnswer,
      errors: ["AUTH_REQUIRED", "TOKEN_INVALID"],
      handler: (input) => limits.view(callerOf(input).identity),
    }),
    route({
      method: "patch",
      path: "/me/limits",
      summary:
        "Set a deposit limit, take a break, exclude yourself. Lower counts at once, higher after 24 hours.",
      auth: "player",
      body: playLimitsBody,
      answer: playLimitsAnswer,
      errors: ["AUTH_REQUIRED", "TOKEN_INVALID", "BAD_REQUEST", "RATE_LIMITED"],
      limit: LIMITS.me,
      async handler(input) {
        const { identity } = callerOf(input);
        const now = await limits.change(identity, input.body);
        changed(identity);
        return now;
      },
    }),
    route({
      method: "get",
      path: "/me/export",
      summary: "Everything kept about you outside of the blockchain, as one file.",
      auth: "player",
      answer: exportAnswer,
      errors: ["AUTH_REQUIRED", "TOKEN_INVALID", "RATE_LIMITED"],
      limit: LIMITS.export,
      async handler(input) {
        input.res.set("Content-Disposition", 'attachment; filename="meme-rounds-my-data.json"');
        return await privacy.exportOf(callerOf(input).identity);
      },
    }),
    route({
      method: "delete",
      path: "/me",
      summary: "Delete what is kept about you; the answer says what stays and why.",
      auth: "player",
      body: deleteMeBody,
      answer: deletedAnswer,
      errors: ["ACCOUNT_BUSY", "AUTH_REQUIRED", "TOKEN_INVALID", "BAD_REQUEST", "RATE_LIMITED"],
      limit: LIMITS.me,
      handler: (input) => privacy.forget(callerOf(input).identity),
    }),
  ];
}
