/** The 3D pipeline on a Redis, with what surrounds it under the test's hand. No assertion. */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Sculpture } from "@meme-rounds/shared-schema/rest-content";
import express from "express";
import sharp from "sharp";
import type { LookDeps } from "../../src/content/aitubo/look.ts";
import { Gallery } from "../../src/content/gallery.ts";
import { createMediaStore } from "../../src/content/media/index.ts";
import { signedMediaRouter } from "../../src/content/media/signed.ts";
import type { Media, MediaStore } from "../../src/content/media/store.ts";
import { ReviewQueue } from "../../src/content/moderation/review.ts";
import type { Verdict } from "../../src/content/moderation/scores.ts";
import { createContentWorker } from "../../src/content/pipeline/content-worker.ts";
import { type PublishedModel, Publisher } from "../../src/content/pipeline/publisher.ts";
import type { Sculpted, SculptInput } from "../../src/content/pipeline/sculpt.ts";
import { startSculptWorker } from "../../src/content/pipeline/sculpt-worker.ts";
import { watch } from "../../src/content/pipeline/watch.ts";
import { Winners } from "../../src/content/pipeline/winners.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { until } from "../support/wait.ts";

export const silent = createLogger("test", "silent");
/** Left jobs are found within a second. */
export const FAST = { lockMs: 1_000, stalledMs: 500 };

/** A stored picture like no other; its sha256 is the memeId. */
export async function aMeme(media: MediaStore, side = 256): Promise<string> {
  const ball = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}">
    <rect width="100%" height="100%" fill="#${randomBytes(3).toString("hex")}"/>
    <circle cx="${side / 2}" cy="${side / 2}" r="${side / 3}" fill="#${randomBytes(3).toString("hex")}"/></svg>`;
  const memeId = await media.put(await sharp(Buffer.from(ball)).webp().toBuffer(), "image/webp");
  await media.keep(memeId);
  return memeId;
}

/** Where AITubo fetches pictures by signed addresses (C8). */
export async function serveToAitubo(
  secret: string,
  media: MediaStore,
): Promise<{ url: string; close(): void }> {
  const deps = { media, logger: silent, now: Date.now };
  const http = createServer(express().use("/media", signedMediaRouter(secret, deps)));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    close() {
      http.closeAllConnections();
      http.close();
    },
  };
}

/** What a sculptor answers that works without looking: other bytes every time. */
export const anyModel = (passed = true, painted = false): Sculpted => ({
  model: {
    glb: randomBytes(60),
    poster: randomBytes(60),
    turntable: randomBytes(60),
    stats: { mode: "relief", triangles: 1, glbBytes: 60, ms: 1 },
  },
  painted,
  faults: passed ? [] : ["relief: flat"],
  passed,
});

export interface Pipeline {
  redis: Redis;
  media: MediaStore;
  /** What the chain has, by sha256. */
  chain: Map<string, Media>;
  gallery: Gallery;
  review: ReviewQueue;
  winners: Winners;
  publisher: Publisher;
  published: PublishedModel[];
  /** Every order the sculptor got. */
  sculpted: SculptInput[];
  /** How the sculptor answers; real models are not made here. */
  sculptWith(make: (input: SculptInput) => Promise<Sculpted>): void;
  judgeWith(judge: () => Promise<Verdict>): void;
  /** What happens when a model becomes public; it counts as published when this resolves. */
  publishWith(announce: () => Promise<void>): void;
  /** Without it no winner is worked on. */
  startContent(look?: Pick<LookDeps, "aitubo" | "breaker" | "judge" | "links">): void;
  startSculptor(): void;
  /** Waits until every winner of the round is in one of `states`. */
  settled(roundId: string, states?: readonly Sculpture[]): Promise<Record<string, Sculpture>>;
  stop(): Promise<void>;
}

export function pipelineOn(redisUrl: string): Pipeline {
  const redis = createRedis(redisUrl);
  redis.on("error", () => {});
  const now = Date.now;
  const chain = new Map<string, Media>();
  const fetchFromChain = async (sha256: string) => chain.get(sha256);
  const media = createMediaStore({ redis, fetchFromChain, logger: silent, now });
  const gallery = new Gallery(redis);
  const review = new ReviewQueue(redis, { now });
  const published: PublishedModel[] = [];
  const sculpted: SculptInput[] = [];
  let make = async (_input: SculptInput): Promise<Sculpted> => anyModel();
  let judge = async (): Promise<Verdict> => "approved";
  let announce = async (): Promise<void> => {};
  const onPublished = async (model: PublishedModel): Promise<void> => {
    await announce();
    published.push(model);
  };
  const winners = new Winners({ redis, wishOf: async () => "auto" });
  const parts: { stop(): Promise<void> }[] = [];
  return {
    redis,
    media,
    chain,
    gallery,
    review,
    winners,
    publisher: new Publisher({ redis, media, gallery, review, onPublished, logger: silent, now }),
    published,
    sculpted,
    sculptWith(other) {
      make = other;
    },
    judgeWith(other) {
      judge = other;
    },
    publishWith(other) {
      announce = other;
    },
    startContent(look) {
      const deps = { redis, judge: () => judge(), onPublished, logger: silent, now };
      parts.push(createContentWorker({ ...deps, ...(look ? { look } : {}) }));
    },
    startSculptor() {
      const sculptor = {
        async make(input: SculptInput) {
          sculpted.push(input);
          return await make(input);
        },
      };
      parts.push(
        watch([startSculptWorker({ redis, media, sculptor, logger: silent, timing: FAST })], silent),
      );
    },
    settled: (roundId, states = ["done", "review"]) =>
      until(
        async () => {
          const all = await winners.statesOf(roundId);
          return Object.values(all).every((state) => states.includes(state)) ? all : false;
        },
        { what: `the winners of ${roundId}`, deadlineMs: 30_000 },
      ),
    async stop() {
      for (const part of parts) await part.stop();
      await winners.stop();
      await redis.quit();
    },
  };
}
