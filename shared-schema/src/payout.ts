/**
 * Who gets what (E3-E10). Owns: validity of memes and backing, ranking, pot, shares, what comes back.
 * Does not own: the transactions (settlement.ts) or when it is computed (decide.ts). Pure; money and scores are
 * bigint inside, because sat x ms x bps passes 2^53.
 */
import type { BodyOf } from "./records.ts";
import type { MemeState, PlayerState, RoundState } from "./round-state.ts";
import type { Rules } from "./rules.ts";

const BPS = 10_000n;
const bpsOf = (amount: bigint, bps: number): bigint => (amount * BigInt(bps)) / BPS;
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** E5: amount x (2T - t) in sat x ms, t = boost time since opening, clamped to 0..T. */
export function boostScore(rules: Rules, opensAt: number, amount: number, at: number): bigint {
  const t = Math.min(Math.max(at - opensAt, 0), rules.roundMs);
  return BigInt(amount) * BigInt(2 * rules.roundMs - t);
}

export const outpointOf = (deposit: { txid: string; vout: number }): string =>
  `${deposit.txid}:${deposit.vout}`;

const frozenOf = (state: RoundState): BodyOf<"freeze"> | undefined =>
  state.phase.kind === "settling" || state.phase.kind === "final" ? state.phase.frozen : undefined;

/** M1: outpoints that `freeze` dropped; empty before it. */
export const droppedOutpoints = (state: RoundState): ReadonlySet<string> =>
  new Set(frozenOf(state)?.dropped ?? []);

/** M1: play keys with at least one dropped outpoint; all their vouchers are void. */
export function playersOf(state: RoundState, outpoints: ReadonlySet<string>): ReadonlySet<string> {
  const keys = new Set<string>();
  if (outpoints.size === 0) return keys;
  for (const player of state.players.values())
    if (player.deposits.some((d) => outpoints.has(outpointOf(d)))) keys.add(player.playKey);
  return keys;
}

/** A meme that can win, with only the backing that counts. */
interface ValidMeme {
  meme: MemeState;
  score: bigint;
  sats: bigint;
}

interface View {
  gone: ReadonlySet<string>;
  /** memeIds of those that cannot win: void, or taken down. */
  out: string[];
  /** By rank (E5). */
  memes: ValidMeme[];
  /** E3, sat. */
  stakes: bigint;
}

function viewOf(state: RoundState): View {
  const gone = playersOf(state, droppedOutpoints(state));
  const voidMemes = new Set(frozenOf(state)?.voidMemes ?? []);
  const memes: ValidMeme[] = [];
  const out: string[] = [];
  let stakes = 0n;
  for (const meme of state.memes.values()) {
    if (meme.takenDown || voidMemes.has(meme.memeId)) out.push(meme.memeId);
    if (voidMemes.has(meme.memeId)) continue;
    stakes += BigInt(meme.price);
    // R12: a taken-down meme's entry price stays in the stakes, the boosts on it do not.
    if (meme.takenDown) continue;
    let score = meme.score;
    let sats = BigInt(meme.boostSats);
    for (const key of gone) {
      const backer = meme.backers.get(key);
      if (backer === undefined) continue;
      score -= backer.score;
      sats -= BigInt(backer.sats);
    }
    stakes += sats;
    memes.push({ meme, score, sats });
  }
  memes.sort((a, b) => (a.score === b.score ? a.meme.order - b.meme.order : a.score > b.score ? -1 : 1));
  return { gone, out, memes, stakes };
}

/** E5: memes that can win, by score, then by earlier entry. Also right while the round is live. */
export const rankMemes = (state: RoundState): MemeState[] => viewOf(state).memes.map((v) => v.meme);

const releasedOf = (rules: Rules, stakes: bigint, carryIn: bigint): bigint => {
  const most = bpsOf(stakes, rules.releaseBps);
  return most < carryIn ? most : carryIn;
};

/** E3: stakes + what the jackpot releases, sat, as of this moment. */
export const livePot = (state: RoundState): number => liveStandings(state).pot;

/** The pot (sat) and the ranking of this moment, for who needs both many times a second. */
export function liveStandings(state: RoundState): { pot: number; ranked: MemeState[] } {
  const { stakes, memes } = viewOf(state);
  const pot = stakes + releasedOf(state.open.rules, stakes, BigInt(state.carryIn));
  return { pot: Number(pot), ranked: memes.map((v) => v.meme) };
}

export type ComputedOutcome =
  | {
      kind: "result";
      result: BodyOf<"result">;
      /** sat, as are all below. */
      stakes: number;
      released: number;
      pot: number;
      prize: number;
      /** memeIds by rank. */
      winners: string[];
    }
  | { kind: "void"; reason: string; returned: { playKey: string; sats: number }[]; carryOut: number };

export const VOID_TOO_FEW = "fewer than two valid entries by different identities";
export const VOID_NO_WINNER = "no meme was boosted";
/** M4: the 12 h rule. */
export const VOID_EXPIRED = "no settlement was signed within 12 hours of the round's end";

