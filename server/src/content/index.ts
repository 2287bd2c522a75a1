/**
 * The Content Service's public face: uploads, media, gallery, and handing winners to the 3D pipeline.
 * The pipeline itself runs in its own process (worker.ts). Everything else in this folder is private to it.
 */

import type { Model } from "@meme-rounds/shared-schema/rest";
import express, { type Router } from "express";
import type { Route } from "../infra/http.ts";
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";
import { type Content, ContentStore } from "./content-store.ts";
import { Gallery } from "./gallery.ts";
import { mediaRouter } from "./media-routes.ts";
import { type Media, MediaStore } from "./media-store.ts";
import { createQueue, jobId, TRANSFORM_QUEUE, type TransformData } from "./queues.ts";
import { contentRoutes } from "./routes.ts";
import { signedMediaRouter } from "./signed-media.ts";

/** Stored bytes by sha256, for who puts them on chain; undefined when they are gone. */
export function createMediaReader(redis: Redis): (sha256: string) => Promise<Media | undefined> {
  const media = new MediaStore(redis);
  return (sha256) => media.get(sha256);
}

export interface ContentOptions {
  /** MEDIA_SECRET: signs the addresses under which AITubo fetches pictures (C8). */
  mediaSecret: string;
}

export interface ContentService {
  routes: Route[];
  /** To be mounted at /media. */
  media: Router;
  contentOf(contentId: string): Promise<Content | undefined>;
  enqueueTransforms(roundId: string, winners: readonly { memeId: string; title: string }[]): Promise<void>;
  modelsOf(roundId: string): Promise<Model[]>;
  stop(): Promise<void>;
}

export function createContentService(
  options: ContentOptions,
  deps: { redis: Redis; logger: Logger; now(): number },
): ContentService {
  const contents = new ContentStore(deps.redis);
  const media = new MediaStore(deps.redis);
  const gallery = new Gallery(deps.redis);
  const transforms = createQueue<TransformData>(TRANSFORM_QUEUE, deps.redis);
  return {
    routes: contentRoutes({ contents, media, gallery }),
    media: express
      .Router()
      .use(signedMediaRouter(options.mediaSecret, { ...deps, media }))
      .use(mediaRouter(media, deps.logger)),
    async contentOf(contentId) {
      const content = await contents.get(contentId);
      // Asked for on the way into a round: from now on the picture must not leave.
      if (content?.status === "approved") await media.keep(content.memeId);
      return content;
    },
    async enqueueTransforms(roundId, winners) {
      for (const { memeId, title } of winners)
        await transforms.add("transform", { roundId, memeId, title }, { jobId: jobId("t", roundId, memeId) });
    },
    modelsOf: (roundId) => gallery.modelsOf(roundId),
    stop: () => transforms.close(),
  };
}
