/**
 * The pure fold of a journal (R4): state = replay(journal). Owns: how each record changes the state, and that a
 * record follows the one before. Does not own: whether it was right to write it (decide.ts, verify-journal.ts),
 * nor recomputing hashes.
 */
import { boostScore, computeOutcome, playersOf } from "./payout.ts";
import { type BodyOf, type Entry, headOf, type JournalRecord, ZERO_HASH } from "./records.ts";
import type { MemeState, PlayerState, RoundState } from "./round-state.ts";
import { expiryOf } from "./rules.ts";
import { decodeVoucher, type Voucher, voucherHash } from "./voucher.ts";

/** R10: lines shown to those who join. */
const CHAT_LINES = 50;

const impossible = (record: JournalRecord, why: string): Error =>
  new Error(`journal record ${record.seq} (${record.kind}) cannot follow: ${why}`);

/** The state after record 1. Throws when the entry is not the first record of a journal. */
export function openState(entry: Entry): RoundState {
  const { record } = entry;
  if (record.kind !== "open") throw impossible(record, "a journal starts with `open`");
  if (record.seq !== 1 || record.prev !== ZERO_HASH) throw impossible(record, "not the first record");
  return {
    open: record.body,
    roundTag: entry.hash.slice(0, 32),
    phase: { kind: "open" },
    head: headOf(entry),
    players: new Map(),
    memes: new Map(),
    staked: 0,
    carryIn: record.body.carryFrom.reduce((sum, from) => sum + from.sats, 0),
    chat: [],
  };
}

/** A player nothing is known of yet; chat alone leaves the identity empty until the first deposit names it. */
export const newPlayer = (playKey: string, identity: string): PlayerState => ({
  playKey,
  identity,
  deposits: [],
  spent: 0,
  nextSeq: 1,
  lastVoucherHash: ZERO_HASH,
  chatNext: 1,
  entries: [],
  boosts: new Map(),
});

function playerOrNew(state: RoundState, playKey: string, identity: string): PlayerState {
  let player = state.players.get(playKey);
  if (player === undefined) {
    player = newPlayer(playKey, identity);
    state.players.set(playKey, player);
  }
  if (player.identity === "") player.identity = identity;
  return player;
}

function memeOf(state: RoundState, record: JournalRecord, memeId: string): MemeState {
  const meme = state.memes.get(memeId);
  if (meme === undefined) throw impossible(record, `unknown meme ${memeId}`);
  return meme;
}

function voucherOf(
  state: RoundState,
  record: JournalRecord,
  hex: string,
): { voucher: Voucher; player: PlayerState } {
  const voucher = decodeVoucher(hex);
  if (voucher === undefined || voucher.kind !== record.kind) throw impossible(record, "unreadable voucher");
  const player = state.players.get(voucher.playKey);
  if (player === undefined) throw impossible(record, "a voucher without a deposit");
  return { voucher, player };
}

/**
 * Each player's last voucher, hex, where its hash is still to be made: only that one is ever asked for, and hashing all
 * of them is more than half of a replay.
 */
export type Unhashed = Map<PlayerState, string>;

/** Makes the hashes that `apply` has put off; until then `lastVoucherHash` is not to be read. */
export function hashVouchers(unhashed: Unhashed): void {
  for (const [player, hex] of unhashed) player.lastVoucherHash = voucherHash(hex);
  unhashed.clear();
}

function spend(
  state: RoundState,
  player: PlayerState,
  voucher: Voucher,
  hex: string,
  later?: Unhashed,
): void {
  player.spent += voucher.amount;
  player.nextSeq = voucher.seq + 1;
  if (later) later.set(player, hex);
  else player.lastVoucherHash = voucherHash(hex);
  state.staked += voucher.amount;
}

function enter(
  state: RoundState,
  entry: Entry,
  record: JournalRecord & { kind: "enter" },
  later?: Unhashed,
): void {
  const { body } = record;
  const { voucher, player } = voucherOf(state, record, body.voucher);
  if (state.memes.has(voucher.memeId)) throw impossible(record, "the meme is in the round already");
  const title = entry.private?.title;
  spend(state, player, voucher, body.voucher, later);
  player.entries.push(voucher.memeId);
  state.memes.set(voucher.memeId, {
    memeId: voucher.memeId,
    playKey: player.playKey,
    identity: player.identity,
    ...(title === undefined ? {} : { title }),
    mime: body.mime,
    phash: body.phash,
    order: state.memes.size + 1,
    price: voucher.amount,
    hidden: false,
    takenDown: false,
    cleared: false,
    reports: new Set(),
    boostSats: 0,
    score: 0n,
    backers: new Map(),
  });
}

function boost(state: RoundState, record: JournalRecord & { kind: "boost" }, later?: Unhashed): void {
  const { voucher, player } = voucherOf(state, record, record.body.voucher);
  const meme = memeOf(state, record, voucher.memeId);
  const score = boostScore(state.open.rules, state.open.opensAt, voucher.amount, record.at);
  spend(state, player, voucher, record.body.voucher, later);
  player.boosts.set(meme.memeId, (player.boosts.get(meme.memeId) ?? 0) + voucher.amount);
  const before = meme.backers.get(player.playKey);
  meme.backers.set(player.playKey, {
    sats: (before?.sats ?? 0) + voucher.amount,
    score: (before?.score ?? 0n) + score,
  });
  meme.boostSats += voucher.amount;
  meme.score += score;
}

function chat(state: RoundState, entry: Entry, record: JournalRecord & { kind: "chat" }): void {
  const player = playerOrNew(state, record.body.playKey, "");
  player.chatNext = record.body.n + 1;
  const text = entry.private?.text;
  // R10: a removed line keeps its record and its number but is not shown any more.
  if (text === undefined) return;
  state.chat.push({ seq: record.seq, playKey: player.playKey, at: record.at, text });
  if (state.chat.length > CHAT_LINES) state.chat.shift();
}

