/** Uploads, appeals and the moderators' queue over HTTP, with a classifier that says what it is told. No assertion. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import express from "express";
import sharp from "sharp";
import { ContentStore } from "../../src/content/content-store.ts";
import { Gallery } from "../../src/content/gallery.ts";
import { MediaStore } from "../../src/content/media/store.ts";
import type { ModerationEffects } from "../../src/content/moderation/decisions.ts";
import { createModeration, type Moderation } from "../../src/content/moderation/index.ts";
import type { NsfwScores } from "../../src/content/moderation/scores.ts";
import { contentRoutes } from "../../src/content/routes.ts";
import type { AuditedAction } from "../../src/infra/audit.ts";
import { apiRouter, type Caller } from "../../src/infra/http.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { startRedis } from "../support/redis.ts";

export const THRESHOLDS = { rejectExplicit: 0.85, reviewExplicit: 0.3, reviewSuggestive: 0.75 };
export const HARMLESS: NsfwScores = { drawing: 0.5, hentai: 0, neutral: 0.5, porn: 0, sexy: 0 };
export const DOUBTFUL: NsfwScores = { drawing: 0, hentai: 0, neutral: 0.6, porn: 0.4, sexy: 0 };
export const EXPLICIT: NsfwScores = { drawing: 0, hentai: 0, neutral: 0.1, porn: 0.9, sexy: 0 };

export interface ModerationRig {
  redis: Redis;
  contents: ContentStore;
  media: MediaStore;
  moderation: Moderation;
  /** What the classifier says from now on; an Error is thrown. */
  say(scores: NsfwScores | Error): void;
  /** Pictures it was asked about since the last reset. */
  asked: Uint8Array[];
  /** Effects that were asked for. */
  effects: string[];
  /** What the audit log was told (I4). */
  noted: AuditedAction[];
  /** The audit log refuses the next one with this, once. */
  failNote(error: Error): void;
  /** The next effect throws this, once. */
  failNext(error: Error): void;
  /** `as` is the caller's name; "mod..." are moderators. */
  call(method: string, path: string, as?: string, body?: unknown): Promise<Response>;
  upload(picture: Uint8Array, title: string, as?: string): Promise<Response>;
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** A picture with its own perceptual hash, the same for the same number. */
export async function picture(seed: number, width = 320, height = 240): Promise<Buffer> {
  const cells = Buffer.alloc(8 * 6 * 3);
  let state = (seed * 2_654_435_761 + 12_345) >>> 0;
  for (let i = 0; i < cells.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    cells[i] = state >>> 24;
  }
  return await sharp(cells, { raw: { width: 8, height: 6, channels: 3 } })
    .resize(width, height, { kernel: "cubic", fit: "fill" })
    .png()
    .toBuffer();
}

export async function startModeration(): Promise<ModerationRig> {
  const server = await startRedis();
  const redis = createRedis(server.url);
  const logger = createLogger("test", "silent");
  const contents = new ContentStore(redis);
  const media = new MediaStore(redis);
  const asked: Uint8Array[] = [];
  const done: string[] = [];
  const noted: AuditedAction[] = [];
  let noteFailure: Error | undefined;
  let says: NsfwScores | Error = HARMLESS;
  let failure: Error | undefined;
  const effect = (text: string) => {
    const error = failure;
    failure = undefined;
    if (error) throw error;
    done.push(text);
  };
  const effects: ModerationEffects = {
    carryOut: async ({ kind, memeId, by, reason }) => effect(`${kind} ${memeId} by ${by}: ${reason}`),
    decideModel: async (roundId, memeId, verdict) => effect(`model ${roundId} ${memeId} ${verdict}`),
  };
  const moderation = createModeration(THRESHOLDS, {
    redis,
    contents,
    media,
    classifier: {
      warm: async () => undefined,
      stop: async () => undefined,
      async scoresOf(bytes) {
        asked.push(bytes);
        if (says instanceof Error) throw says;
        return says;
      },
    },
    effects,
    audit: {
      async note(action) {
        const error = noteFailure;
        noteFailure = undefined;
        if (error) throw error;
        noted.push(action);
      },
    },
    logger,
    now: Date.now,
  });
  const app = express();
  app.use(
    "/api",
    apiRouter(
      [
        ...contentRoutes({ contents, media, gallery: new Gallery(redis), ...moderation }),
        ...moderation.routes,
      ],
      {
        async authenticate(token): Promise<Caller> {
          if (token === "nobody") throw new CodedError("TOKEN_INVALID");
          const role = token.startsWith("mod") ? "moderator" : "player";
          return { identity: token, playKey: token, role, sessionId: token };
        },
        limiter: { take: async () => undefined },
        logger,
      },
    ),
  );
  const http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/api`;
  return {
    redis,
    contents,
    media,
    moderation,
    asked,
    effects: done,
    noted,
    failNote(error) {
      noteFailure = error;
    },
    say(scores) {
      says = scores;
    },
    failNext(error) {
      failure = error;
    },
    call: (method, path, as, body) =>
      fetch(`${url}${path}`, {
        method,
        headers: { ...(as ? { authorization: `Bearer ${as}` } : {}), "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    upload(bytes, title, as = "ann") {
      const body = new FormData();
      body.set("title", title);
      body.set("file", new Blob([Uint8Array.from(bytes)]), "meme.png");
      return fetch(`${url}/content`, { method: "POST", headers: { authorization: `Bearer ${as}` }, body });
    },
    async reset() {
      await redis.flushall();
      asked.length = 0;
      done.length = 0;
      noted.length = 0;
      noteFailure = undefined;
      says = HARMLESS;
      failure = undefined;
    },
    async stop() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      redis.disconnect();
      await server.close();
    },
  };
}
