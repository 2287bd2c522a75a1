/**
 * The auditor follows live journals (M4): it verifies every record as it comes and signs the head about once a second.
 * Owns: what is read when, the clock's two bounds, contradictions with what was signed or seen, giving a round up.
 * Does not own: the notes' files (notes.ts), where heads are shown (heads.ts), co-signing (judge.ts).
 *
 * A record that a look finds was written after the look before, so its time may not lie further back than that, and
 * never ahead of the clock, by more than 5 s. This way a slow auditor accuses nobody, and records that are put in
 * later than they say are found out. After a restart the last signed head takes the place of the last look.
 */
import { setImmediate as breathe, setTimeout as delay } from "node:timers/promises";
import type { VerifyCompact } from "@meme-rounds/shared-schema/crypto";
import { headBytes, type SignedHead } from "@meme-rounds/shared-schema/receipt";
import { type Entry, entrySchema } from "@meme-rounds/shared-schema/records";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { verifyEntry } from "@meme-rounds/shared-schema/verify-journal";
import type { Logger } from "../../infra/logger.ts";
import { counter, gauge } from "../../infra/metrics.ts";
import type { Drops } from "./drops.ts";
import { type FlagCode, isRoundId, type NotesStore, type RoundNotes } from "./notes.ts";
import { foreignReason, type OwnTerms, rulesReason } from "./opening.ts";

/** Where the tail reads journals: straight from the store, not from the operator's processes. */
export interface JournalSource {
  /** Rounds whose journal was begun and whose end is not in the archive. */
  liveRounds(): Promise<string[]>;
  /** JSON texts of up to `count` entries from the record `fromSeq` on. */
  readFrom(roundId: string, fromSeq: number, count: number): Promise<string[]>;
  /** Shows a head to the public. */
  publishHead(roundId: string, head: SignedHead, isNew: boolean): Promise<void>;
}

export interface TailOptions extends OwnTerms {
  /** Between two looks, ms. */
  everyMs: number;
}

export interface TailDeps {
  source: JournalSource;
  notes: NotesStore;
  drops: Drops;
  verify: VerifyCompact;
  /** Ed25519 by the head key, hex. */
  sign(bytes: Uint8Array): string;
  logger: Logger;
  now(): number;
}

/** M4: how far a record's time may be off, ms. */
export const TOLERANCE_MS = 5_000;
const PAGE = 1_000;
/** Records verified before others get a turn. */
const BURST = 50;
const SWEEP_MS = 3_600_000;
const LINGER_MS = 3_600_000;

/** A journal that is not to be believed. */
class Distrust extends Error {
  readonly code: FlagCode;

  constructor(code: FlagCode, reason: string) {
    super(reason);
    this.code = code;
  }
}

interface Watch {
  notes: RoundNotes;
  /** Everything verified so far; undefined before record 1, and freed when the journal has ended. */
  state: RoundState | undefined;
  /** When the last look began, ms; nothing found from here on may be much older. */
  lookedAt: number | undefined;
  done: boolean;
}

export class Tail {
  private readonly options: TailOptions;
  private readonly deps: TailDeps;
  private readonly watches = new Map<string, Watch>();
  private readonly ending = new AbortController();
  private lastList: number | undefined;
  private lastSweep: number | undefined;
  private running: Promise<void> | undefined;
  private turn: Promise<void> = Promise.resolve();
  private readonly heads = counter("mr_auditor_heads", "Journal heads the auditor has signed.");
  private readonly flagged = counter("mr_auditor_flags", "Journals the auditor has given up.", ["code"]);
  private readonly lag = gauge("mr_auditor_look_seconds", "How long the auditor's last look took.");

  constructor(options: TailOptions, deps: TailDeps) {
    this.options = options;
    this.deps = deps;
  }