/** M1: a dropped player's backing leaves the memes, so that what is shown from here on is what counts. */
function freeze(state: RoundState, record: JournalRecord, body: BodyOf<"freeze">): void {
  if (state.phase.kind !== "settling" || state.phase.frozen !== undefined)
    throw impossible(record, `frozen in phase ${state.phase.kind}`);
  state.phase = { kind: "settling", frozen: body };
  const gone = playersOf(state, new Set(body.dropped));
  for (const meme of state.memes.values())
    for (const key of gone) {
      const backer = meme.backers.get(key);
      if (backer === undefined) continue;
      meme.boostSats -= backer.sats;
      meme.score -= backer.score;
      meme.backers.delete(key);
    }
}

function result(state: RoundState, record: JournalRecord & { kind: "result" }): void {
  if (state.phase.kind !== "settling" || state.phase.frozen === undefined)
    throw impossible(record, "nothing is frozen");
  const { frozen } = state.phase;
  state.phase = { kind: "final", frozen, outcome: { kind: "result", result: record.body } };
}

/** What a `void` leaves of the judgement of deposits: the freeze, or what a cancellation before it dropped (M1). */
function frozenAtVoid(state: RoundState, record: JournalRecord & { kind: "void" }): BodyOf<"freeze"> {
  const { phase } = state;
  const { by, dropped = [] } = record.body;
  if (phase.kind === "final") {
    if (phase.outcome.kind === "void") throw impossible(record, "the round is void already");
    if (record.at < expiryOf(state.open.closesAt)) throw impossible(record, "the round has a result");
    return phase.frozen;
  }
  const frozen = phase.kind === "settling" ? phase.frozen : undefined;
  if (by !== undefined) return frozen ?? { dropped, voidMemes: [] };
  if (frozen === undefined) throw impossible(record, "nothing is frozen");
  if (record.at < expiryOf(state.open.closesAt) && computeOutcome(state).kind !== "void")
    throw impossible(record, "this round has a result");
  return frozen;
}

/** E10, M4: full returns, for whatever reason the journal ends so. */
function voidRound(state: RoundState, record: JournalRecord & { kind: "void" }): void {
  const frozen = frozenAtVoid(state, record);
  const { reason } = record.body;
  state.phase = { kind: "final", frozen, outcome: { kind: "void", reason, returned: [] } };
  const computed = computeOutcome(state);
  const returned = computed.kind === "void" ? computed.returned : [];
  state.phase = { kind: "final", frozen, outcome: { kind: "void", reason, returned } };
}

function fold(state: RoundState, entry: Entry, later?: Unhashed): void {
  const { record } = entry;
  switch (record.kind) {
    case "open":
      throw impossible(record, "the round is open already");
    case "deposit": {
      const { playKey, identity, txid, vout, sats } = record.body;
      playerOrNew(state, playKey, identity).deposits.push({ txid, vout, sats, at: record.at });
      return;
    }
    case "enter":
      enter(state, entry, record, later);
      return;
    case "boost":
      boost(state, record, later);
      return;
    case "chat":
      chat(state, entry, record);
      return;
    case "report":
      memeOf(state, record, record.body.memeId).reports.add(record.body.playKey);
      return;
    case "hide":
    case "unhide": {
      const meme = memeOf(state, record, record.body.memeId);
      meme.hidden = record.kind === "hide";
      meme.cleared = record.kind === "unhide";
      return;
    }
    case "takedown":
      memeOf(state, record, record.body.memeId).takenDown = true;
      return;
    case "phase": {
      const expected = state.phase.kind === "open" ? "blind" : "settling";
      if (state.phase.kind !== "open" && state.phase.kind !== "blind")
        throw impossible(record, `phase ${state.phase.kind}`);
      if (record.body.to !== expected) throw impossible(record, `phase ${state.phase.kind}`);
      state.phase = { kind: expected };
      return;
    }
    case "freeze":
      freeze(state, record, record.body);
      return;
    case "result":
      result(state, record);
      return;
    case "void":
      voidRound(state, record);
      return;
  }
}

/** M4: after `result` only the `void` of the 12 h rule may follow; after `void` nothing. */
export const hasEnded = ({ phase }: RoundState, record: JournalRecord): boolean =>
  phase.kind === "final" && (record.kind !== "void" || phase.outcome.kind === "void");

/**
 * Folds one entry in, in place, for speed: whoever owns the state throws it away when storing the entry failed.
 * Throws, with the state unchanged, on a record that cannot follow. With `later`, vouchers are hashed when hashVouchers is
 * called: for whoever folds many.
 */
export function apply(state: RoundState, entry: Entry, later?: Unhashed): void {
  const { record } = entry;
  if (record.seq !== state.head.seq + 1) throw impossible(record, `the head is ${state.head.seq}`);
  if (record.prev !== state.head.hash) throw impossible(record, "it names another record as the one before");
  if (record.at < state.head.at) throw impossible(record, "it is earlier than the one before");
  if (hasEnded(state, record)) throw impossible(record, "the journal has ended");
  fold(state, entry, later);
  state.head = headOf(entry);
}

/** R4: the state a journal adds up to. Throws on an empty journal or one whose records do not follow. */
export function replay(entries: Iterable<Entry>): RoundState {
  const unhashed: Unhashed = new Map();
  let state: RoundState | undefined;
  for (const entry of entries) {
    if (state === undefined) state = openState(entry);
    else apply(state, entry, unhashed);
  }
  hashVouchers(unhashed);
  if (state === undefined) throw new Error("the journal is empty");
  return state;
}
