/** REST of takedowns, for moderators (R12, C6). Owns: these three routes only. */

import { hash32 } from "@meme-rounds/shared-schema/records";
import { moderateAnswer, moderateBody } from "@meme-rounds/shared-schema/rest-content";
import { z } from "zod";
import { callerOf, type Route, route } from "../../infra/http.ts";
import type { ModerationOrder, Takedowns } from "./takedown.ts";

const SUMMARIES: Record<ModerationOrder["kind"], string> = {
  takedown: "Take a meme and its models down, for good and everywhere",
  hide: "Blur a meme until somebody looks at it",
  unhide: "Show a meme that was hidden or reported; the reports are forgiven",
};

export const takedownRoutes = (takedowns: Pick<Takedowns, "carryOut">): Route[] =>
  (["takedown", "hide", "unhide"] as const).map((kind) =>
    route({
      method: "post",
      path: `/admin/memes/:memeId/${kind}`,
      summary: SUMMARIES[kind],
      auth: "moderator",
      params: z.object({ memeId: hash32 }),
      body: moderateBody,
      answer: moderateAnswer,
      errors: ["AUTH_REQUIRED", "BAD_REQUEST", "MEME_TAKEN_DOWN", "ROLE_REQUIRED"],
      async handler(input) {
        const { memeId } = input.params;
        return await takedowns.carryOut({
          kind,
          memeId,
          by: callerOf(input).identity,
          reason: input.body.reason,
        });
      },
    }),
  );
