/**
 * What stands between a plan that adds up and the auditor's signature (M4): what it has seen of the round before, and
 * its clock. Owns: heads, flags, claims, drops, rules and the 12 h rule at signing. Does not own: the journal's own
 * checks and the plan (judge.ts).
 *
 * A round that is distrusted, or about which a claim is open, never gets a result signed. From 12 h after its end on
 * its full returns are: they give every deposit back whole to the key that paid it, so no lie in the journal can gain
 * from them, and a refusal would only make every player fetch the money themselves.
 */

import { droppedOutpoints, VOID_EXPIRED } from "@meme-rounds/shared-schema/payout";
import type { Entry } from "@meme-rounds/shared-schema/records";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { expiryOf } from "@meme-rounds/shared-schema/rules";
import { mapLimited } from "../parallel.ts";
import { AuditorRefusal } from "../wire.ts";
import type { Drops } from "./drops.ts";
import type { NotesStore, RoundNotes } from "./notes.ts";
import { rulesReason } from "./opening.ts";
import { TOLERANCE_MS } from "./tail.ts";

export interface GateDeps {
  notes: NotesStore;
  drops: Drops;
  now(): number;
}

const PARALLEL = 16;

export class Gate {
  private readonly deps: GateDeps;

  constructor(deps: GateDeps) {
    this.deps = deps;
  }

  /**
   * To be asked with a journal that verifies and has its end, before anything is looked up. `isRenewal`: a plan of
   * this round with the same outcome was signed before, so its time has been judged. Throws AuditorRefusal.
   */
  async check(entries: readonly Entry[], state: RoundState, isRenewal: boolean): Promise<void> {
    const notes = await this.deps.notes.of(state.open.roundId);
    this.checkTime(notes, state, isRenewal);
    if (this.isPastClaims(state)) return;
    await this.checkHead(notes, entries);
    if (notes.opened === undefined) {
      const reason = rulesReason(state.open.rules);
      if (reason !== undefined) throw new AuditorRefusal("RULES_FOREIGN", reason);
    } else if (notes.opened.roundTag !== state.roundTag)
      throw new AuditorRefusal("JOURNAL_CONTRADICTS_HEAD", "the round had another first record before");
    const { flag } = notes;
    if (flag !== undefined) throw new AuditorRefusal(flag.code, flag.reason);
    if (!isRenewal) await this.checkClaims(notes, entries);
    await this.checkDrops(notes, entries, state);
  }

  /** The last thing before the signature: a claim may have come while the chain was asked. */
  async recheck(entries: readonly Entry[], state: RoundState, isRenewal: boolean): Promise<void> {
    if (isRenewal || this.isPastClaims(state)) return;
    await this.checkClaims(await this.deps.notes.of(state.open.roundId), entries);
  }

  /**
   * The 12 h rule: from now on no result of this round is signed. Returns why it is not time yet, or undefined once
   * it is on disk.
   */
  async close(roundId: string, closesAt: number): Promise<string | undefined> {
    const notes = await this.deps.notes.of(roundId);
    if (notes.closing) return undefined;
    const at = this.deps.now();
    const end = Math.max(closesAt, notes.opened?.closesAt ?? 0);
    if (at < expiryOf(end)) return "it is not 12 hours after the round's end yet";
    await notes.add({ kind: "closing", at });
    return undefined;
  }

  /** Full returns, at a time when nothing else can be had any more. */
  private isPastClaims({ phase, open }: RoundState): boolean {
    const isVoid = phase.kind === "final" && phase.outcome.kind === "void";
    return isVoid && this.deps.now() >= expiryOf(open.closesAt);
  }

  private checkTime(notes: RoundNotes, { phase, open, head }: RoundState, isRenewal: boolean): void {
    const now = this.deps.now();
    if (head.at > now + TOLERANCE_MS)
      throw new AuditorRefusal("JOURNAL_BACKDATED", "the journal ends ahead of the auditor's clock");
    if (phase.kind !== "final" || isRenewal) return;
    const { outcome } = phase;
    const isOver = notes.closing || now >= expiryOf(open.closesAt);
    if (outcome.kind === "result" && isOver)
      throw new AuditorRefusal("ROUND_VOID", "12 hours after its end a round gets full returns only");
    if (
      outcome.kind === "void" &&
      outcome.reason === VOID_EXPIRED &&
      now + TOLERANCE_MS < expiryOf(open.closesAt)
    )
      throw new AuditorRefusal("JOURNAL_BACKDATED", "it is not 12 hours after the round's end yet");
  }

  private async checkHead(notes: RoundNotes, entries: readonly Entry[]): Promise<void> {
    const { head } = notes;
    if (head === undefined) return;
    const found = entries[head.seq - 1]?.hash;
    if (found === head.hash) return;
    const code = "JOURNAL_CONTRADICTS_HEAD";
    const reason =
      found === undefined
        ? `record ${head.seq} was signed and is gone`
        : `record ${head.seq} is not the one that was signed`;
    if (notes.flag === undefined) await notes.add({ kind: "flag", code, reason, at: this.deps.now() });
    throw new AuditorRefusal(code, reason);
  }

  private async checkClaims(notes: RoundNotes, entries: readonly Entry[]): Promise<void> {
    for (const { receipt } of [...notes.claims.values()]) {
      const { seq, hash } = receipt;
      if (entries[seq - 1]?.hash !== hash)
        throw new AuditorRefusal(
          "CLAIM_OPEN",
          `a player holds the server's receipt for a record ${seq} that the journal does not have`,
        );
      await notes.add({ kind: "answered", hash, at: this.deps.now() });
    }
  }

  /** M1: a deposit against which this auditor's chain knew nothing was not the operator's to drop. */
  private async checkDrops(notes: RoundNotes, entries: readonly Entry[], state: RoundState): Promise<void> {
    const dropped = droppedOutpoints(state);
    if (dropped.size === 0) return;
    const { record } = entries.find(({ record: { kind } }) => kind === "freeze" || kind === "void") ?? {};
    const at = record?.at ?? 0;
    await mapLimited([...dropped], PARALLEL, async (outpoint) => {
      if ((await this.deps.drops.standingOf(notes, outpoint, at)) === "good")
        throw new AuditorRefusal(
          "DEPOSIT_DROPPED_WRONGLY",
          `${outpoint} was dropped, but stood on the chain unharmed`,
        );
    });
  }
}
