/**
 * What the dashboard shows of somebody's rounds. Owns: putting a round's sums beside its memes, and the points of the
 * earnings over time. Pure. Does not own: either of the two, keeping them.
 */
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import type { ActivityRound, ActivityTotals, Earnings } from "@meme-rounds/shared-schema/rest-activity";
import type { PlayedRound, PlayedTotals } from "./activity.ts";
import type { KeyActivity } from "./activity-sums.ts";

/** Points of the chart at most. */
const MAX_POINTS = 400;

const netOf = ({ deposited, won, returned }: Pick<KeyActivity, "deposited" | "won" | "returned">): number =>
  won + returned - deposited;

/** One entry per play key. Without the round's `detail` its memes have no names yet. */
export function entriesOf(round: PlayedRound, detail: RoundDetail | undefined): ActivityRound[] {
  const { roundId, opensAt, closesAt, outcome } = round;
  const ranked = new Map((detail?.memesRanked ?? []).map((meme) => [meme.memeId, meme]));
  const memes = round.memes.map((memeId): ActivityRound["memes"][number] => {
    const meme = ranked.get(memeId);
    if (meme === undefined)
      return { memeId, title: "", image: "", rank: 0, winner: false, boostSats: 0, backers: 0 };
    const { title, image, rank, winner, boostSats, backers, takenDown, model } = meme;
    const shown = { memeId, title, image, rank, winner, boostSats, backers };
    return { ...shown, ...(takenDown ? { takenDown } : {}), ...(model ? { model } : {}) };
  });
  return round.keys.map((key, at) => ({
    roundId,
    opensAt,
    closesAt,
    outcome,
    playKey: key.playKey,
    depositedSats: key.deposited,
    stakedSats: key.staked,
    seatFeeSats: key.seatFees,
    wonSats: key.won,
    returnedSats: key.returned,
    payoutSats: key.won + key.returned,
    netSats: netOf(key),
    txids: detail?.txids ?? [],
    // Memes belong to the identity: they stand once, with its first key.
    memes: at === 0 ? memes : [],
  }));
}

export const totalsOf = (totals: PlayedTotals): ActivityTotals => ({
  rounds: totals.rounds,
  voided: totals.voided,
  depositedSats: totals.deposited,
  stakedSats: totals.staked,
  seatFeeSats: totals.seatFees,
  wonSats: totals.won,
  returnedSats: totals.returned,
  netSats: netOf(totals),
});

/** `rounds` oldest first: as many points as rounds, up to 400; beyond that neighbours share one. */
export function earningsOf(rounds: readonly PlayedRound[], totals: PlayedTotals): Earnings {
  const nets = rounds.map(({ keys }) => keys.reduce((sum, key) => sum + netOf(key), 0));
  const perPoint = Math.max(1, Math.ceil(rounds.length / MAX_POINTS));
  const points: Earnings["points"] = [];
  for (let from = 0; from < rounds.length; from += perPoint) {
    const some = nets.slice(from, from + perPoint);
    const last = rounds[from + some.length - 1];
    const netSats = some.reduce((sum, net) => sum + net, 0);
    if (last !== undefined) points.push({ at: last.closesAt, netSats, rounds: some.length });
  }
  const shown = nets.reduce((sum, net) => sum + net, 0);
  return { beforeSats: netOf(totals) - shown, points };
}
