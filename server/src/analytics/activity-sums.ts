/**
 * What each identity did in a finished round, in sat. Owns: these sums, made from the journal's end. Pure.
 * Does not own: where they are kept (activity.ts), who gets what (shared-schema payout.ts).
 */
import { droppedOutpoints, outpointOf } from "@meme-rounds/shared-schema/payout";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import type { FinishedRound } from "./board.ts";

/** One play key in one round; sat. deposited = staked + seatFees + returned. */
export interface KeyActivity {
  playKey: string;
  /** Dropped deposits (M1) are not in it: nobody took them. */
  deposited: number;
  /** Entries and boosts that counted: nothing of a round that was voided, of a void voucher, on a void meme. */
  staked: number;
  seatFees: number;
  won: number;
  returned: number;
}

/** One identity in one round. */
export interface IdentityActivity {
  keys: KeyActivity[];
  /** memeIds it entered. */
  memes: string[];
}

export interface RoundActivity {
  roundId: string;
  arena: string;
  /** ms. */
  opensAt: number;
  closesAt: number;
  outcome: "closed" | "voided";
  /** By identity. */
  players: Map<string, IdentityActivity>;
}

/** Throws when the round is not final. */
export function activityOf(state: RoundState): RoundActivity {
  const { open, phase } = state;
  if (phase.kind !== "final") throw new Error(`round ${open.roundId} is not final`);
  const { outcome } = phase;
  const isVoid = outcome.kind === "void";
  const paid = new Map(
    isVoid
      ? outcome.returned.map(({ playKey, sats }) => [playKey, { won: 0, returned: sats }])
      : outcome.result.payouts.map(({ playKey, won, returned }) => [playKey, { won, returned }]),
  );
  const dropped = droppedOutpoints(state);
  const players: RoundActivity["players"] = new Map();
  for (const { playKey, identity, deposits, entries } of state.players.values()) {
    const { won, returned } = paid.get(playKey) ?? { won: 0, returned: 0 };
    const taken = deposits.filter((deposit) => !dropped.has(outpointOf(deposit)));
    const deposited = taken.reduce((sum, { sats }) => sum + sats, 0);
    const seatFees = isVoid ? 0 : taken.length * open.rules.seatFeeSats;
    const mine = players.get(identity) ?? { keys: [], memes: [] };
    mine.keys.push({ playKey, deposited, staked: deposited - seatFees - returned, seatFees, won, returned });
    mine.memes.push(...entries);
    players.set(identity, mine);
  }
  const { roundId, arena, opensAt, closesAt } = open;
  return { roundId, arena, opensAt, closesAt, outcome: isVoid ? "voided" : "closed", players };
}

/**
 * M6: a voided round of which the chain has no journal: what came back to play keys whose identity is known. Its memes
 * are on no chain.
 */
export function activityOfVoid(
  round: FinishedRound & { opensAt: number },
  ownerOf: ReadonlyMap<string, string>,
): RoundActivity {
  const players: RoundActivity["players"] = new Map();
  for (const { playKey, returned } of round.payouts) {
    const identity = ownerOf.get(playKey);
    if (identity === undefined) continue;
    const mine = players.get(identity) ?? { keys: [], memes: [] };
    mine.keys.push({ playKey, deposited: returned, staked: 0, seatFees: 0, won: 0, returned });
    players.set(identity, mine);
  }
  const { roundId, arena, opensAt, closesAt } = round;
  return { roundId, arena, opensAt, closesAt, outcome: "voided", players };
}