  /** Looks by itself from now on. */
  start(): void {
    this.running = (async () => {
      while (!this.ending.signal.aborted) {
        const began = this.deps.now();
        await this.look().catch((err: unknown) =>
          this.deps.logger.error({ err }, "the auditor could not look"),
        );
        const took = this.deps.now() - began;
        const rest = Math.max(0, this.options.everyMs - took);
        await delay(rest, undefined, { signal: this.ending.signal }).catch(() => undefined);
      }
    })();
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
    await this.turn;
    await this.deps.drops.stop();
  }

  /** One look at every live round; one after the other, however many ask. A round that fails keeps no other back. */
  look(): Promise<void> {
    const mine = this.turn.then(() => this.lookOnce());
    this.turn = mine.catch(() => undefined); // its caller hears of the failure
    return mine;
  }

  private async lookOnce(): Promise<void> {
    const { source, notes, logger, now } = this.deps;
    const began = now();
    const live = new Set((await source.liveRounds()).filter(isRoundId));
    // A round leaves the list when it is in the archive: what came last is still to be seen and signed.
    for (const roundId of new Set([...this.watches.keys(), ...live])) {
      if (this.ending.signal.aborted) return;
      try {
        const watch = await this.watchOf(roundId);
        await this.follow(roundId, watch);
        if (!live.has(roundId) && this.isOver(watch)) this.watches.delete(roundId);
      } catch (err) {
        logger.error({ err, roundId }, "the auditor could not follow a journal");
      }
    }
    this.lastList = began;
    this.lag.set((now() - began) / 1000);
    if (this.lastSweep !== undefined && began - this.lastSweep < SWEEP_MS) return;
    this.lastSweep = began;
    await notes.sweep(began);
  }

  /** Nothing more is to be expected of it; one that left the list without an end is given an hour. */
  private isOver({ state }: Watch): boolean {
    return state === undefined || this.deps.now() > state.open.closesAt + LINGER_MS;
  }

  private async watchOf(roundId: string): Promise<Watch> {
    const had = this.watches.get(roundId);
    if (had !== undefined) return had;
    const notes = await this.deps.notes.of(roundId);
    // A round is listed before its first record is written: one that was not there at the last look is younger.
    const lookedAt = notes.head?.auditorTime ?? this.lastList;
    const made: Watch = { notes, state: undefined, lookedAt, done: false };
    this.watches.set(roundId, made);
    return made;
  }

  private async follow(roundId: string, watch: Watch): Promise<void> {
    if (watch.notes.flag !== undefined || watch.done) return;
    try {
      const lookedAt = await this.catchUp(roundId, watch);
      await this.signHead(roundId, watch, lookedAt);
      watch.lookedAt = lookedAt;
    } catch (error) {
      if (!(error instanceof Distrust)) throw error;
      const { code, message: reason } = error;
      await watch.notes.add({ kind: "flag", code, reason, at: this.deps.now() });
      watch.state = undefined;
      this.flagged.inc({ code });
      this.deps.logger.error({ roundId, code, reason }, "a journal is not to be believed");
    }
    if (watch.state?.phase.kind === "final") {
      watch.done = true;
      watch.state = undefined;
    }
  }

  /** Reads and verifies what is new; returns when its last page was asked for. Throws Distrust. */
  private async catchUp(roundId: string, watch: Watch): Promise<number> {
    const { source, now } = this.deps;
    for (;;) {
      const asked = now();
      const before = watch.state?.head;
      const page = await source.readFrom(roundId, before?.seq ?? 1, PAGE);
      const arrived = now();
      const fresh = before === undefined ? page : withoutKnown(page, before);
      if (before === undefined && page.length === 0 && watch.notes.head !== undefined)
        throw new Distrust("JOURNAL_CONTRADICTS_HEAD", "the journal is gone");
      for (const [at, text] of fresh.entries()) {
        if (at % BURST === BURST - 1) await breathe();
        await this.take(roundId, watch, text, arrived);
      }
      if (page.length < PAGE) return asked;
    }
  }

