/**
 * Simulated rounds for the economics (design.md section 4). Owns: a seeded crowd of honest players and a quick way
 * from entries and boosts to a state. No vouchers or signatures: the rules under test are computeOutcome's.
 */
import { boostScore, computeOutcome } from "../../src/payout.ts";
import { newPlayer } from "../../src/reducer.ts";
import type { RoundState } from "../../src/round-state.ts";
import { defaultRules, entryPrice } from "../../src/rules.ts";
import { OPENS_AT, openBody } from "./round.ts";

export const ROUND_MS = 600_000;
/** Seat fees only make every strategy worse; without them profits are the upper end. */
const RULES = { ...defaultRules(ROUND_MS / 1000, 100), seatFeeSats: 0, minPayoutSats: 0 };
const OPEN = openBody(RULES);

export interface SimEntry {
  id: string;
  creator: string;
}
export interface SimBoost {
  by: string;
  on: string;
  sats: number;
  /** ms since opening. */
  t: number;
}
export interface Sim {
  entries: SimEntry[];
  boosts: SimBoost[];
  carryIn?: number;
}

/** Uniform numbers in 0..1 from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * Honest players: `memes` creators (`c0`...) whose memes differ in appeal as places in a hit list do (Zipf), and
 * `backers` (`b0`...) who put about 200 sat each on one to three of them, any time before blind.
 */
export function crowd(random: () => number, memes: number, backers: number): Sim {
  const entries = Array.from({ length: memes }, (_, i) => ({ id: `m${i}`, creator: `c${i}` }));
  const appeal = entries.map((_, i) => (0.5 + random()) / (1 + i));
  const total = appeal.reduce((a, b) => a + b, 0);
  const choose = (): string => {
    let left = random() * total;
    const i = appeal.findIndex((a) => {
      left -= a;
      return left <= 0;
    });
    return `m${i < 0 ? memes - 1 : i}`;
  };
  const boosts: SimBoost[] = [];
  for (let j = 0; j < backers; j++) {
    const times = 1 + Math.floor(random() * 3);
    const size = (200 / times) * Math.exp((random() + random() + random() - 1.5) * 2);
    const sats = Math.max(10, Math.min(20_000, Math.round(size)));
    for (let k = 0; k < times; k++)
      boosts.push({ by: `b${j}`, on: choose(), sats, t: Math.floor(random() * ROUND_MS * 0.95) });
  }
  return { entries, boosts };
}

function stateOf(sim: Sim): RoundState {
  const state: RoundState = {
    open: OPEN,
    roundTag: "00".repeat(16),
    phase: { kind: "blind" },
    head: { seq: 1, hash: "", at: OPEN.closesAt - 1 },
    players: new Map(),
    memes: new Map(),
    staked: 0,
    carryIn: sim.carryIn ?? 0,
    chat: [],
  };
  const spend = (who: string, sats: number): void => {
    let player = state.players.get(who);
    if (player === undefined) {
      player = newPlayer(who, who);
      state.players.set(who, player);
    }
    player.deposits.push({ txid: who, vout: player.deposits.length, sats, at: OPENS_AT });
    player.spent += sats;
    state.staked += sats;
  };
  sim.entries.forEach(({ id, creator }, i) => {
    const price = entryPrice(RULES, i);
    spend(creator, price);
    state.memes.set(id, {
      memeId: id,
      playKey: creator,
      identity: creator,
      mime: "image/webp",
      phash: "",
      order: i + 1,
      price,
      hidden: false,
      takenDown: false,
      cleared: false,
      reports: new Set(),
      boostSats: 0,
      score: 0n,
      backers: new Map(),
    });
  });
  for (const { by, on, sats, t } of sim.boosts) {
    const meme = state.memes.get(on);
    if (meme === undefined) throw new Error(`no meme ${on}`);
    spend(by, sats);
    const score = boostScore(RULES, OPENS_AT, sats, OPENS_AT + t);
    const before = meme.backers.get(by) ?? { sats: 0, score: 0n };
    meme.backers.set(by, { sats: before.sats + sats, score: before.score + score });
    meme.boostSats += sats;
    meme.score += score;
  }
  return state;
}

export interface Books {
  /** sat, of all players whose name starts with the prefix. */
  put: (prefix: string) => number;
  got: (prefix: string) => number;
  profit: (prefix: string) => number;
  stakes: number;
  carryOut: number;
  winners: string[];
}

/** Plays the round out; a void round returns everything. */
export function booksOf(sim: Sim): Books {
  const state = stateOf(sim);
  const outcome = computeOutcome(state);
  const got = new Map<string, number>();
  if (outcome.kind === "result")
    for (const p of outcome.result.payouts) got.set(p.playKey, p.won + p.returned);
  else for (const p of outcome.returned) got.set(p.playKey, p.sats);
  const total = (values: Iterable<[string, number]>, prefix: string): number => {
    let sum = 0;
    for (const [who, sats] of values) if (who.startsWith(prefix)) sum += sats;
    return sum;
  };
  const spent = [...state.players.values()].map((p): [string, number] => [p.playKey, p.spent]);
  const books = {
    put: (prefix: string) => total(spent, prefix),
    got: (prefix: string) => total(got, prefix),
  };
  return {
    ...books,
    profit: (prefix) => books.got(prefix) - books.put(prefix),
    stakes: state.staked,
    carryOut: outcome.kind === "result" ? outcome.result.carryOut : outcome.carryOut,
    winners: outcome.kind === "result" ? outcome.winners : [],
  };
}
