/**
 * Receipts that players hold against a journal (R9, M4). Owns: whether one is genuine and honoured, and the hold on
 * the round's co-signing when it is genuine and not. Does not own: rate limits, HTTP.
 *
 * A hold ends when the record turns up in the journal, or with the round: 12 h after its end it can be voided, and
 * full returns take nothing from anybody (gate.ts).
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { type ClaimedReceipt, isGenuineReceipt } from "@meme-rounds/shared-schema/receipt";
import { entrySchema, type JournalRecord, recordHash } from "@meme-rounds/shared-schema/records";
import type { Logger } from "../../infra/logger.ts";
import type { ClaimAnswer } from "./desk.ts";
import { isRoundId, type NotesStore, type RoundNotes } from "./notes.ts";
import { foreignReason, type OwnTerms } from "./opening.ts";
import type { JournalSource } from "./tail.ts";

export interface ClaimsDeps {
  source: Pick<JournalSource, "readFrom">;
  notes: NotesStore;
  /** A settlement of this round was signed. */
  isSigned(roundId: string): boolean;
  logger: Logger;
  now(): number;
}

/** One is enough to hold a round; more are kept as evidence, up to here. */
const MAX_CLAIMS = 100;

export class Claims {
  private readonly own: OwnTerms;
  private readonly deps: ClaimsDeps;

  constructor(own: OwnTerms, deps: ClaimsDeps) {
    this.own = own;
    this.deps = deps;
  }

  /** Throws ROUND_UNKNOWN, or RECEIPT_INVALID when the round's key did not sign it. */
  async claim(receipt: ClaimedReceipt): Promise<ClaimAnswer> {
    const { roundId, hash } = receipt;
    const { now, logger } = this.deps;
    const { roundTag, receiptKey } = await this.termsOf(roundId);
    if (!isGenuineReceipt(roundTag, receipt, receiptKey)) throw new CodedError("RECEIPT_INVALID");
    const found = await this.recordAt(roundId, receipt.seq);
    const notes = await this.deps.notes.of(roundId);
    if (found !== undefined && recordHash(found) === hash) {
      if (notes.claims.has(hash)) await notes.add({ kind: "answered", hash, at: now() });
      return { honoured: true, held: false };
    }
    logger.error({ roundId, receipt }, "a receipt is not honoured by the journal");
    if (this.deps.isSigned(roundId)) return { honoured: false, held: false };
    if (!notes.claims.has(hash) && notes.claims.size < MAX_CLAIMS)
      await notes.add({ kind: "claim", receipt, at: now() });
    return { honoured: false, held: !this.deps.isSigned(roundId) };
  }

  /** What receipts of the round are checked with: as it was seen first, whatever the journal says now. */
  private async termsOf(roundId: string): Promise<{ roundTag: string; receiptKey: string }> {
    const unknown = new CodedError("ROUND_UNKNOWN");
    if (!isRoundId(roundId)) throw unknown;
    const { opened }: Partial<RoundNotes> = (await this.deps.notes.knows(roundId))
      ? await this.deps.notes.of(roundId)
      : {};
    if (opened !== undefined) return opened;
    const first = await this.recordAt(roundId, 1);
    if (first?.kind !== "open" || foreignReason(first.body, roundId, this.own) !== undefined) throw unknown;
    return { roundTag: recordHash(first).slice(0, 32), receiptKey: first.body.receiptKey };
  }

  private async recordAt(roundId: string, seq: number): Promise<JournalRecord | undefined> {
    const [text] = await this.deps.source.readFrom(roundId, seq, 1);
    if (text === undefined) return undefined;
    try {
      const { record } = entrySchema.parse(JSON.parse(text));
      return record.seq === seq ? record : undefined;
    } catch {
      return undefined; // no record at all stands there
    }
  }
}