  private async take(roundId: string, watch: Watch, text: string, arrived: number): Promise<void> {
    const entry = parse(text);
    const step = verifyEntry(watch.state, entry, this.deps.verify);
    if (!step.ok) throw new Distrust("JOURNAL_INVALID", `record ${step.seq}: ${step.reason}`);
    const { record, hash } = entry;
    const signed = watch.notes.head;
    if (signed?.seq === record.seq && signed.hash !== hash)
      throw new Distrust("JOURNAL_CONTRADICTS_HEAD", `record ${record.seq} is not the one that was signed`);
    const isHistory = signed !== undefined && record.seq <= signed.seq;
    if (!isHistory) checkClock(record, watch.lookedAt, arrived);
    if (record.kind === "open") await this.opened(roundId, watch, entry, step.state);
    watch.state = step.state;
    if (record.kind === "freeze" || record.kind === "void")
      this.deps.drops.remember(watch.notes, record.body.dropped ?? [], record.at);
  }

  private async opened(roundId: string, watch: Watch, entry: Entry, state: RoundState): Promise<void> {
    const { open, roundTag } = state;
    const known = watch.notes.opened;
    if (known !== undefined) {
      if (known.roundTag !== roundTag)
        throw new Distrust("JOURNAL_CONTRADICTS_HEAD", "the round has another first record than before");
      return;
    }
    const foreign = foreignReason(open, roundId, this.options);
    if (foreign !== undefined)
      throw new Distrust("JOURNAL_INVALID", `record ${entry.record.seq}: ${foreign}`);
    const rules = rulesReason(open.rules);
    if (rules !== undefined) throw new Distrust("RULES_FOREIGN", rules);
    const { receiptKey, closesAt } = open;
    await watch.notes.add({ kind: "opened", roundTag, receiptKey, closesAt });
  }

  /** Remembered before it is shown. */
  private async signHead(roundId: string, watch: Watch, lookedAt: number): Promise<void> {
    const { state, notes } = watch;
    if (state === undefined) return;
    const { seq, hash } = state.head;
    const had = notes.head;
    if (had !== undefined && seq < had.seq)
      throw new Distrust("JOURNAL_CONTRADICTS_HEAD", `record ${had.seq} was signed and is gone`);
    const auditorTime = Math.max(lookedAt, had?.auditorTime ?? 0);
    await notes.add({ kind: "head", seq, hash, auditorTime });
    const sig = this.deps.sign(headBytes(state.roundTag, seq, hash, auditorTime));
    this.heads.inc();
    await this.deps.source.publishHead(roundId, { seq, hash, auditorTime, sig }, had?.seq !== seq);
  }
}

/** A shape that verifyEntry refuses, for what is not even JSON. */
function parse(text: string): Entry {
  try {
    return JSON.parse(text) as Entry; // verifyEntry checks the shape before anything else
  } catch {
    throw new Distrust("JOURNAL_INVALID", "a record is not JSON");
  }
}

/** The page after the record that was last seen, which must still be there. */
function withoutKnown(page: readonly string[], head: { seq: number; hash: string }): readonly string[] {
  const first = page[0] === undefined ? undefined : entrySchema.safeParse(parse(page[0]));
  if (first?.success !== true || first.data.record.seq !== head.seq)
    throw new Distrust("JOURNAL_CONTRADICTS_HEAD", `record ${head.seq} was seen and is gone`);
  if (first.data.hash !== head.hash)
    throw new Distrust("JOURNAL_CONTRADICTS_HEAD", `record ${head.seq} is not the one that was signed`);
  return page.slice(1);
}

function checkClock(record: { seq: number; at: number }, lookedAt: number | undefined, now: number): void {
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  if (record.at > now + TOLERANCE_MS)
    throw new Distrust(
      "JOURNAL_BACKDATED",
      `record ${record.seq} is dated ${seconds(record.at - now)} s ahead of the auditor's clock`,
    );
  // A clock that was put back says nothing about how old a record may be.
  if (lookedAt !== undefined && lookedAt <= now && record.at < lookedAt - TOLERANCE_MS)
    throw new Distrust(
      "JOURNAL_BACKDATED",
      `record ${record.seq} is dated ${seconds(lookedAt - record.at)} s before the auditor saw that it was not there`,
    );
}
