/**
 * What the classifier's numbers mean (C2). Owns: the thresholds' shape and the verdict they give.
 * Does not own: where the numbers come from, what the thresholds are set to (config.ts; docs/MODERATION.md says why).
 */
import { z } from "zod";

/** Probabilities 0..1 that add up to 1. */
export const nsfwScores = z.object({
  drawing: z.number().min(0).max(1.001),
  hentai: z.number().min(0).max(1.001),
  neutral: z.number().min(0).max(1.001),
  porn: z.number().min(0).max(1.001),
  sexy: z.number().min(0).max(1.001),
});
export type NsfwScores = z.output<typeof nsfwScores>;

export type Verdict = "approved" | "review" | "rejected";

/** 0..1 each. `porn + hentai` is compared with the first two, `porn + hentai + sexy` with the third. */
export interface NsfwThresholds {
  /** At or above: rejected. */
  rejectExplicit: number;
  /** At or above: a moderator decides. */
  reviewExplicit: number;
  /** The same for the suggestive, which memes may be up to a point. */
  reviewSuggestive: number;
}

/** C2: the verdict on one picture's scores. A score that is no number counts as a picture nobody has looked at. */
export function isUnsafe(scores: NsfwScores, thresholds: NsfwThresholds): Verdict {
  const explicit = scores.porn + scores.hentai;
  const suggestive = explicit + scores.sexy;
  if (!Number.isFinite(suggestive)) return "review";
  if (explicit >= thresholds.rejectExplicit) return "rejected";
  if (explicit >= thresholds.reviewExplicit || suggestive >= thresholds.reviewSuggestive) return "review";
  return "approved";
}

const unsafety = ({ porn, hentai, sexy }: NsfwScores): number => (porn + hentai) * 2 + sexy;

/** Of several views of one picture, the one that speaks most against it. Throws RangeError for none. */
export function worstOf(views: readonly NsfwScores[]): NsfwScores {
  const [first, ...others] = views;
  if (first === undefined) throw new RangeError("No view of the picture was scored.");
  return others.reduce((worst, one) => (unsafety(one) > unsafety(worst) ? one : worst), first);
}
