/**
 * The numbers a round is judged by (E11) and the clock that follows from them (R2, R3).
 * Owns: the rules' shape and defaults, entry price, phase of the clock, ids made from time. Pure.
 */
import { z } from "zod";

const sats = z.number().int().nonnegative();
const bps = z.number().int().min(0).max(10_000);

export const rulesSchema = z.strictObject({
  /** Round length T, ms (R3). */
  roundMs: z.number().int().min(20_000),
  /** Length of the blind phase at the end, ms (R3). */
  blindMs: z.number().int().positive(),
  /** Deposits close this long before the round, ms (R7). */
  depositCloseMs: z.number().int().nonnegative(),
  entrySats: sats,
  /** The entry price doubles after this many entries (E1). */
  entryDoublesAfter: z.number().int().positive(),
  minBoostSats: z.number().int().positive(),
  maxEntriesPerPlayer: z.number().int().positive(),
  maxMemes: z.number().int().positive(),
  /** Perceptual-hash distance at or under which a meme is a duplicate (R7). */
  duplicateDistance: z.number().int().nonnegative(),
  feeBps: bps,
  carryBps: bps,
  releaseBps: bps,
  creatorBps: bps,
  minPayoutSats: sats,
  seatFeeSats: sats,
  minDepositSats: sats,
  maxDepositSats: sats,
  /** Refund deadline after the close, s (M2). */
  refundAfterS: z.number().int().positive(),
});
export type Rules = z.infer<typeof rulesSchema>;

/** E12: what it costs to bring one player's coins home. feeSatPerKb in sat/KB. */
export const seatFeeOf = (feeSatPerKb: number): number => Math.ceil((300 * feeSatPerKb) / 1000);

/** The rules of design.md section 4 for a round of `roundSeconds` at a fee rate in sat/KB. */
export function defaultRules(roundSeconds: number, feeSatPerKb: number): Rules {
  return {
    roundMs: roundSeconds * 1000,
    blindMs: Math.round(roundSeconds * 50),
    depositCloseMs: 5_000,
    entrySats: 1_000,
    entryDoublesAfter: 50,
    minBoostSats: 10,
    maxEntriesPerPlayer: 1,
    maxMemes: 200,
    duplicateDistance: 6,
    feeBps: 200,
    carryBps: 500,
    releaseBps: 500,
    creatorBps: 2_500,
    minPayoutSats: 10,
    seatFeeSats: seatFeeOf(feeSatPerKb),
    minDepositSats: 1_000,
    maxDepositSats: 100_000,
    refundAfterS: 86_400,
  };
}

/** E1: price in sat of the next entry after `entries` entries. */
export const entryPrice = (rules: Rules, entries: number): number =>
  rules.entrySats * 2 ** Math.floor(entries / rules.entryDoublesAfter);

/** The clock of a round, ms since the unix epoch. */
export interface RoundTimes {
  opensAt: number;
  blindAt: number;
  closesAt: number;
}

/** R3: slots start on multiples of the round length since the epoch. */
export function timesOfSlot(rules: Rules, now: number): RoundTimes {
  const opensAt = Math.floor(now / rules.roundMs) * rules.roundMs;
  return { opensAt, blindAt: opensAt + rules.roundMs - rules.blindMs, closesAt: opensAt + rules.roundMs };
}

export const roundIdOf = (arena: string, opensAt: number): string => `${arena}-${opensAt / 1000}`;

/** M2: the refund deadline, unix s. */
export const deadlineOf = (rules: Rules, closesAt: number): number =>
  Math.floor(closesAt / 1000) + rules.refundAfterS;

/** M4: so long after its end, ms, a round that no settlement was signed for is voided. */
export const VOID_AFTER_MS = 43_200_000;

/** M4: from this moment on, ms, the round can only be voided. */
export const expiryOf = (closesAt: number): number => closesAt + VOID_AFTER_MS;

/** R2: what the clock alone says. Effects are the room's `tick(now)`. */
export function clockPhase(times: RoundTimes, now: number): "open" | "blind" | "over" {
  if (now < times.blindAt) return "open";
  return now < times.closesAt ? "blind" : "over";
}
