/**
 * The queues of the 3D pipeline (C3). Owns: their names, what a job carries, how often it is tried, job ids.
 * Does not own: what the jobs do.
 *
 *     round <- publish (one a winner) <- sculpt <- look
 *
 * `look` talks to AITubo (many at once, mostly waiting), `sculpt` is CPU work in a process of its own (one a core),
 * `publish` makes a finished model public, `round` ends when all of a round's winners are through. Jobs carry names of
 * stored bytes, never bytes.
 */
import { modelWishSchema } from "@meme-rounds/shared-schema/rest-content";
import { FlowProducer, type JobsOptions, Queue } from "bullmq";
import { z } from "zod";
import type { Redis } from "../../infra/redis.ts";

export const LOOK_QUEUE = "look";
export const SCULPT_QUEUE = "sculpt";
export const PUBLISH_QUEUE = "publish";
export const ROUND_QUEUE = "round-models";
/** BullMQ's keys, under ours. */
export const QUEUE_PREFIX = "mr:bull";

const hash = z.string().regex(/^[0-9a-f]{64}$/);

export const winnerSchema = z.object({
  roundId: z.string(),
  memeId: hash,
  title: z.string(),
  mode: modelWishSchema,
});
/** Whose model is made. */
export type Winner = z.infer<typeof winnerSchema>;

/** What a `look` job gives: the sha256 of AITubo's picture, when there is one. */
export const lookResult = z.object({ texture: hash.optional() });

/** C3: a preview is sculpted like a winner, but nothing comes of it. */
const previewData = z.object({ preview: z.literal(true), memeId: hash, mode: modelWishSchema });
export const sculptData = z.union([previewData, winnerSchema]);
export type SculptData = z.infer<typeof sculptData>;

/** What a `sculpt` job gives: sha256 of stored files. */
export const sculptResult = z.object({
  mode: z.enum(["diorama", "relief"]),
  provider: z.enum(["aitubo", "local"]),
  glb: hash,
  poster: hash,
  turntable: hash,
  /** Why it may not be shown before a person has looked (C5). */
  refused: z.string().optional(),
});
export type SculptResult = z.infer<typeof sculptResult>;

export const roundData = z.object({ roundId: z.string() });

/**
 * Ended ids are kept: adding a job of a kept id again is a no-op, which is what makes enqueueing safe to repeat after a
 * crash.
 */
const KEPT: JobsOptions = { removeOnComplete: { age: 7 * 86_400 }, removeOnFail: { age: 7 * 86_400 } };
const BACKOFF = { type: "exponential", delay: 1_000, jitter: 0.5 } as const;

/** AITubo's own failures are answers, not errors: what is tried again here is Redis or a file. */
export const LOOK_OPTIONS: JobsOptions = {
  ...KEPT,
  attempts: 5,
  backoff: BACKOFF,
  // Without AITubo's picture the meme's own is taken.
  ignoreDependencyOnFailure: true,
};
export const SCULPT_OPTIONS: JobsOptions = {
  ...KEPT,
  attempts: 3,
  backoff: BACKOFF,
  // Publishing then tells a moderator.
  ignoreDependencyOnFailure: true,
};
export const PUBLISH_OPTIONS: JobsOptions = {
  ...KEPT,
  attempts: 10,
  backoff: BACKOFF,
  // The round is published with what succeeded.
  ignoreDependencyOnFailure: true,
};
export const ROUND_OPTIONS: JobsOptions = { ...KEPT, attempts: 10, backoff: BACKOFF };
/** A winner's job has priority 0, which goes before any number. A preview's files live for a day, so does its id. */
export const PREVIEW_OPTIONS: JobsOptions = {
  attempts: 1,
  priority: 10,
  removeOnComplete: { age: 20 * 3_600, count: 2_000 },
  removeOnFail: true,
};

export const jobIdOf = (kind: "look" | "sculpt" | "publish", roundId: string, memeId: string): string =>
  `${kind}-${roundId}-${memeId}`;
export const roundJobId = (roundId: string): string => `round-${roundId}`;

const connected = (connection: Redis) => ({ connection, prefix: QUEUE_PREFIX });

export const createQueue = <T>(name: string, connection: Redis): Queue<T> =>
  new Queue<T>(name, connected(connection));
export const createFlows = (connection: Redis): FlowProducer => new FlowProducer(connected(connection));

/** When a job counts as left by its worker, ms. */
export interface Timing {
  /** A worker renews the lock on its job at half of this. */
  lockMs: number;
  /** How often workers look for jobs whose lock has run out. */
  stalledMs: number;
}

/** A killed worker's job is taken up within 20 s; models are made in a child, so renewing a lock never waits for one. */
const TIMING: Timing = { lockMs: 15_000, stalledMs: 5_000 };

/** A job whose process died is taken up by another one, once; a job that kills them twice has failed. */
export const workerOptions = (connection: Redis, timing: Timing = TIMING) => ({
  ...connected(connection),
  lockDuration: timing.lockMs,
  stalledInterval: timing.stalledMs,
  maxStalledCount: 1,
});