/** E10: everything that was not dropped goes back in full, seat fee included; carryIn moves on. */
function voided(state: RoundState, reason: string): ComputedOutcome {
  const dropped = droppedOutpoints(state);
  const returned: { playKey: string; sats: number }[] = [];
  for (const player of state.players.values()) {
    let sats = 0;
    for (const deposit of player.deposits) if (!dropped.has(outpointOf(deposit))) sats += deposit.sats;
    if (sats > 0) returned.push({ playKey: player.playKey, sats });
  }
  returned.sort((a, b) => byText(a.playKey, b.playKey));
  return { kind: "void", reason, returned, carryOut: state.carryIn };
}

/** E6, E7: sat won by play key. */
function winnings(rules: Rules, view: View, winners: ValidMeme[], prize: bigint): Map<string, bigint> {
  const won = new Map<string, bigint>();
  const add = (key: string, sats: bigint) => won.set(key, (won.get(key) ?? 0n) + sats);
  const total = winners.reduce((sum, w) => sum + w.score, 0n);
  for (const { meme, score } of winners) {
    const share = (prize * score) / total;
    const creator = bpsOf(share, rules.creatorBps);
    add(meme.playKey, creator);
    const rest = share - creator;
    // One floor per (meme, player): a player's boosts on a meme are one sum, so splitting them gains nothing.
    for (const [key, backer] of meme.backers)
      if (!view.gone.has(key)) add(key, (rest * backer.score) / score);
  }
  return won;
}

/** What a player's valid vouchers took, sat: all of them but boosts on memes that cannot win. */
function usedOf(player: PlayerState, view: View): number {
  if (view.gone.has(player.playKey)) return 0;
  let used = player.spent;
  for (const memeId of view.out) used -= player.boosts.get(memeId) ?? 0;
  return used;
}

/** What a round comes to before it is divided. */
type Judged =
  | { kind: "void"; reason: string }
  | {
      kind: "result";
      view: View;
      winners: ValidMeme[];
      released: bigint;
      pot: bigint;
      fee: bigint;
      prize: bigint;
    };

function judge(state: RoundState): Judged {
  const { rules } = state.open;
  if (state.phase.kind === "final" && state.phase.outcome.kind === "void")
    return { kind: "void", reason: state.phase.outcome.reason };
  const view = viewOf(state);
  if (new Set(view.memes.map((v) => v.meme.identity)).size < 2) return { kind: "void", reason: VOID_TOO_FEW };
  const places = Math.min(10, Math.ceil(view.memes.length / 3));
  const winners = view.memes.filter((v) => v.score > 0n).slice(0, places);
  if (winners.length === 0) return { kind: "void", reason: VOID_NO_WINNER };
  const released = releasedOf(rules, view.stakes, BigInt(state.carryIn));
  const pot = view.stakes + released;
  const fee = bpsOf(view.stakes, rules.feeBps);
  const prize = pot - fee - bpsOf(view.stakes, rules.carryBps);
  return { kind: "result", view, winners, released, pot, fee, prize };
}

export type RoundSummary =
  | { kind: "void"; reason: string }
  | { kind: "result"; pot: number; winners: string[] };

/** How a round ends, its pot (sat) and its winners by rank, without anybody's share: for who only shows it. */
export function summaryOf(state: RoundState): RoundSummary {
  const judged = judge(state);
  if (judged.kind === "void") return judged;
  const { pot, winners } = judged;
  return { kind: "result", pot: Number(pot), winners: winners.map((w) => w.meme.memeId) };
}

/**
 * The whole outcome of a round (E3-E10), from the state alone. Uses what `freeze` dropped; before it, nothing is. A
 * journal that ended with `void` has that outcome whatever the boosts would give: it was cancelled, or too late (M4).
 * E8 holds exactly: won + returned + fee + seatFees + carryOut = collected deposits + carryIn.
 */
export function computeOutcome(state: RoundState): ComputedOutcome {
  const { rules } = state.open;
  const judged = judge(state);
  if (judged.kind === "void") return voided(state, judged.reason);
  const { view, winners, released, pot, fee, prize } = judged;
  const won = winnings(rules, view, winners, prize);

  const dropped = droppedOutpoints(state);
  const payouts: BodyOf<"result">["payouts"] = [];
  let seatFees = 0;
  let paid = 0;
  for (const player of state.players.values()) {
    let returned = -usedOf(player, view);
    for (const deposit of player.deposits) {
      if (dropped.has(outpointOf(deposit))) continue;
      seatFees += rules.seatFeeSats;
      returned += deposit.sats - rules.seatFeeSats;
    }
    let mine = Number(won.get(player.playKey) ?? 0n);
    // E9: an output this small costs more than it brings, unless it rides on unspent money.
    if (returned === 0 && mine < rules.minPayoutSats) mine = 0;
    paid += mine;
    if (mine + returned > 0) payouts.push({ playKey: player.playKey, won: mine, returned });
  }
  payouts.sort((a, b) => byText(a.playKey, b.playKey));

  // E8: carry, the jackpot not released, what the floors left and what E9 withheld, in one difference.
  const carryOut = view.stakes + BigInt(state.carryIn) - fee - BigInt(paid);
  return {
    kind: "result",
    result: {
      ranking: view.memes.map((v) => v.meme.memeId),
      payouts,
      fee: Number(fee),
      seatFees,
      carryOut: Number(carryOut),
    },
    stakes: Number(view.stakes),
    released: Number(released),
    pot: Number(pot),
    prize: Number(prize),
    winners: winners.map((w) => w.meme.memeId),
  };
}
