/**
 * Answers that are the same for everybody, held for a moment: however many ask, the handler runs once, and the bytes,
 * the ETag and the compressed form are made once. Owns: that store, bounded in number and bytes. Does not own: which
 * routes have it (their `holdMs`) and which refusals are among it (their `keeps`), limits.
 */
import { hash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type express from "express";

/** Answers kept at a time: what they are asked for comes from outside. */
const CAP = 256;
/** What they may weigh together, bytes; a finished round of 10,000 players is some 2 MB. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Shorter ones are not worth compressing, bytes. */
const GZIP_FROM = 1_024;
/** An answer that is not there after so long is not waited for by those who ask from then on, ms. */
const SLOW_MS = 5_000;

/** How an answer goes out; by default it is a good one, in JSON. */
export interface HeldForm {
  cacheControl: string;
  status?: number;
  type?: string;
  retrySeconds?: number;
}

/** An answer as it goes out. */
export class HeldAnswer {
  private readonly form: HeldForm;
  private readonly etag: string;
  private readonly body: Buffer;
  private packed: Buffer | undefined;

  constructor(value: unknown, form: HeldForm) {
    this.form = form;
    this.body = Buffer.from(JSON.stringify(value));
    this.etag = `"${hash("sha1", this.body, "base64url")}"`;
  }

  get bytes(): number {
    return this.body.length;
  }

  /** Ends `res` with the answer, or with 304 for who has it. */
  send(req: express.Request, res: express.Response): void {
    const { cacheControl, status = 200, type = "application/json", retrySeconds } = this.form;
    res.status(status).set({
      "Cache-Control": cacheControl,
      ETag: this.etag,
      "Content-Type": `${type}; charset=utf-8`,
    });
    // Beside what was said before: an answer for one origin is none for another.
    res.vary("Accept-Encoding");
    if (retrySeconds !== undefined) res.set("Retry-After", String(retrySeconds));
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
  /** 0 until it is there. */
  bytes: number;
  isThere: boolean;
  answer: Promise<HeldAnswer>;
}

export class Held {
  /** Oldest first. */
  private readonly entries = new Map<string, Entry>();
  private readonly now: () => number;
  private bytes = 0;

  constructor(deps: { now: () => number }) {
    this.now = deps.now;
  }

  /**
   * The answer of `key`, at most `ms` old. Who asks while it is being made waits for the same. A failure is everybody's
   * who waited, and is not kept.
   */
  take(key: string, ms: number, make: () => Promise<HeldAnswer>): Promise<HeldAnswer> {
    const now = this.now();
    const had = this.entries.get(key);
    if (had !== undefined && now >= had.at && now - had.at < (had.isThere ? ms : Math.max(ms, SLOW_MS)))
      return had.answer;
    const entry: Entry = { at: now, bytes: 0, isThere: false, answer: make() };
    this.drop(key);
    this.entries.set(key, entry);
    this.bound();
    entry.answer.then(
      ({ bytes }) => {
        entry.isThere = true;
        if (this.entries.get(key) !== entry) return;
        entry.bytes = bytes;
        this.bytes += bytes;
        this.bound();
      },
      () => {
        if (this.entries.get(key) === entry) this.drop(key);
      },
    );
    return entry.answer;
  }

  private drop(key: string): void {
    this.bytes -= this.entries.get(key)?.bytes ?? 0;
    this.entries.delete(key);
  }

  /** The last one stays, whatever it weighs: it may be what everybody is asking for. */
  private bound(): void {
    for (const key of this.entries.keys()) {
      if (this.entries.size === 1 || (this.entries.size <= CAP && this.bytes <= MAX_BYTES)) return;
      this.drop(key);
    }
  }
}
