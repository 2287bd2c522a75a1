/**
 * A finished model becomes public: looked at once more, kept, put on chain, in the gallery (C4, C5, M6).
 * Owns: that order, each step safe to repeat, and what happens to a model that may not be shown.
 * Does not own: jobs, what a moderator sees.
 */
import type { Logger } from "../../infra/logger.ts";
import type { Redis } from "../../infra/redis.ts";
import type { Gallery } from "../gallery.ts";
import type { MediaStore } from "../media/store.ts";
import type { ReviewQueue } from "../moderation/review.ts";
import type { Verdict } from "../moderation/scores.ts";
import { Progress } from "./progress.ts";
import { type SculptResult, sculptResult, type Winner, winnerSchema } from "./queues.ts";

/** A model and its files, by sha256. */
export interface PublishedModel {
  roundId: string;
  memeId: string;
  glb: string;
  poster: string;
  turntable: string;
  provider: "aitubo" | "local";
  /** ms. */
  at: number;
}

export interface PublisherDeps {
  redis: Redis;
  media: Pick<MediaStore, "get" | "keep" | "isTaken">;
  gallery: Pick<Gallery, "publish" | "has">;
  review: Pick<ReviewQueue, "add">;
  /** M6: puts it on chain. Told again after a crash. */
  onPublished(model: PublishedModel): Promise<void>;
  logger: Logger;
  now(): number;
}

/** A model that waits for a moderator is kept as long as the review queue remembers, s. */
const HELD_S = 90 * 86_400;

const heldKey = (roundId: string, memeId: string): string => `mr:sculpture:held:${roundId}:${memeId}`;

export class Publisher {
  readonly #deps: PublisherDeps;
  readonly #progress: Progress;

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
    this.#progress = new Progress(deps.redis);
  }

  /**
   * Publishes a winner's model. A taken-down meme's is dropped; one that `sculpt` refused, or that `judge` (C2) does not
   * approve, goes to the moderators. Throws UNAVAILABLE and the like: to be repeated.
   */
  async publish(
    winner: Winner,
    model: SculptResult,
    judge: (picture: Uint8Array) => Promise<Verdict>,
  ): Promise<void> {
    const { media, gallery } = this.#deps;
    const { roundId, memeId } = winner;
    if (await gallery.has(roundId, memeId)) return await this.#progress.set(roundId, memeId, "done");
    if (await media.isTaken(memeId)) return;
    const poster = await media.get(model.poster);
    if (!poster) return await this.hold(winner, "its files are gone", undefined);
    const refused = model.refused ?? (await refusalOf(poster.bytes, judge));
    if (refused !== undefined) return await this.hold(winner, refused, model);
    await this.#makePublic(winner, model);
  }

  /**
   * Publishing itself was given up (it killed its process, or something it needs stayed away): the moderators may have
   * it published later. Nothing happens to what is public or taken down.
   */
  async abandon(winner: Winner, reason: string, model: SculptResult | undefined): Promise<void> {
    const { media, gallery } = this.#deps;
    const { roundId, memeId } = winner;
    if (await gallery.has(roundId, memeId)) return await this.#progress.set(roundId, memeId, "done");
    if (await media.isTaken(memeId)) return;
    await this.hold(winner, `it could not be published: ${reason}`, model);
  }

  /** C5: to the moderators, with what was made if anything was. */
  async hold(winner: Winner, reason: string, model: SculptResult | undefined): Promise<void> {
    const { redis, media, review, logger } = this.#deps;
    const { roundId, memeId } = winner;
    if (model) {
      for (const sha256 of [model.glb, model.poster, model.turntable]) await media.keep(sha256);
      await redis.set(heldKey(roundId, memeId), JSON.stringify({ winner, model }), "EX", HELD_S);
    }
    const added = await review.add({ kind: "model", roundId, memeId, reason: reason.slice(0, 500) });
    await this.#progress.set(roundId, memeId, "review");
    logger.warn({ roundId, memeId, reason, added }, "a model is not shown before a moderator has looked");
  }

  /** C5: a moderator's word. Approving a winner of which nothing was made ends the waiting, too. */
  async decide(roundId: string, memeId: string, verdict: "approve" | "reject"): Promise<void> {
    const { redis } = this.#deps;
    const text = await redis.get(heldKey(roundId, memeId));
    if (text !== null && verdict === "approve") {
      const { winner, model } = JSON.parse(text) as { winner: unknown; model: unknown };
      await this.#makePublic(winnerSchema.parse(winner), sculptResult.parse(model));
    }
    await redis.del(heldKey(roundId, memeId));
  }

  async #makePublic(winner: Winner, model: SculptResult): Promise<void> {
    const { media, gallery, logger, now } = this.#deps;
    const { roundId, memeId, title } = winner;
    const { glb, poster, turntable, provider } = model;
    for (const sha256 of [glb, poster, turntable]) await media.keep(sha256);
    const at = now();
    // Before the gallery, which is what a repetition looks at. The chain is not given what was taken down.
    await this.#deps.onPublished({ roundId, memeId, glb, poster, turntable, provider, at });
    const listed = await gallery.publish({
      roundId,
      memeId,
      title,
      image: `/media/${memeId}`,
      glb: `/media/${glb}`,
      poster: `/media/${poster}`,
      turntable: `/media/${turntable}`,
      provider,
      at,
    });
    if (!listed) return;
    await this.#progress.set(roundId, memeId, "done");
    logger.info({ roundId, memeId, mode: model.mode, provider }, "a winner became a model");
  }
}

/** C5: NSFW again; AITubo may have painted what nobody uploaded. A judge that fails is a person's matter. */
async function refusalOf(
  poster: Uint8Array,
  judge: (picture: Uint8Array) => Promise<Verdict>,
): Promise<string | undefined> {
  const verdict = await judge(poster).catch(() => "review" as const);
  return verdict === "approved" ? undefined : `the poster was judged: ${verdict}`;
}
