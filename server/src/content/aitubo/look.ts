/**
 * The "3D look" picture from AITubo (C3), ordered once per winner whatever crashes.
 * Owns: one step of submit -> poll -> download -> judge, and what each of AITubo's answers means for the job.
 * Does not own: HTTP (aitubo/client.ts), the ledger's keys, the breaker's state, how jobs wait (worker).
 */
import sharp from "sharp";
import type { Logger } from "../../infra/logger.ts";
import { counter } from "../../infra/metrics.ts";
import type { Redis } from "../../infra/redis.ts";
import { type SignedMediaOptions, signedMediaUrl } from "../media/signed.ts";
import type { MediaStore } from "../media/store.ts";
import type { Breaker } from "./breaker.ts";
import { type AituboClient, AituboError, type AituboOutput, sizeFor } from "./client.ts";
import { Ledger, type LedgerEntry } from "./ledger.ts";
import { type Judge, judgePicture } from "./picture.ts";

export interface LookDeps {
  aitubo: AituboClient;
  breaker: Breaker;
  /** The classifier's verdict (C2); one that throws lets no picture through. */
  judge: Judge;
  /** How AITubo reaches a meme's picture (C8). */
  links: SignedMediaOptions;
  redis: Redis;
  media: Pick<MediaStore, "get" | "put">;
  logger: Logger;
  now(): number;
  /** 0 <= n < 1, for jitter. */
  random?(): number;
}

/** Whose look it is. */
export interface Winner {
  roundId: string;
  memeId: string;
}

/** `none`: the model is made without AITubo's picture, for this reason, for good. */
export type Look =
  | { kind: "picture"; sha256: string }
  | { kind: "wait"; ms: number }
  | { kind: "none"; reason: string };

const PROMPT = "3D render of the same scene, soft clay and vinyl toy look, studio light, depth, high detail";
const STRENGTH = 0.45;
/** For all of it, waiting included, ms. Then the model is made without. */
const TOTAL_MS = 120_000;
/** A claim this old, ms, is nobody's any more: longer than the client's time limit for one exchange. */
const CLAIM_MS = 30_000;
/** An open breaker is waited for so long, ms, where nothing was ordered yet. */
const PATIENCE_MS = 10_000;
const MIN_POLL_MS = 1_000;
const MAX_POLL_MS = 5_000;
const MAX_BACKOFF_MS = 15_000;
/** Failures in a row that may pass. */
const MAX_FAILURES = 6;
const MAX_PICTURE_BYTES = 12 * 1024 * 1024;

/** What one step needs besides the winner. */
interface Step {
  winner: Winner;
  entry: LedgerEntry;
  ledger: Ledger;
  deps: LookDeps;
}

/**
 * One step towards the look; after `wait` it is called again with the same winner. Never throws AituboError: back-off
 * and giving up are answers. What it throws (Redis, a file) is for the queue to try again; no order is made twice.
 */
export async function makeLook({ roundId, memeId }: Winner, deps: LookDeps): Promise<Look> {
  const winner = { roundId, memeId };
  const ledger = new Ledger(deps.redis, winner);
  const entry = await ledger.open(deps.now());
  const step = { winner, entry, ledger, deps };
  if (entry.given !== undefined) return { kind: "none", reason: entry.given };
  if (entry.picture !== undefined && (await deps.media.get(entry.picture)))
    return { kind: "picture", sha256: entry.picture };
  if (left(step) <= 0) return giveUp(step, "AITubo took too long");
  try {
    return await (entry.remoteId === undefined ? order(step) : collect(step, entry.remoteId));
  } catch (error) {
    if (error instanceof AituboError) return afterError(step, error);
    throw error;
  }
}

/** Orders the picture, once. */
async function order(step: Step): Promise<Look> {
  const { winner, entry, ledger, deps } = step;
  if (entry.claimedAt !== undefined) return unclear(step, entry.claimedAt);
  const source = await deps.media.get(winner.memeId);
  if (!source) return giveUp(step, "the meme's picture is gone");
  const input = {
    prompt: PROMPT,
    imageUrl: signedMediaUrl(deps.links, winner.memeId, deps.now()),
    strength: STRENGTH,
    ...(await askedFor(source.bytes)),
  };
  // The ledger is written inside: what comes after the breaker's own bookkeeping could be lost with it.
  await deps.breaker.run("submit", async () => {
    if (!(await ledger.claim(deps.now()))) return;
    try {
      const { remoteId } = await deps.aitubo.submit(input);
      await ledger.submitted(remoteId);
    } catch (error) {
      if (error instanceof AituboError && !error.unclear) await ledger.release();
      throw error;
    }
  });
  return wait(step, MIN_POLL_MS);
}

