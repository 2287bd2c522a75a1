/**
 * Boosts sent at a pace, and what came back. Owns: counting answers, and times from when a boost was due until it was
 * acknowledged. Does not own: who sends them (backers.ts).
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Accepted } from "@meme-rounds/shared-schema/messages";
import type { Histogram, Report } from "../report/index.ts";
import type { Backer } from "./backers.ts";
import { atPace, type PaceOptions } from "./pace.ts";

const REST_MS = 1;
/** The last boosts of the pace have this long for their answers, ms. */
const LAST_MS = 100;
const MAX_REASONS = 20;

export class Boosting {
  /** The receipts. */
  readonly kept: Accepted[] = [];
  refused = 0;
  unanswered = 0;
  /** Those whose answer came before the pace was through. */
  acceptedInTime = 0;
  private readonly backers: readonly Backer[];
  private readonly acks: Histogram;
  private readonly report: Report;
  private readonly reasons = new Set<string>();
  private lastTold = { at: 0, kept: 0 };

  constructor(backers: readonly Backer[], acks: Histogram, report: Report) {
    this.backers = backers;
    this.acks = acks;
    this.report = report;
  }

  /** Everybody in turn; resolves when all are answered or given up. */
  async run(pace: PaceOptions, signal: AbortSignal): Promise<void> {
    const under: Promise<void>[] = [];
    const turns = this.backers.length;
    const from = performance.now();
    this.lastTold = { at: from, kept: 0 };
    const end = from + pace.seconds * 1_000;
    const telling = setInterval(() => this.tell(), 1_000);
    try {
      await atPace(
        pace,
        { now: () => performance.now(), rest: () => delay(REST_MS), signal },
        (index, dueAt) => {
          const backer = this.backers[index % turns];
          if (backer !== undefined) under.push(this.boost(backer, Math.floor(index / turns), dueAt, end));
        },
      );
      await Promise.all(under);
    } finally {
      clearInterval(telling);
    }
  }

  private async boost({ player, memeId, boosts }: Backer, at: number, dueAt: number, end: number) {
    const voucher = boosts[at];
    if (voucher === undefined) return this.fail("no boost was left");
    try {
      const answer = await player.send("boost", { memeId, voucher });
      const now = performance.now();
      if (!answer.ok) return this.fail(answer.code);
      this.acks.record(now - dueAt);
      this.kept.push(answer);
      if (now <= end + LAST_MS) this.acceptedInTime++;
    } catch (error) {
      this.unanswered++;
      this.noteOnce(error instanceof Error ? error.message : String(error));
    }
  }

  private fail(code: string): void {
    this.refused++;
    this.noteOnce(`boosts are refused: ${code}`);
  }

  private noteOnce(reason: string): void {
    if (this.reasons.has(reason) || this.reasons.size >= MAX_REASONS) return;
    this.reasons.add(reason);
    this.report.note(reason);
  }

  private tell(): void {
    const at = performance.now();
    const { length } = this.kept;
    const perSecond = ((length - this.lastTold.kept) * 1_000) / (at - this.lastTold.at);
    this.report.point("boosts accepted", "a second", perSecond, "/s");
    this.lastTold = { at, kept: length };
  }
}
