/**
 * The devchain's disk. Owns: the append-only log of events, one JSON line each, synced in groups, and reading it back.
 * Does not own: what the events mean (state.ts).
 */
import { type FileHandle, mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const hex = z.string().regex(/^(?:[0-9a-f]{2})+$/);
const txid = z.string().regex(/^[0-9a-f]{64}$/);
const callback = z.object({ url: z.string(), token: z.string().optional(), full: z.boolean() });

/** What ARC still says of a transaction that the mempool has dropped: REJECTED, nothing, or what it said before. */
export const trace = z.enum(["rejected", "unknown", "stale"]);
export type Trace = z.infer<typeof trace>;

export type Callback = z.infer<typeof callback>;

const chainEvent = z.discriminatedUnion("t", [
  /** A transaction entered the mempool. */
  z.object({ t: z.literal("tx"), at: z.number(), hex }),
  /** A valid transaction came too late: others in the mempool spend its coins. */
  z.object({ t: z.literal("conflict"), at: z.number(), hex, against: z.array(txid).min(1) }),
  /** A transaction took the place of others in the mempool that spend its coins, and of all that spend theirs. */
  z.object({ t: z.literal("replace"), at: z.number(), hex, against: z.array(txid).min(1) }),
  z.object({ t: z.literal("callback"), txid, callback }),
  z.object({ t: z.literal("block"), time: z.number().int(), coinbase: hex, txids: z.array(txid) }),
  /** The newest blocks are gone; their transactions are back in the mempool. */
  z.object({ t: z.literal("unmine"), depth: z.number().int().positive() }),
  z.object({ t: z.literal("evict"), txids: z.array(txid), trace: trace.optional() }),
  /** The chain's clock runs ahead of the machine's by so many ms. */
  z.object({ t: z.literal("clock"), aheadMs: z.number().int() }),
]);

export type ChainEvent = z.infer<typeof chainEvent>;

export interface Store {
  append(event: ChainEvent): void;
  /** Settles when all that was appended before is on disk. Rejects for good once a write has failed. */
  flushed(): Promise<void>;
  close(): Promise<void>;
}

/** Keeps nothing: for tests that need no disk. */
export const memoryStore = (): Store => ({
  append: () => undefined,
  flushed: () => Promise.resolve(),
  close: () => Promise.resolve(),
});

class LogStore implements Store {
  readonly #file: FileHandle;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  append(event: ChainEvent): void {
    this.#waiting.push(`${JSON.stringify(event)}\n`);
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting.splice(0);
      await this.#file.appendFile(lines.join(""));
      await this.#file.datasync();
    }
  }

  async flushed(): Promise<void> {
    if (this.#failure) throw this.#failure;
    // A failed write leaves memory ahead of the disk: from then on nothing is acknowledged any more.
    this.#writing ??= this.#write()
      .catch((error: unknown) => {
        this.#failure = new Error("the devchain's log cannot be written", { cause: error });
      })
      .finally(() => {
        this.#writing = undefined;
      });
    await this.#writing;
    if (this.#failure) throw this.#failure;
    if (this.#waiting.length > 0) await this.flushed();
  }

  async close(): Promise<void> {
    try {
      await this.flushed();
    } finally {
      await this.#file.close();
    }
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

function parseLine(line: string): ChainEvent | undefined {
  try {
    return chainEvent.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/**
 * Opens (or begins) the log in `dir`. A torn last line, which a crash leaves and nobody was told of, is cut off. Throws
 * when any line before it cannot be read: that is damage, not a crash.
 */
export async function openStore(dir: string): Promise<{ store: Store; events: ChainEvent[] }> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, "log.jsonl");
  const text = await readFile(path).catch((error: unknown) => {
    if (isMissing(error)) return Buffer.alloc(0);
    throw error;
  });
  const events: ChainEvent[] = [];
  let kept = 0;
  while (kept < text.length) {
    const end = text.indexOf(0x0a, kept);
    const event = end < 0 ? undefined : parseLine(text.toString("utf8", kept, end));
    if (!event) {
      if (end >= 0 && end + 1 < text.length) throw new Error(`${path}: line ${events.length + 1} is damaged`);
      break;
    }
    events.push(event);
    kept = end + 1;
  }
  const file = await open(path, "a");
  if (kept < text.length) await file.truncate(kept);
  return { store: new LogStore(file), events };
}
