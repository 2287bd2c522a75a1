/**
 * The stand-in's jobs: what was ordered, how far it is, what came of it.
 * Owns: states, fetching the input, results and how they go wrong, bounded memory.
 * Does not own: HTTP answers (server.ts), pixels (stylise.ts).
 */
import { randomBytes } from "node:crypto";
import sharp from "sharp";
import type { Ending } from "./faults.ts";
import { stylise } from "./stylise.ts";

export interface Order {
  imagePath: string;
  strength: number;
  width: number;
  height: number;
  count: number;
}

/** As the API counts them. */
export const STATUS = { waiting: 0, running: 1, done: 2, failed: 3 } as const;

export type Progress =
  | { status: typeof STATUS.waiting | typeof STATUS.running }
  | { status: typeof STATUS.done; images: string[]; ending: Ending | undefined }
  | { status: typeof STATUS.failed; info: string };

/** A result as it is served. */
export interface StoredFile {
  type: string;
  body: Buffer;
  /** Sent without a length, in pieces. */
  chunked?: boolean;
  /** Answered instead. */
  redirectTo?: string;
}

export interface JobsOptions {
  /** How long a job seems to take, ms; a busy machine may take longer. */
  latencyMs: number;
  /** Where `redirect` leads. */
  privateUrl: string;
}

interface Job {
  startedAt: number;
  slow: boolean;
  outcome?: Extract<Progress, { status: 2 | 3 }>;
}

const MAX_JOBS = 1_000;
const MAX_FILES = 200;
const MAX_INPUT_BYTES = 16 * 1024 * 1024;
const FETCH_TIMEOUT_MS = 5_000;
const HUGE_BYTES = 32 * 1024 * 1024;
const PAGE = Buffer.from("<html><body>not a picture</body></html>");

export class Jobs {
  readonly #options: JobsOptions;
  readonly #now: () => number;
  readonly #jobs = new Map<string, Job>();
  readonly #files = new Map<string, StoredFile>();
  readonly #stopped = new AbortController();

  constructor(options: JobsOptions, deps: { now: () => number }) {
    this.#options = options;
    this.#now = deps.now;
  }

  /** Takes an order; its work goes on by itself and ends in `done` or `failed`. */
  start(order: Order, ending?: Ending): string {
    const id = objectId();
    const job: Job = { startedAt: this.#now(), slow: ending === "slow" };
    remember(this.#jobs, id, job, MAX_JOBS);
    this.#make(order, ending).then(
      (outcome) => {
        job.outcome = outcome;
      },
      (error: unknown) => {
        job.outcome = { status: STATUS.failed, info: error instanceof Error ? error.message : "failed" };
      },
    );
    return id;
  }

  progress(id: string): Progress | undefined {
    const job = this.#jobs.get(id);
    if (!job) return undefined;
    const elapsed = this.#now() - job.startedAt;
    if (job.slow) return { status: STATUS.running };
    if (job.outcome && elapsed >= this.#options.latencyMs) return job.outcome;
    return { status: elapsed * 2 < this.#options.latencyMs ? STATUS.waiting : STATUS.running };
  }

  file(path: string): StoredFile | undefined {
    return this.#files.get(path);
  }

  /** Gives up what is still being fetched. */
  stop(): void {
    this.#stopped.abort();
  }

  async #make(order: Order, ending?: Ending): Promise<Job["outcome"]> {
    if (ending === "failed") return { status: STATUS.failed, info: "generate failed" };
    if (ending === "empty") return { status: STATUS.done, images: [], ending };
    const picture = await this.#fetch(order.imagePath);
    const file = await resultOf(picture, order, ending, this.#options.privateUrl);
    const images: string[] = [];
    for (let n = 0; n < order.count; n++) {
      const path = `images/art/${objectId()}/${objectId()}.jpg`;
      remember(this.#files, path, file, MAX_FILES);
      images.push(path);
    }
    return { status: STATUS.done, images, ending };
  }

  async #fetch(imagePath: string): Promise<Uint8Array> {
    const signal = AbortSignal.any([AbortSignal.timeout(FETCH_TIMEOUT_MS), this.#stopped.signal]);
    const response = await fetch(imagePath, { redirect: "error", signal });
    if (!response.ok) throw new Error(`imagePath answered ${response.status}`);
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of response.body ?? []) {
      size += part.length;
      if (size > MAX_INPUT_BYTES) throw new Error("imagePath is too large");
      parts.push(part);
    }
    return Buffer.concat(parts);
  }
}

async function resultOf(
  picture: Uint8Array,
  order: Order,
  ending: Ending | undefined,
  privateUrl: string,
): Promise<StoredFile> {
  const { width, height } = order;
  const jpeg = (body: Buffer): StoredFile => ({ type: "image/jpeg", body });
  switch (ending) {
    case "identical": {
      const flat = sharp(picture).flatten({ background: "#ffffff" });
      return jpeg(await flat.resize({ width, height, fit: "fill" }).jpeg({ quality: 80 }).toBuffer());
    }
    case "blank":
      return jpeg(
        await sharp({ create: { width, height, channels: 3, background: "#777777" } })
          .jpeg()
          .toBuffer(),
      );
    case "small":
      return jpeg(await stylise(picture, { ...order, width: 16, height: 16 }));
    case "stretched":
      return jpeg(await stylise(picture, { ...order, width: width * 2 }));
    case "huge":
      return {
        type: "image/jpeg",
        body: Buffer.concat([await stylise(picture, order)], HUGE_BYTES),
        chunked: true,
      };
    case "wrongType":
      return { type: "text/html", body: PAGE };
    case "lie":
      return jpeg(PAGE);
    case "broken": {
      const whole = await stylise(picture, order);
      return jpeg(whole.subarray(0, Math.floor(whole.length / 2)));
    }
    case "redirect":
      return { ...jpeg(PAGE), redirectTo: privateUrl };
    default:
      return jpeg(await stylise(picture, order));
  }
}

/** 24 hex characters, as the API names everything. */
export const objectId = (): string => randomBytes(12).toString("hex");

/** The oldest entry makes room for the newest. */
function remember<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > most && !oldest.done) map.delete(oldest.value);
}
