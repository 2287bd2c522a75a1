/**
 * The stand-in's jobs: what was ordered, how far it is, what came of it.
 * Owns: states, fetching the input, bounded memory. Does not own: HTTP answers (server.ts), pixels (stylise.ts).
 */
import { randomBytes } from "node:crypto";
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
  | { status: typeof STATUS.done; images: string[]; nsfw: boolean }
  | { status: typeof STATUS.failed; info: string };

/** How a job is to end instead of well. */
export type Ending = "failed" | "nsfw";

export interface JobsOptions {
  /** How long a job seems to take, ms; a busy machine may take longer. */
  latencyMs: number;
}

interface Job {
  startedAt: number;
  outcome?: Extract<Progress, { status: 2 | 3 }>;
}

const MAX_JOBS = 1_000;
const MAX_FILES = 200;
const MAX_INPUT_BYTES = 16 * 1024 * 1024;
const FETCH_TIMEOUT_MS = 5_000;

export class Jobs {
  readonly #options: JobsOptions;
  readonly #now: () => number;
  readonly #jobs = new Map<string, Job>();
  readonly #files = new Map<string, Buffer>();
  readonly #stopped = new AbortController();

  constructor(options: JobsOptions, deps: { now: () => number }) {
    this.#options = options;
    this.#now = deps.now;
  }

  /** Takes an order; its work goes on by itself and ends in `done` or `failed`. */
  start(order: Order, ending?: Ending): string {
    const id = objectId();
    const job: Job = { startedAt: this.#now() };
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
    if (job.outcome && elapsed >= this.#options.latencyMs) return job.outcome;
    return { status: elapsed * 2 < this.#options.latencyMs ? STATUS.waiting : STATUS.running };
  }

  file(path: string): Buffer | undefined {
    return this.#files.get(path);
  }

  /** Gives up what is still being fetched. */
  stop(): void {
    this.#stopped.abort();
  }

  async #make(order: Order, ending?: Ending): Promise<Job["outcome"]> {
    if (ending === "failed") return { status: STATUS.failed, info: "generate failed" };
    const picture = await this.#fetch(order.imagePath);
    const jpeg = await stylise(picture, order);
    const images: string[] = [];
    for (let n = 0; n < order.count; n++) {
      const path = `images/art/${objectId()}/${objectId()}.jpg`;
      remember(this.#files, path, jpeg, MAX_FILES);
      images.push(path);
    }
    return { status: STATUS.done, images, nsfw: ending === "nsfw" };
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

/** 24 hex characters, as the API names everything. */
export const objectId = (): string => randomBytes(12).toString("hex");

/** The oldest entry makes room for the newest. */
function remember<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > most && !oldest.done) map.delete(oldest.value);
}
