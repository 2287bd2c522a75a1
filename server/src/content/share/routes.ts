/**
 * The page of one meme of a finished round, as it is sent to others (C7): `/m/<roundId>/<memeId>` and its card. Owns: the
 * head that crawlers and messengers read, written into the built page, and when there is no such page. Does not own: what
 * the page then shows (client), what the card looks like (card.ts), what a round says of its memes.
 */
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import express from "express";
import { sendProblem } from "../../infra/http.ts";
import type { Logger } from "../../infra/logger.ts";
import { escapeHtml, headOf, type PageHead, withHead } from "./head.ts";

export interface ShareOptions {
  /** Where others reach this server; absent: what the request says. */
  publicUrl?: string;
}

export interface ShareDeps {
  /** R6, R12, C6: a finished round as everybody may see it; undefined for a live or unknown one. */
  finished(roundId: string): Promise<RoundDetail | undefined>;
  /** A JPEG of 1200 x 630 pixels and its tag; undefined when the pictures are gone. */
  cardOf(meme: { memeId: string; poster?: string }): Promise<{ bytes: Uint8Array; tag: string } | undefined>;
  /** The built page. */
  readPage(): Promise<string>;
  logger: Logger;
}

/** Takedowns count at once: nothing of this is used again without asking (C6). */
const FRESH = { "Cache-Control": "no-cache" };
const GONE: PageHead = {
  title: "No such meme · Meme Rounds",
  tags: '<meta name="robots" content="noindex" />',
};

/** To be mounted at /m, before the page's own catch-all. */
export function shareRouter(options: ShareOptions, deps: ShareDeps): express.Router {
  const router = express.Router();

  const find = async (roundId: string, memeId: string) => {
    if (!/^[\w.-]{1,60}-\d{1,12}$/.test(roundId) || !/^[0-9a-f]{64}$/.test(memeId)) return undefined;
    const round = await deps.finished(roundId);
    const meme = round?.memesRanked.find((one) => one.memeId === memeId);
    return round && meme && !meme.takenDown ? { round, meme } : undefined;
  };

  router.get("/:roundId/:memeId/card.jpg", async (req, res) => {
    try {
      const found = await find(req.params.roundId, req.params.memeId);
      const poster = found?.meme.model?.poster;
      // R12: what is blurred on the page is not sent around either.
      const card =
        found && !found.meme.blurred
          ? await deps.cardOf({ memeId: found.meme.memeId, ...(poster === undefined ? {} : { poster }) })
          : undefined;
      if (!card) {
        res.set({ "Cache-Control": "no-store" }).status(404).end();
        return;
      }
      res.set({ ...FRESH, ETag: `"${card.tag}"`, "Cross-Origin-Resource-Policy": "cross-origin" });
      res.type("image/jpeg").send(Buffer.from(card.bytes));
    } catch (error) {
      sendProblem(res, error, deps.logger);
    }
  });

  router.get("/:roundId/:memeId", async (req, res) => {
    try {
      const { roundId, memeId } = req.params;
      const [page, found] = await Promise.all([deps.readPage(), find(roundId, memeId)]);
      const base = options.publicUrl ?? baseOf(req);
      const head = found ? headOf(found.round, found.meme, base) : GONE;
      res
        .status(found ? 200 : 404)
        .set(FRESH)
        .type("html")
        .send(withHead(page, head));
    } catch (error) {
      sendProblem(res, error, deps.logger);
    }
  });
  return router;
}

/** As the request says; a host that no browser would send is left out: addresses are relative then. */
function baseOf(req: express.Request): string {
  const host = req.get("host") ?? "";
  return /^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:]+\](:\d{1,5})?$/i.test(host)
    ? `${req.protocol === "https" ? "https" : "http"}://${escapeHtml(host)}`
    : "";
}
