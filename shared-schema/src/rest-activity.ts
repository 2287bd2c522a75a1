/**
 * REST contracts of a player's dashboard: what one has played, and what came of it. Owns: schemas both sides import.
 * Does not own: routes or handlers, profiles (rest.ts), limits and one's data (rest-me.ts).
 */
import { z } from "zod";
import { hash32, playKeySchema } from "./records.ts";
import { modelSchema } from "./rest-content.ts";

const sats = z.number().int().nonnegative();
const signed = z.number().int();
const ms = z.number().int();

/** A meme of one's own in a round. Title and image are empty once it was taken down (C6). */
const ownMemeSchema = z.strictObject({
  memeId: hash32,
  title: z.string(),
  image: z.string(),
  /** 0: not ranked, as in a round that was voided. */
  rank: z.number().int().nonnegative(),
  winner: z.boolean(),
  boostSats: sats,
  backers: z.number().int().nonnegative(),
  takenDown: z.boolean().optional(),
  model: modelSchema.optional(),
});

/** One round as one play key played it: net = payout - deposited, payout = won + returned (E8, E10). */
const activityRoundSchema = z.strictObject({
  roundId: z.string(),
  opensAt: ms,
  closesAt: ms,
  outcome: z.enum(["closed", "voided"]),
  playKey: playKeySchema,
  /** What the round took in: deposits dropped at the freeze (M1) are not in it. */
  depositedSats: sats,
  /** Entries and boosts that counted. */
  stakedSats: sats,
  seatFeeSats: sats,
  wonSats: sats,
  returnedSats: sats,
  payoutSats: sats,
  netSats: signed,
  /** The settlement; empty until it is on its way. */
  txids: z.array(hash32),
  memes: z.array(ownMemeSchema),
});
export type ActivityRound = z.output<typeof activityRoundSchema>;

/** Over all rounds ever, those that are no longer listed too; sat. */
const activityTotalsSchema = z.strictObject({
  rounds: z.number().int().nonnegative(),
  voided: z.number().int().nonnegative(),
  depositedSats: sats,
  stakedSats: sats,
  seatFeeSats: sats,
  wonSats: sats,
  returnedSats: sats,
  netSats: signed,
});
export type ActivityTotals = z.output<typeof activityTotalsSchema>;

/** Net of the rounds over time, oldest first; a point is a round, or several next to each other. */
const earningsSchema = z.strictObject({
  /** Net of the rounds before the first point, sat. */
  beforeSats: signed,
  points: z.array(z.strictObject({ at: ms, netSats: signed, rounds: z.number().int().positive() })),
});
export type Earnings = z.output<typeof earningsSchema>;

/** `cursor` is what the answer before gave as `next`. */
export const activityQuery = z.object({ cursor: z.string().min(1).max(64).optional() });
export const activityAnswer = z.strictObject({
  /** Newest first. */
  rounds: z.array(activityRoundSchema),
  totals: activityTotalsSchema,
  /** On the first page only. */
  earnings: earningsSchema.optional(),
  next: z.string().optional(),
});
export type Activity = z.output<typeof activityAnswer>;
