/**
 * The NSFW classifier as the rest of the server sees it (C2). Owns: its thread (started when first needed, again when
 * it died), the bounded queue before it, the time limit. Does not own: the network (classifier-thread.ts), the verdict.
 */
import { Worker } from "node:worker_threads";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { z } from "zod";
import type { Logger } from "../../infra/logger.ts";
import { type NsfwScores, nsfwScores } from "./scores.ts";

export interface Classifier {
  /** Starts the thread and its network before the first picture needs them. Throws when it cannot be had. */
  warm(): Promise<void>;
  /**
   * C2: what the picture (bytes of any type sharp reads) looks like; a long one is judged by its worst part.
   * Throws CodedError UNAVAILABLE when too many wait, Error when the picture cannot be read or the thread fails:
   * then nobody has looked at the picture.
   */
  scoresOf(picture: Uint8Array): Promise<NsfwScores>;
  /** Refuses what waits and ends the thread. */
  stop(): Promise<void>;
}

export interface ClassifierOptions {
  /** One picture's time, ms. */
  limitMs?: number;
  /** The network's loading time, ms. */
  startMs?: number;
  /** Pictures that may wait. */
  maxWaiting?: number;
  /** After a failed start, pictures are refused at once for so long, ms. */
  pauseMs?: number;
  /** The thread's program, for tests of what happens when it fails. */
  thread?: URL;
}

interface Job {
  picture: Uint8Array;
  resolve(scores: NsfwScores): void;
  reject(error: Error): void;
}

const threadMessage = z.union([
  z.strictObject({ ready: z.literal(true) }),
  z.strictObject({ id: z.number(), scores: nsfwScores }),
  z.strictObject({ id: z.number(), error: z.string() }),
]);

/** The thread's heap, MB; the network itself lies outside of it. */
const MAX_HEAP_MB = 512;

export function createClassifier(options: ClassifierOptions, deps: { logger: Logger }): Classifier {
  return new ThreadClassifier(options, deps.logger);
}

class ThreadClassifier implements Classifier {
  private readonly options: Required<ClassifierOptions>;
  private readonly logger: Logger;
  private readonly waiting: Job[] = [];
  private thread: Worker | undefined;
  private starting: Promise<Worker> | undefined;
  private running: (Omit<Job, "picture"> & { id: number; thread: Worker }) | undefined;
  private busy = false;
  private stopped = false;
  private count = 0;
  private pausedUntil = 0;

  constructor(options: ClassifierOptions, logger: Logger) {
    this.options = {
      limitMs: 10_000,
      startMs: 60_000,
      maxWaiting: 40,
      pauseMs: 5_000,
      thread: new URL("./classifier-thread.ts", import.meta.url),
      ...options,
    };
    this.logger = logger;
  }

  async warm(): Promise<void> {
    await this.start();
  }

  scoresOf(picture: Uint8Array): Promise<NsfwScores> {
    if (this.stopped || this.waiting.length >= this.options.maxWaiting)
      return Promise.reject(new CodedError("UNAVAILABLE", "Too many pictures are being looked at."));
    return new Promise((resolve, reject) => {
      this.waiting.push({ picture, resolve, reject });
      void this.work();
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const job of this.waiting.splice(0)) job.reject(new Error("The classifier was stopped."));
    await this.starting?.catch(() => undefined);
    await this.thread?.terminate();
  }

  /** One picture after the other: the network takes one core as it is. */
  private async work(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      for (let job = this.waiting.shift(); job !== undefined; job = this.waiting.shift()) {
        try {
          await this.run(await this.start(), job);
        } catch (error) {
          job.reject(error instanceof Error ? error : new Error(String(error)));
        }
      }
    } finally {
      this.busy = false;
    }
  }

  /** Settles once the job is answered, refused, or its time is over. */
  private async run(thread: Worker, { picture, resolve, reject }: Job): Promise<void> {
    const id = ++this.count;
    await new Promise<void>((done) => {
      const end = () => {
        clearTimeout(timer);
        this.running = undefined;
        done();
      };
      const timer = setTimeout(() => {
        this.logger.warn({ limitMs: this.options.limitMs }, "the classifier was too slow: a new thread");
        this.forget(thread);
        this.running?.reject(new Error("The classifier took too long."));
      }, this.options.limitMs);
      this.running = {
        id,
        thread,
        resolve(scores) {
          resolve(scores);
          end();
        },
        reject(error) {
          reject(error);
          end();
        },
      };
      thread.postMessage({ id, picture });
    });
  }

  private start(): Promise<Worker> {
    if (this.stopped) return Promise.reject(new Error("The classifier was stopped."));
    if (this.thread) return Promise.resolve(this.thread);
    if (performance.now() < this.pausedUntil)
      return Promise.reject(new Error("The classifier did not start a moment ago."));
    this.starting ??= this.launch().finally(() => {
      this.starting = undefined;
    });
    return this.starting;
  }

  private launch(): Promise<Worker> {
    const thread = new Worker(this.options.thread, {
      stdout: true,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    // nsfwjs greets on the console.
    thread.stdout.on("data", (chunk: Buffer) => this.logger.debug({ chunk: chunk.toString() }, "classifier"));
    return new Promise<Worker>((resolve, reject) => {
      let started = false;
      const failStart = (error: Error) => {
        this.pausedUntil = performance.now() + this.options.pauseMs;
        this.forget(thread);
        reject(error);
      };
      const timer = setTimeout(
        () => failStart(new Error("The classifier does not start in time.")),
        this.options.startMs,
      );
      // An error is always followed by an exit.
      thread.on("error", (err) => this.logger.error({ err }, "the classifier's thread failed"));
      thread.on("exit", () => {
        clearTimeout(timer);
        const ended = new Error("The classifier's thread ended.");
        if (this.running?.thread === thread) this.running.reject(ended);
        this.forget(thread);
        if (!started) failStart(ended);
      });
      thread.on("message", (raw: unknown) => {
        const message = threadMessage.parse(raw);
        if ("ready" in message) {
          clearTimeout(timer);
          started = true;
          this.thread = thread;
          resolve(thread);
        } else if (this.running?.id === message.id) {
          if ("scores" in message) this.running.resolve(message.scores);
          else this.running.reject(new Error(message.error));
        }
      });
    });
  }

  /** The next picture starts another one. */
  private forget(thread: Worker): void {
    if (this.thread === thread) this.thread = undefined;
    void thread.terminate();
  }
}
