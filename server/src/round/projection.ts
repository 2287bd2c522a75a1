/**
 * What of a round is public, and when (R6). Owns: filling RoundView from RoundState.
 * Does not own: the state, nor sending it. While the round is blind the numbers keep their last open value;
 * creators are named only once settling begins, and never in a voided round.
 */

import { liveStandings, summaryOf } from "@meme-rounds/shared-schema/payout";
import type { SignedHead } from "@meme-rounds/shared-schema/receipt";
import type { BodyOf, RecordKind } from "@meme-rounds/shared-schema/records";
import type { MemeState, RoundState } from "@meme-rounds/shared-schema/round-state";
import { entryPrice } from "@meme-rounds/shared-schema/rules";
import {
  MemeView,
  ModelView,
  PayoutView,
  ResultView,
  type RoundView,
} from "@meme-rounds/shared-schema/sync-state";

/** Fields that never change after record 1. */
export function projectOpening(view: RoundView, state: RoundState): void {
  const { open } = state;
  view.roundId = open.roundId;
  view.roundTag = state.roundTag;
  view.arena = open.arena;
  view.opensAt = open.opensAt;
  view.blindAt = open.blindAt;
  view.closesAt = open.closesAt;
  view.seatFee = open.rules.seatFeeSats;
  view.carryIn = state.carryIn;
}

type Payout = BodyOf<"result">["payouts"][number];

const number = (score: bigint): number => Number(score / 1000n);

/** R12: hidden by a moderator, or reported and not looked at yet. */
export const isBlurred = (meme: MemeState): boolean =>
  meme.hidden || (meme.reports.size > 0 && !meme.cleared);

function projectMeme(view: RoundView, meme: MemeState): MemeView {
  const had = view.memes.get(meme.memeId);
  const one = had ?? new MemeView();
  if (!had) {
    one.memeId = meme.memeId;
    one.image = `/media/${meme.memeId}`;
    one.order = meme.order;
    view.memes.set(meme.memeId, one);
  }
  one.title = meme.title ?? "";
  one.blurred = isBlurred(meme);
  one.takenDown = meme.takenDown;
  if (meme.takenDown) {
    one.title = "";
    one.image = "";
  }
  return one;
}

/** C6: title, picture and model of a meme leave, also when the round is too far on for its takedown (R12). */
export function projectTakenDown(view: RoundView, state: RoundState, memeId: string): void {
  delete state.memes.get(memeId)?.title;
  const one = view.memes.get(memeId);
  if (!one) return;
  one.title = "";
  one.image = "";
  delete one.model;
}

/** M4: the auditor's word on how far the journal is; the room adds nothing of its own to it. */
export function projectHead(view: RoundView, head: SignedHead): void {
  const { journalHead } = view;
  journalHead.seq = head.seq;
  journalHead.hash = head.hash;
  journalHead.auditorTime = head.auditorTime;
  journalHead.sig = head.sig;
}

/** The numbers that stand still while the round is blind (R6). */
export interface Standings {
  players: number;
  /** sat. */
  pot: number;
  entryPrice: number;
  memes: ReadonlyMap<string, Pick<MemeView, "boostSats" | "score" | "backers" | "rank">>;
}

/** What the numbers are now. */
export function standingsOf(state: RoundState): Standings {
  const { pot, ranked } = liveStandings(state);
  const ranks = new Map(ranked.map((meme, index) => [meme, index + 1]));
  const memes = new Map<string, Pick<MemeView, "boostSats" | "score" | "backers" | "rank">>();
  for (const meme of state.memes.values())
    memes.set(meme.memeId, {
      boostSats: meme.boostSats,
      score: number(meme.score),
      backers: meme.backers.size,
      rank: ranks.get(meme) ?? 0,
    });
  return {
    players: state.players.size,
    pot,
    entryPrice: entryPrice(state.open.rules, state.memes.size),
    memes,
  };
}

