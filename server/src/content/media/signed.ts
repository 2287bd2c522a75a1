/**
 * Addresses under which AITubo fetches a meme's picture for an hour (C8): GET /media/signed/<sha256>?until=&sig=.
 * Owns: signing them, checking them, the route. Does not own: stored bytes, the public /media route.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import express from "express";
import { z } from "zod";
import { sendProblem } from "../../infra/http.ts";
import type { Logger } from "../../infra/logger.ts";
import type { MediaStore } from "./store.ts";

export interface SignedMediaOptions {
  /** MEDIA_SECRET; the same in every process. */
  secret: string;
  /** Where others reach this server. */
  publicUrl: string;
}

/** C8: input addresses live 1 h, ms. */
const SIGNED_MEDIA_MS = 3_600_000;

const asked = z.object({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  until: z.string().regex(/^\d{10,15}$/),
  sig: z.string().regex(/^[0-9a-f]{64}$/),
});

const sign = (secret: string, sha256: string, until: string): Buffer =>
  createHmac("sha256", secret).update(`meme-rounds signed media\n${sha256}\n${until}`).digest();

/** The address of stored bytes that opens for an hour after `now`, ms. */
export function signedMediaUrl(
  { secret, publicUrl }: SignedMediaOptions,
  sha256: string,
  now: number,
): string {
  const until = String(now + SIGNED_MEDIA_MS);
  // A public address may have a path of its own.
  const url = new URL(`media/signed/${sha256}`, publicUrl.endsWith("/") ? publicUrl : `${publicUrl}/`);
  url.searchParams.set("until", until);
  url.searchParams.set("sig", sign(secret, sha256, until).toString("hex"));
  return url.href;
}

export interface SignedMediaDeps {
  media: Pick<MediaStore, "get">;
  logger: Logger;
  now(): number;
}

/** To be mounted at /media, before the public route. Answers MEDIA_LINK_INVALID for a forged or expired address. */
export function signedMediaRouter(secret: string, { media, logger, now }: SignedMediaDeps): express.Router {
  const router = express.Router();
  router.get("/signed/:sha256", async (req, res) => {
    res.set("Cache-Control", "no-store");
    try {
      const given = asked.safeParse({ ...req.query, sha256: req.params.sha256 });
      if (!given.success) throw new CodedError("MEDIA_LINK_INVALID");
      const { sha256, until, sig } = given.data;
      const genuine = timingSafeEqual(sign(secret, sha256, until), Buffer.from(sig, "hex"));
      if (!genuine || Number(until) < now()) throw new CodedError("MEDIA_LINK_INVALID");
      const found = await media.get(sha256);
      if (!found) throw new CodedError("NOT_FOUND");
      res
        .set({
          "Content-Type": found.type,
          "Content-Security-Policy": "sandbox; default-src 'none'",
          "X-Content-Type-Options": "nosniff",
        })
        .end(found.bytes);
    } catch (error) {
      sendProblem(res, error, logger);
    }
  });
  return router;
}
