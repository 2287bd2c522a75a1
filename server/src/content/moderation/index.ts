/**
 * Moderation as the Content Service sees it (C2, R12). Owns: putting its parts together.
 * Does not own: uploads, media, takedown (passed in as effects).
 */

import type { AuditPort } from "../../infra/audit.ts";
import type { Route } from "../../infra/http.ts";
import type { Logger } from "../../infra/logger.ts";
import type { Redis } from "../../infra/redis.ts";
import type { ContentStore } from "../content-store.ts";
import type { MediaStore } from "../media/store.ts";
import { BlockList } from "./blocks.ts";
import type { Classifier } from "./classifier.ts";
import type { ModerationEffects } from "./decisions.ts";
import { HeldPictures } from "./held.ts";
import { createJudge, type Judge } from "./judge.ts";
import { ReviewQueue } from "./review.ts";
import { moderationRoutes } from "./routes.ts";
import type { NsfwThresholds } from "./scores.ts";

/** A player's report that the round accepted (R12). */
export interface Report {
  roundId: string;
  memeId: string;
  reason: string;
}

export interface Moderation {
  routes: Route[];
  judge: Judge;
  held: HeldPictures;
  queue: ReviewQueue;
  blocks: BlockList;
  /** R12: puts a reported meme before a moderator, once per round. Never throws: the report itself stands. */
  reported(report: Report): Promise<void>;
}

export interface ModerationDeps {
  redis: Redis;
  contents: ContentStore;
  media: Pick<MediaStore, "put">;
  /** Absent: every picture goes to a moderator. */
  classifier?: Classifier;
  effects: ModerationEffects;
  /** I4: knows of a decision before anything is done. */
  audit?: AuditPort;
  logger: Logger;
  now(): number;
}

export function createModeration(thresholds: NsfwThresholds, deps: ModerationDeps): Moderation {
  const { redis, logger } = deps;
  const held = new HeldPictures(redis);
  const blocks = new BlockList(redis, deps);
  const queue = new ReviewQueue(redis, deps);
  return {
    routes: moderationRoutes({ ...deps, held, blocks, queue }),
    judge: createJudge(thresholds, { ...deps, blocks }),
    held,
    queue,
    blocks,
    async reported({ roundId, memeId, reason }) {
      try {
        const result = await queue.add({ kind: "report", roundId, memeId, reason });
        if (result === "full")
          logger.warn({ roundId, memeId }, "the review queue is full: a report is not in it");
      } catch (err) {
        logger.error({ err, roundId, memeId }, "a report did not reach the review queue");
      }
    },
  };
}
