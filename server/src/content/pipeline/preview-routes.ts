/** REST of the creator's choice of shape (C3): the wish, and what would come of it. Owns: these routes only. */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import {
  contentAnswer,
  patchContentBody,
  previewAnswer,
  previewBody,
} from "@meme-rounds/shared-schema/rest-content";
import { z } from "zod";
import { callerOf, type Route, route } from "../../infra/http.ts";
import { LIMITS } from "../../infra/limits.ts";
import { answerOf, type Content, type ContentStore } from "../content-store.ts";
import type { Previews } from "./previews.ts";

const params = z.object({ id: z.string().max(64) });

export interface PreviewRouteDeps {
  contents: ContentStore;
  previews: Previews;
}

export function previewRoutes({ contents, previews }: PreviewRouteDeps): Route[] {
  /** R6: nobody else learns who uploaded what, not even that it exists. */
  const own = async (contentId: string, identity: string): Promise<Content> => {
    const content = await contents.get(contentId);
    if (content?.identity !== identity) throw new CodedError("CONTENT_UNKNOWN");
    return content;
  };
  return [
    route({
      method: "patch",
      path: "/content/:id",
      summary: "What a picture of yours becomes if it wins",
      auth: "player",
      params,
      body: patchContentBody,
      answer: contentAnswer,
      errors: ["AUTH_REQUIRED", "BAD_REQUEST", "CONTENT_UNKNOWN"],
      async handler(input) {
        const { contentId } = await own(input.params.id, callerOf(input).identity);
        const changed = await contents.update(contentId, (now) => ({ ...now, mode: input.body.mode }));
        if (!changed) throw new CodedError("CONTENT_UNKNOWN");
        return answerOf(changed);
      },
    }),
    route({
      method: "post",
      path: "/content/:id/preview",
      summary: "The model a picture of yours would become; waits up to 20 s",
      auth: "player",
      params,
      body: previewBody,
      answer: previewAnswer,
      limit: LIMITS.preview,
      errors: [
        "AUTH_REQUIRED",
        "BAD_REQUEST",
        "CONTENT_NOT_APPROVED",
        "CONTENT_UNKNOWN",
        "PREVIEW_FAILED",
        "RATE_LIMITED",
        "UNAVAILABLE",
      ],
      async handler(input) {
        const { memeId, status } = await own(input.params.id, callerOf(input).identity);
        if (status !== "approved") throw new CodedError("CONTENT_NOT_APPROVED");
        const { mode, glb, poster, turntable } = await previews.of(memeId, input.body.mode);
        return {
          mode,
          glb: `/media/${glb}`,
          poster: `/media/${poster}`,
          turntable: `/media/${turntable}`,
        };
      },
    }),
  ];
}
