/**
 * The Content Service's public face: uploads, media, gallery, and handing winners to the 3D pipeline.
 * The pipeline itself runs in its own processes (pipeline/). Everything else in this folder is private to it.
 */

import type { Model, Sculpture } from "@meme-rounds/shared-schema/rest-content";
import express, { type Router } from "express";
import type { AuditPort } from "../infra/audit.ts";
import type { Route } from "../infra/http.ts";
import type { Logger } from "../infra/logger.ts";
import type { PersonalData } from "../infra/personal-data.ts";
import type { Redis } from "../infra/redis.ts";
import { type Content, ContentStore } from "./content-store.ts";
import { Gallery } from "./gallery.ts";
import { type CoolingDeps, MediaCooling } from "./media/cooling.ts";
import { createMediaStore } from "./media/index.ts";
import { mediaRouter } from "./media/routes.ts";
import type { ShelfDeps } from "./media/shelf.ts";
import { signedMediaRouter } from "./media/signed.ts";
import { type Media, MediaStore } from "./media/store.ts";
import { BlockList } from "./moderation/blocks.ts";
import type { Classifier } from "./moderation/classifier.ts";
import { createModeration, type Report } from "./moderation/index.ts";
import type { NsfwThresholds } from "./moderation/scores.ts";
import { judgeText, type TextVerdict } from "./moderation/text.ts";
import { uploadsData } from "./personal-data.ts";
import { previewRoutes } from "./pipeline/preview-routes.ts";
import { Previews } from "./pipeline/previews.ts";
import { type PublishedModel, Publisher } from "./pipeline/publisher.ts";
import { Winners } from "./pipeline/winners.ts";
import { contentRoutes } from "./routes.ts";
import { createCards } from "./share/card.ts";
import { type ShareDeps, type ShareOptions, shareRouter } from "./share/routes.ts";
import { takedownRoutes } from "./takedown/routes.ts";
import { type Standing, Standings } from "./takedown/standings.ts";
import { type Moderated, type ModerationOrder, Takedowns } from "./takedown/takedown.ts";

export type { ModerationOrder } from "./takedown/takedown.ts";

/** Stored media, for who puts them on chain. */
export interface MediaKeeper {
  /** Undefined when they are gone or taken down. */
  read(sha256: string): Promise<Media | undefined>;
  /** Which of these memes were taken down (C6). */
  takenOf(memeIds: readonly string[]): Promise<Set<string>>;
  /** Begins to let go of what the chain holds for good; ends with the function it returns. */
  startCooling(deps: Omit<CoolingDeps, "media">): () => Promise<void>;
}

export function createMediaKeeper(redis: Redis): MediaKeeper {
  const media = new MediaStore(redis);
  return {
    read: (sha256) => media.get(sha256),
    takenOf: (memeIds) => media.takenOf(memeIds),
    startCooling(deps) {
      const cooling = new MediaCooling({}, { ...deps, media });
      cooling.start();
      return () => cooling.stop();
    },
  };
}

export interface ContentOptions {
  /** MEDIA_SECRET: signs the addresses under which AITubo fetches pictures (C8). */
  mediaSecret: string;
  /** C2: from which scores on a picture is not simply approved. */
  nsfw: NsfwThresholds;
}

export interface ContentService {
  routes: Route[];
  /** To be mounted at /media. */
  media: Router;
  /** C7: pages of memes for others, to be mounted at /m. */
  sharePages(options: ShareOptions, deps: Pick<ShareDeps, "finished" | "readPage">): Router;
  contentOf(contentId: string): Promise<Content | undefined>;
  enqueueTransforms(roundId: string, winners: readonly { memeId: string; title: string }[]): Promise<void>;
  modelsOf(roundId: string): Promise<Model[]>;
  /** C3: how far each winner of the round is on its way to a model. */
  sculpturesOf(roundId: string): Promise<Record<string, Sculpture>>;
  /** R12, C6: what moderators decided about these memes; those nobody decided about are left out. */
  standingOf(memeIds: readonly string[]): Promise<Map<string, Standing>>;
  /** R12, C6: void in its round, gone from media and gallery, on the block list. To be repeated after an error. */
  takeDown(memeId: string, by: string, reason: string): Promise<Moderated>;
  /** R12: a report that the round accepted goes to the moderators. Never throws. */
  reported(report: Report): Promise<void>;
  /** R10: whether a chat line may be shown: `rejected` is not, `review` is (C2 tells them apart for titles). */
  judgeText(text: string): TextVerdict;
  /** C2: whether the identity has uploaded this picture within the last week, and it was approved. */
  hasUploaded(identity: string, memeId: string): Promise<boolean>;
  /** From now on the picture stays, until the chain holds it; false where it is gone. */
  keepPicture(memeId: string): Promise<boolean>;
  /** I6: uploads and appeals of a person. */
  personalData: PersonalData;
  stop(): Promise<void>;
}

