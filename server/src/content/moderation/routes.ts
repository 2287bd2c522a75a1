/** REST of moderation (C2, R12): appeals, and the moderators' queue. Owns: these routes only. */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { okAnswer } from "@meme-rounds/shared-schema/rest";
import {
  appealBody,
  contentAnswer,
  reviewDecisionBody,
  type reviewEntrySchema,
  reviewQueueAnswer,
} from "@meme-rounds/shared-schema/rest-content";
import { z } from "zod";
import { callerOf, type Route, route } from "../../infra/http.ts";
import { LIMITS } from "../../infra/limits.ts";
import { answerOf } from "../content-store.ts";
import { appeal, type DecisionDeps, decide } from "./decisions.ts";
import type { QueuedItem } from "./review.ts";

type Entry = z.input<typeof reviewEntrySchema>;

const idParams = z.object({ id: z.string().max(200) });

export function moderationRoutes(deps: DecisionDeps): Route[] {
  const { contents, queue, held } = deps;

  /** As a moderator reads it; undefined where the upload's record is gone. */
  async function entryOf({ id, at, item }: QueuedItem): Promise<Entry | undefined> {
    if (item.kind === "report" || item.kind === "model") {
      const { kind, memeId, roundId, reason } = item;
      return { id, kind, at, memeId, roundId, picture: `/media/${memeId}`, reasons: [reason] };
    }
    const content = await contents.get(item.contentId);
    if (content === undefined) return undefined;
    const { memeId, title, reasons } = content;
    const picture = `/api/admin/queue/${id}/picture`;
    const common = { id, kind: item.kind, at, memeId, title, picture, reasons };
    return item.kind === "appeal" ? { ...common, text: item.text } : common;
  }

  return [
    route({
      method: "post",
      path: "/content/:id/appeal",
      summary: "Ask a moderator to look again at a rejected picture of yours",
      auth: "player",
      params: idParams,
      body: appealBody,
      answer: contentAnswer,
      limit: LIMITS.appeal,
      errors: [
        "APPEAL_NOT_POSSIBLE",
        "AUTH_REQUIRED",
        "BAD_REQUEST",
        "CONTENT_UNKNOWN",
        "RATE_LIMITED",
        "UNAVAILABLE",
      ],
      async handler(input) {
        const { identity } = callerOf(input);
        return answerOf(await appeal(deps, { contentId: input.params.id, identity, text: input.body.text }));
      },
    }),
    route({
      method: "get",
      path: "/admin/queue",
      summary: "What waits for a moderator, oldest first",
      auth: "moderator",
      query: z.object({ cursor: z.coerce.number().int().nonnegative().optional() }),
      answer: reviewQueueAnswer,
      errors: ["AUTH_REQUIRED", "BAD_REQUEST", "ROLE_REQUIRED"],
      async handler({ query }) {
        const { items, next } = await queue.list(query.cursor);
        const entries = await Promise.all(items.map(entryOf));
        // A record that was forgotten meanwhile leaves nothing to decide.
        const gone = items.filter((_, index) => entries[index] === undefined);
        for (const { id } of gone) await queue.close(id);
        return {
          items: entries.filter((entry) => entry !== undefined),
          size: await queue.size(),
          ...(next === undefined ? {} : { next }),
        };
      },
    }),
    route({
      method: "get",
      path: "/admin/queue/:id/picture",
      summary: "A picture nobody else may see yet",
      auth: "moderator",
      params: idParams,
      answer: z.unknown(),
      produces: "image/webp",
      errors: ["AUTH_REQUIRED", "NOT_FOUND", "ROLE_REQUIRED"],
      async handler({ params, res }) {
        const queued = await queue.get(params.id);
        const content =
          queued && "contentId" in queued.item ? await contents.get(queued.item.contentId) : undefined;
        const webp = content && (await held.get(content.memeId));
        if (webp === undefined) throw new CodedError("NOT_FOUND");
        res.set({ "Cache-Control": "no-store", "Content-Security-Policy": "sandbox" });
        res.type("image/webp").send(webp);
        return undefined;
      },
    }),
    route({
      method: "post",
      path: "/admin/queue/:id",
      summary: "Decide one item of the queue",
      auth: "moderator",
      params: idParams,
      body: reviewDecisionBody,
      answer: okAnswer,
      errors: ["AUTH_REQUIRED", "BAD_REQUEST", "REVIEW_ITEM_UNKNOWN", "ROLE_REQUIRED", "UNAVAILABLE"],
      async handler(input) {
        await decide(deps, input.params.id, { ...input.body, by: callerOf(input).identity });
        return { ok: true as const };
      },
    }),
  ];
}
