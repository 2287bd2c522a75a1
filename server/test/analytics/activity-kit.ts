/** Rounds whose players are known, for tests of what players did in them. Holds no assertion. */
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import fc from "fast-check";
import { actor, memeIdOf, TestRound, txidOf } from "../../../shared-schema/test/support/round.ts";

/** Ann plays with two keys, bob and cid with one each. */
export const annOne = actor("ann one", "ann");
export const annTwo = actor("ann two", "ann");
export const [bob, cid] = [actor("bob"), actor("cid")];
export const cast = [annOne, annTwo, bob, cid];

interface Script {
  sats: number[];
  boosts: { who: number; meme: number; sats: number; at: number }[];
  dropped: number[];
  memes: number;
}
export const scripts: fc.Arbitrary<Script> = fc.record({
  sats: fc.array(fc.integer({ min: 2_000, max: 60_000 }), { minLength: 4, maxLength: 4 }),
  boosts: fc.array(
    fc.record({
      who: fc.nat(3),
      meme: fc.nat(2),
      sats: fc.integer({ min: 100, max: 9_000 }),
      at: fc.nat(500_000),
    }),
    { maxLength: 12 },
  ),
  dropped: fc.uniqueArray(fc.nat(3), { maxLength: 2 }),
  memes: fc.nat(3),
});

/** A whole round; what the rules refuse simply does not happen. */
export function play({ sats, boosts, dropped, memes }: Script): RoundState {
  const round = new TestRound();
  for (const [at, who] of cast.entries()) {
    round.must(round.deposit(who, sats[at] ?? 0, `first ${at}`));
    round.try(round.deposit(who, 5_000, `second ${at}`));
  }
  // Ann has none of hers in the first one: the entry is her second key's.
  for (const [at, who] of [annTwo, bob, cid].slice(0, memes).entries()) round.try(round.enter(who, `m${at}`));
  for (const { who, meme, sats: boost, at } of [...boosts].sort((a, b) => a.at - b.at)) {
    const player = cast[who];
    round.at(1_000 + at);
    if (player && round.state.memes.has(memeIdOf(`m${meme}`)))
      round.try(round.boost(player, `m${meme}`, boost));
  }
  return round.end(dropped.map((at) => `${txidOf(`first ${at}`)}:0`)).state;
}

/** Everybody gets something, bob and cid have a meme each, ann one by her second key. */
export const simple = (): RoundState =>
  play({
    sats: [10_000, 20_000, 30_000, 40_000],
    boosts: [
      { who: 0, meme: 1, sats: 3_000, at: 10 },
      { who: 2, meme: 0, sats: 2_000, at: 20 },
    ],
    dropped: [],
    memes: 3,
  });
/** A round of bob alone who put in 1,000 sat and made `net`. */
export const played = (
  roundId: string,
  at: number,
  net: number,
  outcome: "closed" | "voided" = "closed",
) => ({
  roundId,
  arena: "main",
  opensAt: at,
  closesAt: at + 60_000,
  outcome,
  players: new Map([
    [
      bob.identity,
      {
        keys: [
          {
            playKey: bob.playKey,
            deposited: 1_000,
            staked: 900,
            seatFees: 100,
            won: 1_000 + net,
            returned: 0,
          },
        ],
        memes: [],
      },
    ],
  ]),
});
