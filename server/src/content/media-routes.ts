/**
 * GET /media/<sha256>, outside /api (C6). Owns: headers that make stored bytes cacheable for ever and harmless.
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import express from "express";
import { sendProblem } from "../infra/http.ts";
import type { Logger } from "../infra/logger.ts";
import type { Media, MediaStore } from "./media-store.ts";

export function mediaRouter(store: MediaStore, logger: Logger): express.Router {
  const router = express.Router();
  router.get("/:sha256", async (req, res) => {
    try {
      const { sha256 } = req.params;
      const media = /^[0-9a-f]{64}$/.test(sha256) ? await store.get(sha256) : undefined;
      if (!media) throw new CodedError("NOT_FOUND");
      res.set({
        "Content-Type": media.type,
        "Cache-Control": "public, max-age=31536000, immutable",
        ETag: `"${sha256}"`,
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Access-Control-Allow-Origin": "*",
      });
      if (req.fresh) res.status(304).end();
      else send(req, res, media);
    } catch (error) {
      sendProblem(res, error, logger);
    }
  });
  return router;
}

/** The whole, or the one range that was asked for. */
function send(req: express.Request, res: express.Response, media: Media): void {
  const total = media.bytes.length;
  const ranges = req.range(total, { combine: true });
  if (ranges === -1) {
    res.status(416).set("Content-Range", `bytes */${total}`).end();
    return;
  }
  const range =
    Array.isArray(ranges) && ranges.type === "bytes" && ranges.length === 1 ? ranges[0] : undefined;
  if (range === undefined) {
    res.end(media.bytes);
    return;
  }
  res.status(206).set("Content-Range", `bytes ${range.start}-${range.end}/${total}`);
  res.end(media.bytes.subarray(range.start, range.end + 1));
}
