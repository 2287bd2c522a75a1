/**
 * GET and HEAD /media/<sha256>, outside /api (C6). Owns: headers that make stored bytes cacheable for ever and harmless,
 * ranges, and the answers for what is not there or was taken down. Does not own: which bytes there are.
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import express from "express";
import { sendProblem } from "../../infra/http.ts";
import type { Logger } from "../../infra/logger.ts";
import type { Media, MediaStore } from "./store.ts";

/** On every answer: readable from any page, of no use as a document. */
const ALWAYS = {
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": "sandbox; default-src 'none'",
  "Cross-Origin-Resource-Policy": "cross-origin",
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Expose-Headers": "Accept-Ranges, Content-Length, Content-Range, ETag",
};

export function mediaRouter(store: MediaStore, logger: Logger): express.Router {
  const router = express.Router();
  router.use((_req, res, next) => {
    // What goes wrong below must not be remembered by any cache.
    res.set({ ...ALWAYS, "Cache-Control": "no-store" });
    next();
  });
  router.options("/:sha256", (_req, res) => {
    res
      .set({
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Headers": "If-None-Match, If-Range, Range",
        "Access-Control-Max-Age": "86400",
      })
      .status(204)
      .end();
  });
  router.get("/:sha256", async (req, res) => {
    try {
      const { sha256 } = req.params;
      if (!/^[0-9a-f]{64}$/.test(sha256)) throw new CodedError("NOT_FOUND");
      const media = await store.get(sha256);
      if (!media) throw new CodedError((await store.isTaken(sha256)) ? "MEDIA_TAKEN_DOWN" : "NOT_FOUND");
      send(req, res, sha256, media);
    } catch (error) {
      sendProblem(res, error, logger);
    }
  });
  return router;
}

function send(req: express.Request, res: express.Response, sha256: string, media: Media): void {
  const total = media.bytes.length;
  const etag = `"${sha256}"`;
  res.set({ ETag: etag, "Accept-Ranges": "bytes" });
  const forEver = { "Cache-Control": "public, max-age=31536000, immutable" };
  if (hasTag(req, etag)) {
    res.status(304).set(forEver).end();
    return;
  }
  const range = req.method === "GET" ? rangeOf(req, total, etag) : undefined;
  if (range === "none") {
    res.status(416).set("Content-Range", `bytes */${total}`).end();
    return;
  }
  res.set({ ...forEver, "Content-Type": media.type });
  const bytes = range ? media.bytes.subarray(range.start, range.end + 1) : media.bytes;
  if (range) res.status(206).set("Content-Range", `bytes ${range.start}-${range.end}/${total}`);
  res.set("Content-Length", String(bytes.length));
  res.end(req.method === "HEAD" ? undefined : bytes);
}

/** Is one of the request's tags this one? Bytes never change under their hash, so nothing else has to be looked at. */
function hasTag(req: express.Request, etag: string): boolean {
  const tags = req.get("if-none-match")?.split(",") ?? [];
  return tags.some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}

/**
 * The one range that was asked for, both ends included; "none" when no byte is in it; undefined for the whole: none was
 * asked for, several were, it cannot be read, or it is of another version (If-Range).
 */
function rangeOf(
  req: express.Request,
  total: number,
  etag: string,
): { start: number; end: number } | "none" | undefined {
  const only = req.get("if-range");
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(req.get("range")?.trim() ?? "");
  if (!match || (only !== undefined && only !== etag)) return undefined;
  const [, from = "", to = ""] = match;
  if (from === "" && to === "") return undefined;
  if (from !== "" && to !== "" && Number(to) < Number(from)) return undefined;
  const start = from === "" ? Math.max(0, total - Number(to)) : Number(from);
  const end = from === "" || to === "" ? total - 1 : Math.min(Number(to), total - 1);
  return start > end ? "none" : { start, end };
}
