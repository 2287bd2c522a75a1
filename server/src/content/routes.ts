/** REST of the Content Service: upload, verdict, gallery. Owns: these routes only. */
import { randomUUID } from "node:crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { contentAnswer, galleryAnswer } from "@meme-rounds/shared-schema/rest";
import { z } from "zod";
import { callerOf, type Route, route } from "../infra/http.ts";
import type { Content, ContentStore } from "./content-store.ts";
import type { Gallery } from "./gallery.ts";
import { acceptPicture, phashDistance } from "./intake.ts";
import type { MediaStore } from "./media-store.ts";
import { MAX_UPLOAD_BYTES, readUpload } from "./upload.ts";

const PAGE = 24;
/** R7's distance, for the block list (C2). */
const BLOCK_DISTANCE = 6;

export interface ContentRouteDeps {
  contents: ContentStore;
  media: MediaStore;
  gallery: Gallery;
}

export function contentRoutes({ contents, media, gallery }: ContentRouteDeps): Route[] {
  const answerOf = ({ contentId, memeId, title, status, reasons, mode, appeal }: Content) => ({
    contentId,
    memeId,
    title,
    status,
    reasons,
    mode,
    appeal,
  });

  return [
    route({
      method: "post",
      path: "/content",
      summary: "Upload a picture; the answer is the verdict on it",
      auth: "player",
      multipart: true,
      status: 201,
      answer: contentAnswer,
      limit: { name: "content.upload", points: 20, seconds: 60 },
      errors: [
        "AUTH_REQUIRED",
        "BAD_REQUEST",
        "PICTURE_BROKEN",
        "PICTURE_EMPTY",
        "PICTURE_TOO_LARGE",
        "PICTURE_TOO_MANY_PIXELS",
        "PICTURE_TOO_SMALL",
        "PICTURE_TYPE_UNSUPPORTED",
        "RATE_LIMITED",
        "TITLE_INVALID",
      ],
      async handler(input) {
        const { identity } = callerOf(input);
        const upload = await readUpload(input.req);
        const picture = await acceptPicture(upload.bytes, { maxBytes: MAX_UPLOAD_BYTES });
        if (!picture.ok) throw new CodedError(picture.code);
        const blocked = (await contents.blocked()).some(
          (hash) => phashDistance(hash, picture.phash) <= BLOCK_DISTANCE,
        );
        const content: Content = {
          contentId: randomUUID(),
          memeId: picture.sha256,
          title: upload.title,
          mime: "image/webp",
          phash: picture.phash,
          identity,
          status: blocked ? "rejected" : "approved",
          reasons: blocked ? ["This picture, or one very much like it, was taken down before."] : [],
          width: picture.width,
          height: picture.height,
          mode: upload.mode,
          appeal: "none",
        };
        if (!blocked) await media.put(picture.webp, "image/webp");
        await contents.put(content);
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
        return answerOf(content);
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
      errors: ["BAD_REQUEST"],
      async handler({ query }) {
        const items = await gallery.page(query.cursor, PAGE);
        const last = items.at(-1);
        return { items, ...(last && items.length === PAGE ? { next: String(last.at) } : {}) };
      },
    }),
  ];
}
