/**
 * Answers that are the same for everybody, held for a moment: however many ask, the handler runs once, and the bytes,
 * the ETag and the compressed form are made once. Owns: that store, bounded. Does not own: which routes have it (their
 * `holdMs`), limits, errors.
 */
import { hash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type express from "express";

/** Answers kept at a time, for all routes: what they are asked for comes from outside. */
const CAP = 256;
/** Shorter ones are not worth compressing, bytes. */
const GZIP_FROM = 1_024;

/** An answer as it goes out. */
export class HeldAnswer {
  readonly etag: string;
  private readonly body: Buffer;
  private packed: Buffer | undefined;

  constructor(value: unknown) {
    this.body = Buffer.from(JSON.stringify(value));
    this.etag = `"${hash("sha1", this.body, "base64url")}"`;
  }

  /** Ends `res` with the answer, or with 304 for who has it. */
  send(req: express.Request, res: express.Response, cacheControl: string): void {
    res.set({
      "Cache-Control": cacheControl,
      ETag: this.etag,
      "Content-Type": "application/json; charset=utf-8",
      Vary: "Accept-Encoding",
    });
    if (req.fresh) {
      res.status(304).end();
      return;
    }
    const zipped = this.body.length >= GZIP_FROM && req.acceptsEncodings("gzip") === "gzip";
    if (zipped) {
      this.packed ??= gzipSync(this.body);
      res.set("Content-Encoding", "gzip");
    }
    res.end(zipped ? this.packed : this.body);
  }
}

interface Entry {
  /** When the answer was begun, ms. */
  at: number;
  answer: Promise<HeldAnswer>;
}

export class Held {
  private readonly entries = new Map<string, Entry>();
  private readonly now: () => number;

  constructor(deps: { now: () => number }) {
    this.now = deps.now;
  }

  /**
   * The answer of `key`, at most `ms` old. Who asks while it is being made waits for the same. A failure is everybody's
   * who waited, and is not kept.
   */
  take(key: string, ms: number, make: () => Promise<unknown>): Promise<HeldAnswer> {
    const now = this.now();
    const had = this.entries.get(key);
    if (had !== undefined && now - had.at < ms && now >= had.at) return had.answer;
    const entry: Entry = { at: now, answer: make().then((value) => new HeldAnswer(value)) };
    this.entries.delete(key);
    this.entries.set(key, entry);
    const [oldest] = this.entries.keys();
    if (this.entries.size > CAP && oldest !== undefined) this.entries.delete(oldest);
    entry.answer.catch(() => {
      if (this.entries.get(key) === entry) this.entries.delete(key);
    });
    return entry.answer;
  }
}