/** A claim without a remote id: somebody is at it this moment, or crashed between sending and writing down. */
async function unclear(step: Step, claimedAt: number): Promise<Look> {
  if (step.deps.now() - claimedAt < CLAIM_MS) return { kind: "wait", ms: MIN_POLL_MS };
  return giveUp(step, "it is not known whether AITubo took the order, and it is not made twice");
}

/** Asks about the job, and takes what came of it. */
async function collect(step: Step, remoteId: string): Promise<Look> {
  const { winner, entry, ledger, deps } = step;
  const state = await deps.breaker.run("poll", () => deps.aitubo.poll(remoteId));
  if (state.state === "failed") return giveUp(step, `AITubo failed the job: ${state.reason}`);
  if (state.state !== "done") {
    await ledger.answered();
    // Often at first, when most jobs end; seldom later.
    const age = deps.now() - (entry.claimedAt ?? entry.since);
    return wait(step, Math.min(MAX_POLL_MS, Math.max(MIN_POLL_MS, age / 8)));
  }
  const picture = await pictureOf(step, state.outputs);
  if (picture === undefined) return giveUp(step, "AITubo made no picture");
  if (picture.nsfw) return giveUp(step, "AITubo says its own picture is not fit to be shown");
  const bytes = await deps.aitubo.download(picture.url, { maxBytes: MAX_PICTURE_BYTES });
  const source = await deps.media.get(winner.memeId);
  if (!source) return giveUp(step, "the meme's picture is gone");
  const judged = await judgePicture(bytes, source.bytes, await askedFor(source.bytes), deps.judge);
  if (!judged.ok) return giveUp(step, judged.reason);
  const sha256 = await deps.media.put(judged.webp, "image/webp");
  await ledger.finish({ picture: sha256 });
  outcomes().inc({ outcome: "picture" });
  return { kind: "picture", sha256 };
}

/** The picture among the results. A video's address is noted beside it: nobody here can moderate one (C2). */
async function pictureOf(step: Step, outputs: readonly AituboOutput[]): Promise<AituboOutput | undefined> {
  const video = outputs.find(({ kind }) => kind === "video");
  if (video) {
    await step.ledger.finish({ video: video.url });
    step.deps.logger.info({ ...step.winner }, "AITubo made a video: its address is in the ledger");
  }
  return outputs.find(({ kind }) => kind === "image");
}

async function afterError(step: Step, error: AituboError): Promise<Look> {
  const ordered = step.entry.remoteId !== undefined;
  const soon = error.retryAfterMs ?? PATIENCE_MS / 2;
  switch (error.kind) {
    case "rate":
      return wait(step, soon, error.message);
    case "open":
      if (!ordered && soon > PATIENCE_MS) return giveUp(step, error.message);
      return wait(step, soon, error.message);
    case "retry": {
      if (!ordered && error.unclear)
        return giveUp(step, `${error.message}: it may have taken the order, which is not made twice`);
      const failures = await step.ledger.failed();
      if (failures >= MAX_FAILURES) return giveUp(step, error.message);
      return wait(step, Math.min(MAX_BACKOFF_MS, MIN_POLL_MS * 2 ** (failures - 1)), error.message);
    }
    default:
      return giveUp(step, error.message);
  }
}

/** Up to a quarter longer than `ms`, so that those who wait for one thing do not come back together. */
async function wait(step: Step, ms: number, reason = "AITubo took too long"): Promise<Look> {
  const jittered = Math.ceil(ms * (1 + (step.deps.random ?? Math.random)() / 4));
  return jittered > left(step) ? giveUp(step, reason) : { kind: "wait", ms: jittered };
}

/** ms until the model is made without. */
const left = ({ entry, deps }: Step): number => entry.since + TOTAL_MS - deps.now();

async function giveUp({ winner, ledger, deps }: Step, reason: string): Promise<Look> {
  await ledger.finish({ given: reason });
  outcomes().inc({ outcome: "none" });
  deps.logger.warn({ ...winner, reason }, "the model is made without AITubo's picture");
  return { kind: "none", reason };
}

async function askedFor(source: Uint8Array): Promise<{ width: number; height: number }> {
  const { width, height } = await sharp(source).metadata();
  return sizeFor(width, height);
}

const outcomes = () =>
  counter("mr_aitubo_looks_total", "Winners by what AITubo gave: picture, or none.", ["outcome"]);