export function createContentService(
  options: ContentOptions,
  deps: {
    redis: Redis;
    /** Absent: every picture waits for a moderator. Its owner stops it. */
    classifier?: Classifier;
    /** R12: leaves a moderator's word for the rounds that are live; durable once it resolves. Returns their ids. */
    tellRounds(order: ModerationOrder): Promise<string[]>;
    /** M6: puts a takedown on chain, for a rebuild. Durable once it resolves. */
    publishTakedown(memeId: string, at: number): Promise<void>;
    /** M6: a model that a moderator let through goes on chain. */
    onPublished(model: PublishedModel): Promise<void>;
    /** C6: a file as the chain has it; absent: what left Redis is gone. */
    fetchFromChain?: ShelfDeps["fetchFromChain"];
    /** I6: throws CONSENT_REQUIRED where the terms in force were not accepted. Absent: everybody may. */
    mayUpload?(identity: string): Promise<void>;
    /** I4: knows of every moderator's action before it is carried out. */
    audit?: AuditPort;
    logger: Logger;
    now(): number;
  },
): ContentService {
  const contents = new ContentStore(deps.redis);
  const media = createMediaStore(deps);
  const gallery = new Gallery(deps.redis);
  const blocks = new BlockList(deps.redis, deps);
  const standings = new Standings(deps.redis);
  const winners = new Winners({ redis: deps.redis, wishOf: (memeId) => contents.wishOf(memeId) });
  const previews = new Previews({}, deps);
  const previewsOf = (memeId: string) => previews.filesOf(memeId);
  const takedowns = new Takedowns({ ...deps, media, gallery, blocks, previewsOf });
  const moderation = createModeration(options.nsfw, {
    ...deps,
    contents,
    media,
    effects: {
      carryOut: (order) => takedowns.carryOut(order),
      decideModel: (roundId, memeId, verdict) => publisher.decide(roundId, memeId, verdict),
    },
  });
  const publisher = new Publisher({ ...deps, media, gallery, review: moderation.queue });
  return {
    routes: [
      ...contentRoutes({
        contents,
        media,
        gallery,
        ...moderation,
        ...(deps.mayUpload && { mayUpload: deps.mayUpload }),
      }),
      ...previewRoutes({ contents, previews }),
      ...moderation.routes,
      ...takedownRoutes(takedowns),
    ],
    media: express
      .Router()
      .use(signedMediaRouter(options.mediaSecret, { ...deps, media }))
      .use(mediaRouter(media, deps.logger)),
    sharePages: (share, sources) =>
      shareRouter(share, { ...sources, ...createCards({ redis: deps.redis, media }), logger: deps.logger }),
    async contentOf(contentId) {
      const content = await contents.get(contentId);
      if (content?.status !== "approved") return content;
      // Asked for on the way into a round: from now on the picture must not leave.
      await contents.entered(content);
      if (await media.keep(content.memeId)) return content;
      return (await media.isTaken(content.memeId)) ? { ...content, status: "rejected" } : undefined;
    },
    enqueueTransforms: (roundId, memes) => winners.enqueue(roundId, memes),
    modelsOf: (roundId) => gallery.modelsOf(roundId),
    sculpturesOf: (roundId) => winners.statesOf(roundId),
    standingOf: (memeIds) => standings.of(memeIds),
    takeDown: (memeId, by, reason) => takedowns.carryOut({ kind: "takedown", memeId, by, reason }),
    async reported(report) {
      await standings
        .report(report.memeId)
        .catch((err: unknown) => deps.logger.error({ err, ...report }, "a reported meme is not blurred"));
      await moderation.reported(report);
    },
    judgeText,
    async hasUploaded(identity, memeId) {
      const uploads = await contents.uploadsOf(identity);
      return uploads.some((one) => one.memeId === memeId && one.status === "approved");
    },
    keepPicture: (memeId) => media.keep(memeId),
    personalData: uploadsData({ contents, queue: moderation.queue }),
    async stop() {
      await Promise.all([winners.stop(), previews.stop()]);
    },
  };
}
