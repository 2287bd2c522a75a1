/**
 * Models made in a child process. Owns: that process' life (warmed at the start, replaced when it hangs, dies or has
 * grown), one order at a time. Does not own: what a model is, jobs.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Logger } from "../../infra/logger.ts";
import type { Sculpted, SculptInput } from "./sculpt.ts";

export type SculptorAnswer =
  | { kind: "ready" }
  | { kind: "made"; sculpted: Sculpted }
  | { kind: "failed"; message: string };

/** The picture itself is at fault: making it again gives the same. */
export class Unsculptable extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Unsculptable";
  }
}

export interface SculptorOptions {
  /** For one model, ms. Default: a minute, twenty times what one takes. */
  timeoutMs?: number;
  /** For the process to be ready for its first order, ms. */
  startMs?: number;
  /** Memory above which the process is replaced after a model, MB; twice of it is its end at once. */
  maxMemoryMb?: number;
  /** For tests: another child. */
  childUrl?: URL;
}

interface Child {
  process: ChildProcess;
  ready: Promise<void>;
}

const CHILD = new URL("./sculptor-child.ts", import.meta.url);
const TIMEOUT_MS = 60_000;
/** For a child to get warm. */
const START_MS = 60_000;
const MAX_MEMORY_MB = 900;
const WATCH_MS = 500;

export class Sculptor {
  readonly #options: Required<SculptorOptions>;
  readonly #logger: Logger;
  #child: Child | undefined;
  /** The end of the order before; orders go one by one. */
  #last: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(options: SculptorOptions, { logger }: { logger: Logger }) {
    this.#options = {
      timeoutMs: TIMEOUT_MS,
      startMs: START_MS,
      maxMemoryMb: MAX_MEMORY_MB,
      childUrl: CHILD,
      ...options,
    };
    this.#logger = logger;
  }

  /** Starts the child before the first order. */
  async warm(): Promise<void> {
    await this.#ready().ready;
  }

  /**
   * Makes a model. Throws Unsculptable when the picture cannot be one; any other error (the child died, or took too
   * long) may pass.
   */
  async make(input: SculptInput): Promise<Sculpted> {
    if (this.#stopped) throw new Error("the sculptor has stopped");
    const made = this.#last.then(() => this.#order(input));
    this.#last = made.catch(() => {});
    return await made;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#last;
    if (this.#child) this.#end(this.#child);
  }

  async #order(input: SculptInput): Promise<Sculpted> {
    const child = this.#ready();
    await child.ready;
    let answer: SculptorAnswer;
    try {
      answer = await this.#exchange(child.process, input);
    } catch (error) {
      this.#end(child);
      throw error;
    }
    if ((await memoryOf(child.process)) > this.#options.maxMemoryMb) this.#end(child);
    if (answer.kind === "made") return answer.sculpted;
    throw new Unsculptable(answer.kind === "failed" ? answer.message : "the sculptor answered out of turn");
  }

  /** One answer; rejects with the reason there is none. */
  async #exchange(child: ChildProcess, input: SculptInput): Promise<SculptorAnswer> {
    const { timeoutMs, maxMemoryMb } = this.#options;
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(`a model took longer than ${timeoutMs} ms`), timeoutMs);
    const watch = setInterval(async () => {
      const used = await memoryOf(child);
      if (used > 2 * maxMemoryMb) over.abort(`a model took ${Math.round(used)} MB`);
    }, WATCH_MS);
    const onExit = (code: number | null, signal: string | null): void =>
      over.abort(`the sculptor ended with ${signal ?? code} while it made a model`);
    child.once("exit", onExit);
    try {
      const answered = once(child, "message", { signal: over.signal });
      child.send(input, (error) => {
        if (error) over.abort(`the sculptor takes no orders: ${error.message}`);
      });
      const [answer] = await answered;
      return answer as SculptorAnswer;
    } catch (error) {
      throw new Error(over.signal.aborted ? String(over.signal.reason) : "the sculptor failed", {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
      clearInterval(watch);
      child.off("exit", onExit);
    }
  }

  #ready(): Child {
    this.#child ??= this.#start();
    return this.#child;
  }

  #start(): Child {
    const made = fork(fileURLToPath(this.#options.childUrl), [], { serialization: "advanced" });
    const ready = new Promise<void>((resolve, reject) => {
      made.once("message", () => resolve());
      made.once("error", reject);
      made.once("exit", (code, signal) => reject(new Error(`the sculptor ended with ${signal ?? code}`)));
    });
    const late = setTimeout(() => made.kill("SIGKILL"), this.#options.startMs);
    const settled = (): void => clearTimeout(late);
    ready.then(settled, settled);
    // Told to whoever waits for it; nobody may be waiting.
    ready.catch(() => {});
    const child = { process: made, ready };
    made.once("exit", (code, signal) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#logger.warn({ code, signal }, "the sculptor ended; the next model starts another one");
    });
    return child;
  }

  #end(child: Child): void {
    if (this.#child === child) this.#child = undefined;
    child.process.kill("SIGKILL");
  }
}

/** Resident memory of a process, MB; 0 where that cannot be read. */
async function memoryOf({ pid }: ChildProcess): Promise<number> {
  try {
    const pages = Number((await readFile(`/proc/${pid}/statm`, "utf8")).split(" ")[1]);
    return (pages * 4_096) / 1024 ** 2;
  } catch {
    return 0;
  }
}
