/**
 * REST contracts about oneself (I6): terms, limits on play, one's data. Owns: schemas both sides import.
 * Does not own: routes or handlers, profiles (rest.ts).
 */
import { z } from "zod";

const sats = z.number().int().nonnegative();
const ms = z.number().int();

/** Which terms are in force, and which version this person accepted last; 0 is none. */
export const termsOfUserSchema = z.strictObject({
  version: z.number().int().positive(),
  accepted: z.number().int().nonnegative(),
});
export const termsAnswer = z.strictObject({
  version: z.number().int().positive(),
  /** Years. */
  minAge: z.number().int(),
  /** Paths of the pages that show them. */
  terms: z.string(),
  privacy: z.string(),
});
export const consentBody = z.strictObject({
  version: z.number().int().positive(),
  /** Says that the person is of the age the terms ask for. */
  adult: z.literal(true),
});

/** The most a deposit limit may be, sat: all coins there are. */
const MAX_SATS = 2_100_000_000_000_000;
/** The shortest and longest cool-off, hours. */
export const COOL_OFF_HOURS = { min: 1, max: 30 * 24 } as const;
/** The shortest self-exclusion, and the longest that ends, days. */
export const EXCLUSION_DAYS = { min: 30, max: 3_650 } as const;

/** I6: what a person may do to bound their own play. Several at once are carried out together. */
export const playLimitsBody = z
  .strictObject({
    /** Most sat deposited in any 24 h; null lifts it. Lower counts at once, higher or none after 24 h. */
    depositPerDaySats: sats.max(MAX_SATS).nullable().optional(),
    /** No deposits, entries and boosts for so long from now; a running one is never shortened. */
    coolOffHours: z.number().int().min(COOL_OFF_HOURS.min).max(COOL_OFF_HOURS.max).optional(),
    /** The same and no place in the room; it cannot be lifted. */
    selfExclusion: z
      .strictObject({
        days: z.union([
          z.number().int().min(EXCLUSION_DAYS.min).max(EXCLUSION_DAYS.max),
          z.literal("forever"),
        ]),
        confirm: z.literal("exclude me"),
      })
      .optional(),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), "nothing to change");
export type PlayLimitsWish = z.output<typeof playLimitsBody>;

export const playLimitsAnswer = z.strictObject({
  /** sat in any 24 h; null is no limit. */
  depositPerDaySats: sats.nullable(),
  /** A higher limit, or none, that counts from `from` on. */
  next: z.strictObject({ depositPerDaySats: sats.nullable(), from: ms }).optional(),
  /** sat deposited in the last 24 h, as the limit counts them. */
  depositedSats: sats,
  coolOffUntil: ms.optional(),
  excludedUntil: z.union([ms, z.literal("forever")]).optional(),
});
export type PlayLimits = z.output<typeof playLimitsAnswer>;

/** GET /me/export: a file for people and programs; the parts are named by the services that keep them. */
export const exportAnswer = z.object({
  format: z.literal("meme-rounds-export"),
  version: z.literal(1),
  madeAt: ms,
  identity: z.string(),
  playKeys: z.array(z.string()),
  parts: z.record(z.string(), z.unknown()),
});

export const deleteMeBody = z.strictObject({ confirm: z.literal("delete") });
export const deletedAnswer = z.strictObject({
  ok: z.literal(true),
  /** What was deleted, by the names of the export's parts. */
  removed: z.array(z.string()),
  /** What stays, and why. */
  kept: z.array(z.strictObject({ what: z.string(), why: z.string() })),
});
export type Deleted = z.output<typeof deletedAnswer>;
