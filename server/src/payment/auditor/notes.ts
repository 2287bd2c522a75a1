/**
 * What the auditor remembers of each round besides its signatures (M4): the heads it signed, why it distrusts a
 * journal, open claims, what it saw of dropped deposits, that a round is closing. Owns: one file of JSON lines a round
 * that only grows, on disk before anybody is told. Does not own: judging, nor what was co-signed (book.ts).
 *
 * Not in Redis: whoever holds Redis must not make the auditor forget. A file goes 14 days after its round, long after
 * the refund deadline, when nothing can be signed about it any more.
 */
import { access, mkdir, open, readdir, readFile, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { claimedReceiptSchema } from "@meme-rounds/shared-schema/receipt";
import { hash32, outpointSchema } from "@meme-rounds/shared-schema/records";
import { z } from "zod";

const time = z.number().int().positive();
const lineSchema = z.discriminatedUnion("kind", [
  /** Record 1 as it was first seen, its rules found to be this network's. */
  z.strictObject({
    kind: z.literal("opened"),
    roundTag: z.string(),
    receiptKey: hash32,
    closesAt: time,
  }),
  z.strictObject({ kind: z.literal("head"), seq: time, hash: hash32, auditorTime: time }),
  /** From here on no result of this round is signed. */
  z.strictObject({
    kind: z.literal("flag"),
    code: z.enum(["JOURNAL_BACKDATED", "JOURNAL_CONTRADICTS_HEAD", "JOURNAL_INVALID", "RULES_FOREIGN"]),
    reason: z.string(),
    at: time,
  }),
  /** A genuine receipt that the journal does not honour. */
  z.strictObject({ kind: z.literal("claim"), receipt: claimedReceiptSchema, at: time }),
  /** The journal honours it after all. */
  z.strictObject({ kind: z.literal("answered"), hash: hash32, at: time }),
  /** Of a dropped deposit, at the freeze: `good` when this auditor's chain knew nothing against it. */
  z.strictObject({
    kind: z.literal("drop"),
    outpoint: outpointSchema,
    standing: z.enum(["good", "gone"]),
    at: time,
  }),
  /** The 12 h rule was invoked: no result is signed any more, whatever the clock says later. */
  z.strictObject({ kind: z.literal("closing"), at: time }),
]);
type Line = z.infer<typeof lineSchema>;
type LineOf<K extends Line["kind"]> = Extract<Line, { kind: K }>;
export type FlagCode = LineOf<"flag">["code"];

const ROUND_ID = /^[a-z][a-z0-9]{0,31}-[0-9]{1,12}$/;
/** Whether it can name a round, and so a file. */
export const isRoundId = (text: string): boolean => ROUND_ID.test(text);

/** One round's notes; everything is read at once and kept, every addition goes to disk first. */
export class RoundNotes {
  opened: LineOf<"opened"> | undefined;
  /** The last head signed. */
  head: LineOf<"head"> | undefined;
  flag: LineOf<"flag"> | undefined;
  closing = false;
  /** Open ones by record hash. */
  readonly claims = new Map<string, LineOf<"claim">>();
  /** By outpoint. */
  readonly drops = new Map<string, LineOf<"drop">["standing"]>();
  private readonly path: string;
  private last: Promise<void> = Promise.resolve();

  constructor(path: string, lines: readonly Line[]) {
    this.path = path;
    for (const line of lines) this.take(line);
  }

  private take(line: Line): void {
    switch (line.kind) {
      case "opened":
        this.opened ??= line;
        return;
      case "head":
        this.head = line;
        return;
      case "flag":
        this.flag ??= line;
        return;
      case "claim":
        this.claims.set(line.receipt.hash, line);
        return;
      case "answered":
        this.claims.delete(line.hash);
        return;
      case "drop":
        this.drops.set(line.outpoint, line.standing);
        return;
      case "closing":
        this.closing = true;
        return;
    }
  }

  /** On disk before it returns. One after the other, however many ask at once. */
  add(...lines: Line[]): Promise<void> {
    const mine = this.last.then(async () => {
      const file = await open(this.path, "a", 0o600);
      try {
        await file.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
        await file.datasync();
      } finally {
        await file.close();
      }
      for (const line of lines) this.take(line);
    });
    this.last = mine.catch(() => undefined); // its caller hears of the failure
    return mine;
  }
}

const KEEP_MS = 14 * 86_400_000;
const EXTENSION = ".jsonl";
/** Rounds kept in memory; those in use are far fewer. */
const MAX_OPEN = 512;

/** The folder of all rounds' notes. */
export class NotesStore {
  private readonly folder: string;
  private readonly open = new Map<string, Promise<RoundNotes>>();

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(folder: string): Promise<NotesStore> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new NotesStore(folder);
  }

  /** A round's notes, empty when there are none. Throws when the id cannot name a round. */
  of(roundId: string): Promise<RoundNotes> {
    if (!isRoundId(roundId)) throw new Error(`no round can be called ${JSON.stringify(roundId)}`);
    const had = this.open.get(roundId);
    if (had !== undefined) return had;
    const read = this.read(join(this.folder, `${roundId}${EXTENSION}`));
    read.catch(() => this.open.delete(roundId)); // the next one tries again; this caller hears of it
    this.open.set(roundId, read);
    const oldest = this.open.keys().next().value;
    if (this.open.size > MAX_OPEN && oldest !== undefined) this.open.delete(oldest);
    return read;
  }

  /** Whether anything was ever noted about it; asking makes no file. */
  async knows(roundId: string): Promise<boolean> {
    if (!isRoundId(roundId)) return false;
    if (this.open.has(roundId)) return true;
    return await access(join(this.folder, `${roundId}${EXTENSION}`)).then(
      () => true,
      () => false,
    );
  }

  private async read(path: string): Promise<RoundNotes> {
    const folder = await open(this.folder, "r");
    const file = await open(path, "a", 0o600);
    await file.close();
    await folder.sync(); // the name, too, must outlive a power cut
    await folder.close();
    const bytes = await readFile(path);
    // A last line without its end was never told to anybody.
    const end = bytes.lastIndexOf(0x0a) + 1;
    if (end < bytes.length) await truncate(path, end);
    const lines = bytes
      .toString("utf8", 0, end)
      .split("\n")
      .filter((line) => line !== "");
    return new RoundNotes(
      path,
      lines.map((line) => lineSchema.parse(JSON.parse(line))),
    );
  }

  /** Removes what no round can need any more; `now` in ms. */
  async sweep(now: number): Promise<void> {
    for (const name of await readdir(this.folder)) {
      const roundId = name.slice(0, -EXTENSION.length);
      const opensAt = Number(roundId.slice(roundId.lastIndexOf("-") + 1)) * 1000;
      if (!isRoundId(roundId) || now - opensAt < KEEP_MS) continue;
      this.open.delete(roundId);
      await rm(join(this.folder, name));
    }
  }
}
