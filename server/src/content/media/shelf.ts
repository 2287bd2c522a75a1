/**
 * Media read back from the chain on a miss (C6). Owns: one reading per hash at a time, how many at once, remembering for a
 * while what is not there, and that only bytes with the right hash come out. Does not own: where on the chain they are.
 */
import { createHash } from "node:crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { Logger } from "../../infra/logger.ts";
import { type Media, mediaTypeOf } from "./store.ts";

export interface ShelfOptions {
  /** Files read from the chain at the same time; default 4. */
  readings?: number;
  /** Callers that wait for a turn; beyond it they get UNAVAILABLE. Default 64. */
  waiting?: number;
  /** How long a file that is not on the chain is not looked for again, ms; default 30,000. */
  absentMs?: number;
}

export interface ShelfDeps {
  /** The file as the chain has it, or undefined. May throw when the chain cannot be read. */
  fetchFromChain(sha256: string): Promise<{ bytes: Uint8Array; type: string } | undefined>;
  logger: Logger;
  now(): number;
}

const READINGS = 4;
const WAITING = 64;
const ABSENT_MS = 30_000;
/** Hashes remembered as absent; the oldest are forgotten first. */
const MAX_ABSENT = 10_000;

/** Reads a file by its sha256. Throws CodedError UNAVAILABLE when the chain does not answer or too many wait. */
export type Shelf = (sha256: string) => Promise<Media | undefined>;

export function createShelf(options: ShelfOptions, deps: ShelfDeps): Shelf {
  const { readings = READINGS, waiting = WAITING, absentMs = ABSENT_MS } = options;
  const running = new Map<string, Promise<Media | undefined>>();
  const absent = new Map<string, number>();
  const queue: (() => void)[] = [];
  let free = readings;

  const turn = async <T>(job: () => Promise<T>): Promise<T> => {
    if (free > 0) free -= 1;
    else {
      if (queue.length >= waiting) throw new CodedError("UNAVAILABLE", "Too many files are being read back.");
      await new Promise<void>((resolve) => queue.push(resolve));
    }
    try {
      return await job();
    } finally {
      const next = queue.shift();
      if (next) next();
      else free += 1;
    }
  };

  const isAbsent = (sha256: string): boolean => {
    const until = absent.get(sha256);
    if (until === undefined) return false;
    if (until > deps.now()) return true;
    absent.delete(sha256);
    return false;
  };

  const remember = (sha256: string): undefined => {
    absent.set(sha256, deps.now() + absentMs);
    const [oldest] = absent.keys();
    if (absent.size > MAX_ABSENT && oldest !== undefined) absent.delete(oldest);
    return undefined;
  };

  const read = async (sha256: string): Promise<Media | undefined> => {
    const file = await turn(() => deps.fetchFromChain(sha256)).catch((err: unknown) => {
      if (err instanceof CodedError) throw err;
      deps.logger.warn({ err, sha256 }, "a file could not be read back from the chain");
      throw new CodedError("UNAVAILABLE", "The chain does not give this file now.", { cause: err });
    });
    if (file === undefined) return remember(sha256);
    const type = mediaTypeOf(file.type);
    const hash = createHash("sha256").update(file.bytes).digest("hex");
    if (hash !== sha256 || type === undefined) {
      deps.logger.error({ sha256, hash, type: file.type }, "the chain gave another file than was asked for");
      return remember(sha256);
    }
    return { bytes: Buffer.from(file.bytes), type };
  };

  return async (sha256) => {
    if (isAbsent(sha256)) return undefined;
    const had = running.get(sha256);
    if (had) return await had;
    const reading = read(sha256).finally(() => running.delete(sha256));
    running.set(sha256, reading);
    return await reading;
  };
}
