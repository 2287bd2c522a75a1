/**
 * Random whole rounds for properties. Owns: the plan of a round as fast-check data and playing it.
 * Attempts that the rules refuse are part of the plan: they must leave no trace.
 */
import fc from "fast-check";
import { spendableOf } from "../../src/decide-spend.ts";
import { outpointOf } from "../../src/payout.ts";
import { type Actor, actor, memeIdOf, type Signer, TestRound } from "./round.ts";

const ROUND_MS = 600_000;
const PLAYERS = 12;
/** 14 players of 1e14 sat stay under 2^53 together; the supply of all coins is 2.1e15. */
const MAGNITUDES = [1_000, 100_000, 10 ** 9, 10 ** 12, 10 ** 14];

/** Two play keys to every third identity, so that limits and E10 see twins. */
const ACTORS: Actor[] = Array.from({ length: PLAYERS }, (_, i) =>
  actor(`p${i}`, i % 3 === 1 ? `p${i - 1}` : `p${i}`),
);

const stepArb = fc.record({
  what: fc.constantFrom(
    "deposit",
    "enter",
    "boost",
    "boost",
    "boost",
    "boost",
    "all",
    "chat",
    "report",
    "hide",
    "takedown",
  ),
  who: fc.nat(PLAYERS - 1),
  meme: fc.nat(PLAYERS - 1),
  /** ppm of what the player has left. */
  part: fc.nat(1_000_000),
  waitMs: fc.oneof({ weight: 5, arbitrary: fc.nat(9_000) }, { weight: 1, arbitrary: fc.nat(90_000) }),
});

export const planArb = fc.record({
  magnitude: fc.constantFrom(...MAGNITUDES),
  /** Who deposits at the start, and how much, ppm of the magnitude. */
  deposits: fc.array(fc.nat(1_000_000), { minLength: 4, maxLength: PLAYERS, size: "max" }),
  /** Enters at once when over 2. */
  enter: fc.array(fc.nat(9), { minLength: PLAYERS, maxLength: PLAYERS }),
  steps: fc.array(stepArb, { minLength: 5, maxLength: 60, size: "max" }),
  /** Whether the plan's takedowns happen: they soon leave too few memes. */
  takedowns: fc.constantFrom(true, false, false),
  carryIn: fc.constantFrom(0, 1, 50_000, 10 ** 14),
  entrySats: fc.constantFrom(1, 10, 1_000),
  entryDoublesAfter: fc.constantFrom(2, 50),
  seatFeeSats: fc.constantFrom(0, 1, 30),
  minBoostSats: fc.constantFrom(1, 10),
  minPayoutSats: fc.constantFrom(0, 10, 5_000),
  feeBps: fc.constantFrom(0, 200, 333),
  carryBps: fc.constantFrom(0, 500),
  releaseBps: fc.constantFrom(0, 500, 10_000),
  creatorBps: fc.constantFrom(0, 2_500, 10_000),
  /** One in this many deposits is dropped at the freeze; 0: none. */
  dropEvery: fc.constantFrom(0, 0, 3, 5, 9),
});
export type Plan = typeof planArb extends fc.Arbitrary<infer P> ? P : never;

function step(round: TestRound, plan: Plan, s: Plan["steps"][number]): void {
  const who = ACTORS[s.who];
  if (who === undefined) return;
  const player = round.state.players.get(who.playKey);
  const left = player === undefined ? 0 : spendableOf(player, round.state.open.rules);
  const name = `p${s.meme}`;
  round.at(Math.min(round.now - round.state.open.opensAt + s.waitMs, ROUND_MS - 1));
  switch (s.what) {
    case "deposit":
      round.try(round.deposit(who, 1_000 + Math.floor((plan.magnitude / 1e6) * s.part)));
      break;
    case "enter":
      round.try(round.enter(who, `p${s.who}`));
      break;
    case "boost":
      round.try(round.boost(who, name, Math.floor((left / 1e6) * s.part)));
      break;
    case "all":
      round.try(round.boost(who, name, left));
      break;
    case "chat":
      round.try(round.chat(who, `said ${s.part}`));
      break;
    case "report":
      round.try({ kind: "report", playKey: who.playKey, memeId: memeIdOf(name) });
      break;
    case "hide":
      round.try({ kind: "hide", memeId: memeIdOf(name), by: "mod", reason: "look" });
      break;
    case "takedown":
      if (plan.takedowns)
        round.try({ kind: "takedown", memeId: memeIdOf(name), by: "mod", reason: "stolen" });
      break;
  }
}

/** Plays a plan to its `result` or `void` through decide, seal and apply. */
export function play(plan: Plan, signer?: Signer): TestRound {
  const { entrySats, entryDoublesAfter, seatFeeSats, minBoostSats, minPayoutSats } = plan;
  const { feeBps, carryBps, releaseBps, creatorBps } = plan;
  const money = { entrySats, entryDoublesAfter, seatFeeSats, minBoostSats, minPayoutSats };
  const shares = { feeBps, carryBps, releaseBps, creatorBps };
  const rules = { ...money, ...shares, maxDepositSats: 10 ** 15, maxEntriesPerPlayer: 1 };
  const round = new TestRound({ rules, carryIn: plan.carryIn, ...(signer === undefined ? {} : { signer }) });
  plan.deposits.forEach((part, i) => {
    const who = ACTORS[i];
    if (who !== undefined) round.must(round.deposit(who, 1_000 + Math.floor((plan.magnitude / 1e6) * part)));
  });
  plan.enter.forEach((enters, i) => {
    const who = ACTORS[i];
    if (enters > 2 && who !== undefined) round.try(round.enter(who, `p${i}`));
  });
  for (const s of plan.steps) step(round, plan, s);
  const outpoints = [...round.state.players.values()].flatMap((p) => p.deposits.map(outpointOf));
  const dropped = outpoints.filter((_, i) => plan.dropEvery > 0 && i % plan.dropEvery === 1);
  return round.end(dropped);
}
