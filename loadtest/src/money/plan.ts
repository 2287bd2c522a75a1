/**
 * What a player will do in a round, drawn from the seed before it begins. Owns: the mix of good, odd and bad behaviour.
 * Does not own: doing it (soaker.ts). Pure.
 */
import type { Random } from "./random.ts";

/** Deposits that must be refused, each in its own way; `late` may be either. */
export type DepositTwist = "none" | "late" | "low" | "high" | "foreign" | "garbage";
/** Vouchers that must be refused. */
export type BoostTwist = "none" | "forged" | "overspend" | "stale" | "foreign";

export type Act =
  | { at: number; kind: "deposit"; sats: number; twist: DepositTwist; from: "purse" | "winnings" }
  | { at: number; kind: "enter" }
  | { at: number; kind: "boost"; sats: number; pick: number; twist: BoostTwist }
  /**
   * Spends the first deposit's coin again, after it was accepted: miners prefer that at once, or only when blocks are
   * replaced, which may be long after the round was paid out.
   */
  | { at: number; kind: "cheat"; how: "at once" | "by a reorganisation" };

export interface RoundShape {
  /** ms. */
  roundMs: number;
  depositCloseMs: number;
  isEntrant: boolean;
  isCheat: boolean;
  /** Of the cheats, those who wait for a reorganisation, 0..1. */
  reorgCheats: number;
}

const IDLE = 0.15;
const SECOND_DEPOSIT = 0.1;
const BAD_DEPOSIT = 0.12;
const BAD_BOOST = 0.1;
const LARGE_DEPOSIT = 0.1;
/** Deposits out of what an earlier round paid: they hang on a settlement that may be made again. */
const FROM_WINNINGS = 0.3;
/** A cheat's second deposit hangs on its first, and dies with it. */
const CHEAT_CHAIN = 0.5;
const BAD_DEPOSITS: readonly DepositTwist[] = ["late", "low", "high", "foreign", "garbage"];
const BAD_BOOSTS: readonly BoostTwist[] = ["forged", "overspend", "stale", "foreign"];

/** Over 20,000 sat the server waits for two broadcasters and 5 s (M1). */
function depositSats(random: Random): number {
  return random.chance(LARGE_DEPOSIT) ? random.int(20_001, 60_000) : random.int(1_500, 20_000);
}

function deposit(random: Random, at: number, twist: DepositTwist = "none"): Act {
  const from = random.chance(FROM_WINNINGS) ? "winnings" : "purse";
  return { at, kind: "deposit", sats: depositSats(random), twist, from };
}

/** Acts in the order of their time, ms from the round's opening. */
export function planRound(random: Random, shape: RoundShape): Act[] {
  const { roundMs, depositCloseMs, isEntrant, isCheat } = shape;
  if (!isEntrant && !isCheat && random.chance(IDLE)) return [];
  const acts: Act[] = [];
  const last = roundMs - depositCloseMs;
  // A cheat comes late: its coin should still be unmined when the round is frozen.
  const arrives = isEntrant
    ? random.int(300, 1_500)
    : isCheat
      ? random.int(Math.floor(last / 2), last - 1_500)
      : random.int(500, Math.max(1_000, last - 4_000));
  acts.push(deposit(random, arrives));
  if (isEntrant) acts.push({ at: arrives + 1, kind: "enter" });
  if (random.chance(isCheat ? CHEAT_CHAIN : SECOND_DEPOSIT))
    acts.push(deposit(random, random.int(arrives, last)));
  if (random.chance(BAD_DEPOSIT)) {
    const twist = random.pick(BAD_DEPOSITS);
    const at = twist === "late" ? random.int(last - 1_500, last + 1_500) : random.int(arrives, last);
    acts.push(deposit(random, at, twist));
  }
  for (let left = random.int(1, 5); left > 0; left--)
    acts.push({
      at: random.int(arrives + 500, roundMs - 100),
      kind: "boost",
      sats: random.int(10, 900),
      pick: random.next(),
      twist: random.chance(BAD_BOOST) ? random.pick(BAD_BOOSTS) : "none",
    });
  // Before the close, at the freeze, or after it: dropped in the first cases, lost in the last.
  if (isCheat) {
    const how = random.chance(shape.reorgCheats) ? "by a reorganisation" : "at once";
    acts.push({ at: random.int(last, roundMs + 4_000), kind: "cheat", how });
  }
  return acts.sort((left, right) => left.at - right.at);
}
