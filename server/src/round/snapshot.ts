/** The public snapshot of a live round (protocol.md 9) and its archived form. Owns: both shapes, made from state. */
import { entryIdOf } from "@meme-rounds/shared-schema/escrow";
import { livePot, rankMemes, summaryOf } from "@meme-rounds/shared-schema/payout";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { deadlineOf } from "@meme-rounds/shared-schema/rules";
import type { RoundView } from "@meme-rounds/shared-schema/sync-state";
import type { ArchivedRound } from "./directory.ts";
import { isBlurred } from "./projection.ts";

/** Numbers come from the view, which already keeps what must not be seen: not yet durable (R4), or dark (R6). */
export function snapshotOf(
  view: RoundView,
  { open }: Readonly<Pick<RoundState, "open">>,
  roomId: string,
  auditorHeadKey: string,
): Snapshot {
  const { rules } = open;
  return {
    roundId: open.roundId,
    roundTag: view.roundTag,
    roomId,
    arena: open.arena,
    network: open.network,
    operatorKey: open.operatorKey,
    auditorKey: open.auditorKey,
    receiptKey: open.receiptKey,
    auditorHeadKey,
    entryId: entryIdOf(open.network, open.roundId),
    deadline: deadlineOf(rules, open.closesAt),
    seatFee: rules.seatFeeSats,
    entryPrice: view.entryPrice,
    minDeposit: rules.minDepositSats,
    maxDeposit: rules.maxDepositSats,
    minBoost: rules.minBoostSats,
    opensAt: open.opensAt,
    blindAt: open.blindAt,
    closesAt: open.closesAt,
    depositsCloseAt: open.closesAt - rules.depositCloseMs,
    phase: view.phase,
    serverTime: view.serverTime,
    pot: view.pot,
    carryIn: view.carryIn,
    players: view.players,
    spectators: view.spectators,
    memes: [...view.memes.values()].map((meme) => ({
      memeId: meme.memeId,
      title: meme.title,
      image: meme.image,
      boostSats: meme.boostSats,
      backers: meme.backers,
      rank: meme.rank,
      order: meme.order,
      blurred: meme.blurred,
      ...(meme.takenDown ? { takenDown: true } : {}),
    })),
  };
}

/** A finished round as the archive keeps it. Creators are absent where the round was voided (R6). */
export function archivedOf(state: RoundState): ArchivedRound {
  if (state.phase.kind !== "final") throw new Error(`round ${state.open.roundId} is not final`);
  const { outcome } = state.phase;
  const summary = summaryOf(state);
  const ranked = rankMemes(state);
  const unranked = [...state.memes.values()].filter((meme) => !ranked.includes(meme));
  const winners = summary.kind === "result" ? summary.winners : [];
  const best = state.memes.get(winners[0] ?? "");
  return {
    roundId: state.open.roundId,
    arena: state.open.arena,
    opensAt: state.open.opensAt,
    closesAt: state.open.closesAt,
    outcome: outcome.kind === "void" ? "voided" : "closed",
    ...(outcome.kind === "void" ? { reason: outcome.reason } : {}),
    pot: summary.kind === "result" ? summary.pot : livePot(state),
    players: state.players.size,
    memes: state.memes.size,
    ...(best
      ? { winner: { memeId: best.memeId, title: best.title ?? "", image: `/media/${best.memeId}` } }
      : {}),
    journalHash: state.head.hash,
    memesRanked: [...ranked, ...unranked].map((meme, index) => ({
      memeId: meme.memeId,
      // C6: what was taken down while the round was live stays out of sight, whatever else is lost.
      title: meme.takenDown ? "" : (meme.title ?? ""),
      image: meme.takenDown ? "" : `/media/${meme.memeId}`,
      rank: index < ranked.length ? index + 1 : 0,
      winner: winners.includes(meme.memeId),
      boostSats: meme.boostSats,
      backers: meme.backers.size,
      ...(outcome.kind === "void" ? {} : { creator: meme.playKey }),
      ...(isBlurred(meme) ? { blurred: true } : {}),
      ...(meme.takenDown ? { takenDown: true } : {}),
    })),
    payouts:
      outcome.kind === "void"
        ? outcome.returned.map(({ playKey, sats }) => ({ playKey, won: 0, returned: sats }))
        : outcome.result.payouts,
    fee: outcome.kind === "void" ? 0 : outcome.result.fee,
    seatFees: outcome.kind === "void" ? 0 : outcome.result.seatFees,
    carryIn: state.carryIn,
    // E10: what came in moves on.
    carryOut: outcome.kind === "void" ? state.carryIn : outcome.result.carryOut,
  };
}
