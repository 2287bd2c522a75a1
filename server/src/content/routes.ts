/** REST of the Content Service: upload, verdict, gallery. Owns: these routes only. */
import { randomUUID } from "node:crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { contentAnswer, galleryAnswer } from "@meme-rounds/shared-schema/rest-content";
import { z } from "zod";
import { callerOf, type Route, route } from "../infra/http.ts";
import { LIMITS } from "../infra/limits.ts";
import { answerOf, type Content, type ContentStore } from "./content-store.ts";
import type { Gallery } from "./gallery.ts";
import type { MediaStore } from "./media/store.ts";
import type { HeldPictures } from "./moderation/held.ts";
import type { Judge } from "./moderation/judge.ts";
import type { ReviewQueue } from "./moderation/review.ts";
import { MAX_UPLOAD_BYTES, readUpload } from "./upload/multipart.ts";
import { acceptPicture } from "./upload/picture.ts";

const PAGE = 24;

export interface ContentRouteDeps {
  contents: ContentStore;
  media: MediaStore;
  gallery: Gallery;
  judge: Judge;
  held: HeldPictures;
  queue: ReviewQueue;
  /** I6: throws CONSENT_REQUIRED where the terms in force were not accepted. */
  mayUpload?(identity: string): Promise<void>;
}

export function contentRoutes(deps: ContentRouteDeps): Route[] {
  const { contents, media, gallery, judge, held, queue } = deps;
  return [
    route({
      method: "post",
      path: "/content",
      summary: "Upload a picture; the answer is the verdict on it",
      auth: "player",
      multipart: true,
      status: 201,
      answer: contentAnswer,
      limit: LIMITS.upload,
      errors: [
        "AUTH_REQUIRED",
        "BAD_REQUEST",
        "CONSENT_REQUIRED",
        "PICTURE_BROKEN",
        "PICTURE_EMPTY",
        "PICTURE_TOO_LARGE",
        "PICTURE_TOO_MANY_PIXELS",
        "PICTURE_TOO_SMALL",
        "PICTURE_TYPE_UNSUPPORTED",
        "RATE_LIMITED",
        "TITLE_INVALID",
        "UNAVAILABLE",
      ],
      async handler(input) {
        const { identity } = callerOf(input);
        await deps.mayUpload?.(identity);
        const upload = await readUpload(input.req);
        const picture = await acceptPicture(upload.bytes, { maxBytes: MAX_UPLOAD_BYTES });
        if (!picture.ok) throw new CodedError(picture.code);
        const { verdict, reasons, judges } = await judge({ ...picture, title: upload.title });
        const content: Content = {
          contentId: randomUUID(),
          memeId: picture.sha256,
          title: upload.title,
          mime: "image/webp",
          phash: picture.phash,
          identity,
          status: verdict,
          reasons,
          judges,
          width: picture.width,
          height: picture.height,
          mode: upload.mode,
          appeal: "none",
        };
        // C2: what is not approved is nobody's to see: /media gets it with a moderator's yes.
        if (verdict === "approved") await media.put(picture.webp, "image/webp");
        else await held.hold(picture.sha256, picture.webp, verdict);
        await contents.put(content);
        if (verdict === "review") {
          const { contentId } = content;
          if ((await queue.add({ kind: "content", contentId })) === "full")
            throw new CodedError("UNAVAILABLE", "The moderators have too much to look at. Try again later.");
        }
        return answerOf(content);
      },
    }),
    route({
      method: "get",
      path: "/content/:id",
      summary: "The verdict on a picture of yours",
      auth: "player",
      params: z.object({ id: z.string().max(64) }),
      answer: contentAnswer,
      errors: ["AUTH_REQUIRED", "CONTENT_UNKNOWN"],
      async handler(input) {
        const content = await contents.get(input.params.id);
        // R6: nobody else learns who uploaded what, not even that it exists.
        if (content?.identity !== callerOf(input).identity) throw new CodedError("CONTENT_UNKNOWN");
        if (!(await media.isTaken(content.memeId))) return answerOf(content);
        // Its verdict was good; a moderator has taken the picture down since.
        return {
          ...answerOf(content),
          status: "rejected" as const,
          reasons: ["This picture was taken down."],
        };
      },
    }),
    route({
      method: "get",
      path: "/gallery",
      summary: "Winning memes in 3D, newest first",
      auth: "none",
      query: z.object({ cursor: z.coerce.number().int().positive().optional() }),
      answer: galleryAnswer,
      cache: "public, max-age=5",
      holdMs: 1_000,
      errors: ["BAD_REQUEST"],
      async handler({ query }) {
        const items = await gallery.page(query.cursor, PAGE);
        const last = items.at(-1);
        return { items, ...(last && items.length === PAGE ? { next: String(last.at) } : {}) };
      },
    }),
  ];
}