function projectStandings(view: RoundView, standings: Standings): void {
  view.players = standings.players;
  view.pot = standings.pot;
  view.entryPrice = standings.entryPrice;
  for (const [memeId, { boostSats, score, backers, rank }] of standings.memes) {
    const one = view.memes.get(memeId);
    if (!one) continue;
    one.boostSats = boostSats;
    one.score = score;
    one.backers = backers;
    one.rank = rank;
  }
}

/**
 * Brings the public state up to date as of `now` (ms). While the round is blind the numbers stay as they are shown, or
 * become `frozen`: what they were when the scoreboard went dark (R6). Entries, titles and the phase always follow.
 */
export function project(view: RoundView, state: RoundState, now: number, frozen?: Standings): void {
  const phase = state.phase.kind;
  view.serverTime = now;
  if (phase !== "final") view.phase = phase;
  for (const meme of state.memes.values()) projectMeme(view, meme);
  if (phase !== "blind") projectStandings(view, standingsOf(state));
  else if (frozen !== undefined) projectStandings(view, frozen);
}

/**
 * Whether a record changes what everybody sees, `phase` being the round's after it. Chat is not part of the state; while
 * the round is blind a patch after a boost would tell when somebody boosts (R6).
 */
export function isShown(kind: RecordKind, phase: RoundState["phase"]["kind"]): boolean {
  if (kind === "chat") return false;
  return phase !== "blind" || (kind !== "boost" && kind !== "deposit");
}

/** After the journal's last record: outcome, payouts and, unless voided, who made what. */
export function projectOutcome(view: RoundView, state: RoundState): void {
  if (state.phase.kind !== "final") return;
  const { outcome } = state.phase;
  const result = view.result ?? new ResultView();
  result.outcome = outcome.kind === "void" ? "voided" : "closed";
  if (outcome.kind === "void") {
    view.phase = "voided";
    result.reason = outcome.reason;
  } else {
    if (view.phase !== "closed") view.phase = "settling";
    revealCreators(view, state);
    const { ranking, payouts, fee, seatFees, carryOut } = outcome.result;
    result.ranking.clear();
    result.ranking.push(...ranking);
    result.payouts.clear();
    for (const payout of largest(payouts)) {
      const one = new PayoutView();
      one.playKey = payout.playKey;
      one.won = payout.won;
      one.returned = payout.returned;
      result.payouts.push(one);
    }
    result.fee = fee;
    result.seatFees = seatFees;
    result.carryOut = carryOut;
    result.winners = winnersOf(state).length;
  }
  if (!view.result) view.result = result;
}

function revealCreators(view: RoundView, state: RoundState): void {
  for (const meme of state.memes.values()) {
    const one = view.memes.get(meme.memeId);
    if (one) one.creator = meme.playKey;
  }
}

/** Everybody gets the state: 10,000 payouts in it would be a megabyte for each of 100,000 spectators. */
export const SHOWN_PAYOUTS = 200;

/** All payouts of most rounds, the largest winnings of a very large one; all are in the archive. */
const largest = (payouts: readonly Payout[]): Payout[] =>
  payouts.toSorted((a, b) => b.won - a.won).slice(0, SHOWN_PAYOUTS);

/** memeIds of the winners of a finished round, best first; none when it was voided. */
export function winnersOf(state: RoundState): string[] {
  const summary = summaryOf(state);
  return summary.kind === "result" ? summary.winners : [];
}

/** A winner's model, as the content worker tells of it. */
export interface FinishedModel {
  memeId: string;
  glb: string;
  poster: string;
  turntable: string;
  provider: string;
}

/** One more of a round's winners has its model (C3). */
export function projectModel(view: RoundView, model: FinishedModel): void {
  const meme = view.memes.get(model.memeId);
  if (meme) {
    const shown = new ModelView();
    shown.glb = model.glb;
    shown.poster = model.poster;
    shown.turntable = model.turntable;
    shown.provider = model.provider;
    meme.model = shown;
  }
  if (view.result) view.result.sculpted += 1;
}
