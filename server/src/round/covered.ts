/**
 * What moderators decided, laid over what a round's archive and journal say (R12, C6). Owns: which words and pictures are left
 * out where. Does not own: what was decided (content). Results, sums and hashes stand as they are.
 */
import type { Entry } from "@meme-rounds/shared-schema/records";
import type { RoundDetail, Snapshot } from "@meme-rounds/shared-schema/rest";
import { decodeVoucher } from "@meme-rounds/shared-schema/voucher";
import type { StandingPort } from "./ports.ts";

type Standings = Awaited<ReturnType<StandingPort["standingOf"]>>;

/** The ids of a round's memes, also when only its winner is shown. */
export const memeIdsOf = (round: Pick<RoundDetail, "memesRanked">): string[] =>
  round.memesRanked.map(({ memeId }) => memeId);

const veiled = (standing: string | undefined): boolean => standing === "hidden" || standing === "reported";

/** A finished round's page without title, picture and model of what was taken down; blurred where that stands. */
export function covered(round: RoundDetail, standings: Standings): RoundDetail {
  const memesRanked = round.memesRanked.map((meme) => {
    const { blurred, takenDown, model, sculpture, ...rest } = meme;
    const standing = standings.get(meme.memeId);
    if (takenDown || standing === "taken") return { ...rest, title: "", image: "", takenDown: true };
    const isBlurred = veiled(standing) || (blurred === true && standing !== "shown");
    return {
      ...rest,
      ...(model ? { model } : {}),
      ...(sculpture ? { sculpture } : {}),
      ...(isBlurred ? { blurred: true } : {}),
    };
  });
  const { winner } = round;
  const isGone = winner !== undefined && standings.get(winner.memeId) === "taken";
  return { ...round, memesRanked, ...(isGone ? { winner: { ...winner, title: "", image: "" } } : {}) };
}

/** The live round's snapshot: up to a second old, and what was decided in that second counts. */
export function coveredSnapshot(snapshot: Snapshot, standings: Standings): Snapshot {
  if (standings.size === 0) return snapshot;
  const memes = snapshot.memes.map((meme) => {
    const standing = standings.get(meme.memeId);
    if (standing === "taken") return { ...meme, title: "", image: "", takenDown: true };
    return standing === "hidden" ? { ...meme, blurred: true } : meme;
  });
  return { ...snapshot, memes };
}

/** A journal without the titles of memes that were taken down, in it or since; its chain of hashes still verifies. */
export function withoutTitles(entries: readonly Entry[], taken: ReadonlySet<string>): Entry[] {
  const gone = new Set(taken);
  for (const { record } of entries) if (record.kind === "takedown") gone.add(record.body.memeId);
  return entries.map((entry) => {
    const { record } = entry;
    if (gone.size === 0 || record.kind !== "enter" || entry.private === undefined) return entry;
    const memeId = decodeVoucher(record.body.voucher)?.memeId;
    if (memeId === undefined || !gone.has(memeId)) return entry;
    const { private: _title, ...rest } = entry;
    return rest;
  });
}

/** The memes that a journal enters. */
export const enteredOf = (entries: readonly Entry[]): string[] =>
  entries.flatMap(({ record }) => {
    if (record.kind !== "enter") return [];
    const memeId = decodeVoucher(record.body.voucher)?.memeId;
    return memeId === undefined ? [] : [memeId];
  });
