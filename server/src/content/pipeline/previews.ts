/**
 * What a picture would become, before it has won anything (C3). Owns: asking the sculptors and waiting for them.
 * Does not own: who may ask, jobs' execution.
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { type ModelWish, modelWishSchema } from "@meme-rounds/shared-schema/rest-content";
import { QueueEvents } from "bullmq";
import type { Logger } from "../../infra/logger.ts";
import type { Redis } from "../../infra/redis.ts";
import {
  createQueue,
  PREVIEW_OPTIONS,
  QUEUE_PREFIX,
  SCULPT_QUEUE,
  type SculptResult,
  sculptResult,
} from "./queues.ts";

export interface PreviewsOptions {
  /** How long somebody waits for one, ms. */
  timeoutMs?: number;
  /** More jobs than these before it, and it is refused. */
  maxWaiting?: number;
}

const TIMEOUT_MS = 20_000;
const MAX_WAITING = 40;

export class Previews {
  readonly #queue;
  readonly #redis: Redis;
  readonly #logger: Logger;
  readonly #options: Required<PreviewsOptions>;
  /** Opened with the first preview: it holds a connection. */
  #events: QueueEvents | undefined;

  constructor(options: PreviewsOptions, { redis, logger }: { redis: Redis; logger: Logger }) {
    this.#options = { timeoutMs: TIMEOUT_MS, maxWaiting: MAX_WAITING, ...options };
    this.#redis = redis;
    this.#logger = logger;
    this.#queue = createQueue(SCULPT_QUEUE, redis);
  }

  /**
   * The preview of a stored picture; asked for twice it is made once (for 20 hours). Throws UNAVAILABLE when the
   * sculptors are busy with winners, PREVIEW_FAILED when no model can be made of it.
   */
  async of(memeId: string, mode: ModelWish): Promise<SculptResult> {
    const jobId = `preview-${memeId}-${mode}`;
    const events = await this.#listening();
    const known = await this.#queue.getJob(jobId);
    if (!known && (await this.#queue.getPrioritizedCount()) >= this.#options.maxWaiting) throw busy();
    const job = await this.#queue.add(
      "preview",
      { preview: true, memeId, mode },
      { ...PREVIEW_OPTIONS, jobId },
    );
    try {
      return sculptResult.parse(await job.waitUntilFinished(events, this.#options.timeoutMs));
    } catch (error) {
      const failed = error instanceof Error ? error.message : String(error);
      if (/timed out/.test(failed)) throw busy();
      throw new CodedError("PREVIEW_FAILED", failed, { cause: error });
    }
  }

  /** sha256 of the files of previews that were made of a picture and are remembered (C6: they go when it is taken down). */
  async filesOf(memeId: string): Promise<string[]> {
    const jobs = await Promise.all(
      modelWishSchema.options.map((mode) => this.#queue.getJob(`preview-${memeId}-${mode}`)),
    );
    return jobs.flatMap((job) => {
      const made = sculptResult.safeParse(job?.returnvalue);
      return made.success ? [made.data.glb, made.data.poster, made.data.turntable] : [];
    });
  }

  async #listening(): Promise<QueueEvents> {
    if (!this.#events) {
      this.#events = new QueueEvents(SCULPT_QUEUE, { connection: this.#redis, prefix: QUEUE_PREFIX });
      // It comes back by itself; who waits meanwhile is told to ask again.
      this.#events.on("error", (err) => this.#logger.warn({ err }, "previews do not hear of their jobs"));
    }
    await this.#events.waitUntilReady();
    return this.#events;
  }

  async stop(): Promise<void> {
    await this.#events?.close();
    await this.#queue.close();
  }
}

const busy = (): CodedError =>
  new CodedError("UNAVAILABLE", "The sculptors are busy. Ask again in a moment; the preview is being made.");
