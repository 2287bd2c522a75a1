/**
 * Decisions that move money: deposit, enter, boost. Owns: voucher checks (protocol.md 3), E1, E2, R7, R8.
 * Does not own: the dispatch (decide.ts) or looking at the chain (the Payment Service does before asking).
 */
import { fromHex } from "./bytes.ts";
import type { CommandOf, Decision } from "./command.ts";
import type { VerifyCompact } from "./crypto.ts";
import { type Refusal, refuse } from "./errors.ts";
import { hashJson } from "./hash.ts";
import type { WireVoucher } from "./messages.ts";
import { ZERO_HASH } from "./records.ts";
import type { PlayerState, RoundState } from "./round-state.ts";
import { entryPrice, type Rules } from "./rules.ts";
import { decodeVoucher, type Voucher } from "./voucher.ts";

/** E2: what a player can still spend, sat. */
export const spendableOf = (player: PlayerState, rules: Rules): number =>
  player.deposits.reduce((sum, d) => sum + d.sats - rules.seatFeeSats, 0) - player.spent;

/** R7: number of differing bits of two 64-bit perceptual hashes, hex. */
export function phashDistance(a: string, b: string): number {
  let bits = 0;
  for (let x = BigInt(`0x${a}`) ^ BigInt(`0x${b}`); x > 0n; x >>= 1n) bits += Number(x & 1n);
  return bits;
}

/** R2: open or blind, by the journal's phase and by the clock; `at` in ms. */
export const isLive = (state: RoundState, at: number): boolean =>
  (state.phase.kind === "open" || state.phase.kind === "blind") && at < state.open.closesAt;

/** R2: neither the journal nor the clock has reached `blind`. */
export const isOpen = (state: RoundState, at: number): boolean =>
  state.phase.kind === "open" && at < state.open.blindAt;

/** I2: one play key belongs to one identity. */
export const belongsToOther = (player: PlayerState | undefined, identity: string): boolean =>
  player !== undefined && player.identity !== "" && player.identity !== identity;

/** M1, R7: one more deposit, already seen by the network. */
export function decideDeposit(state: RoundState, command: CommandOf<"deposit">, at: number): Decision {
  const { playKey, identity, txid, vout, sats } = command;
  const { rules, closesAt } = state.open;
  if (!isLive(state, at) || at >= closesAt - rules.depositCloseMs) return refuse("DEPOSITS_CLOSED");
  if (belongsToOther(state.players.get(playKey), identity)) return refuse("PLAY_KEY_TAKEN");
  // A deposit under the seat fee would take from what the player's other deposits allow (E2, E12).
  if (sats < Math.max(rules.minDepositSats, rules.seatFeeSats)) return refuse("DEPOSIT_AMOUNT_LOW");
  if (sats > rules.maxDepositSats) return refuse("DEPOSIT_AMOUNT_HIGH");
  for (const player of state.players.values())
    if (player.deposits.some((d) => d.txid === txid && d.vout === vout)) return refuse("DEPOSIT_CLAIMED");
  return { ok: true, draft: { kind: "deposit", body: { playKey, identity, txid, vout, sats } } };
}

/** What a voucher must match besides its player's chain. */
interface Expected {
  kind: Voucher["kind"];
  playKey: string;
  identity: string;
  memeId: string;
}

/** Everything about a voucher that costs no curve arithmetic. */
function readVoucher(state: RoundState, wire: WireVoucher, want: Expected): Voucher | Refusal {
  const voucher = decodeVoucher(wire.bytes);
  if (voucher === undefined) return refuse("VOUCHER_MALFORMED");
  if (voucher.roundTag !== state.roundTag) return refuse("VOUCHER_FOREIGN_ROUND");
  if (voucher.playKey !== want.playKey) return refuse("VOUCHER_KEY_MISMATCH");
  if (voucher.kind !== want.kind)
    return refuse("VOUCHER_MALFORMED", `The voucher is for ${voucher.kind}, not for ${want.kind}.`);
  if (voucher.memeId !== want.memeId) return refuse("VOUCHER_MEME_MISMATCH");
  const player = state.players.get(want.playKey);
  if (belongsToOther(player, want.identity)) return refuse("PLAY_KEY_TAKEN");
  if (voucher.seq !== (player?.nextSeq ?? 1)) return refuse("VOUCHER_SEQ_STALE");
  if (voucher.prev !== (player?.lastVoucherHash ?? ZERO_HASH)) return refuse("VOUCHER_CHAIN_BROKEN");
  return voucher;
}

const isRefusal = (value: Voucher | Refusal): value is Refusal => "ok" in value;

/** E2 and the signature; the signature comes last because it is the only check that costs. */
function settleVoucher(
  state: RoundState,
  wire: WireVoucher,
  voucher: Voucher,
  verify: VerifyCompact,
): Refusal | undefined {
  const player = state.players.get(voucher.playKey);
  if (player === undefined || voucher.amount > spendableOf(player, state.open.rules))
    return refuse("DEPOSIT_OVERSPENT");
  if (!verify(fromHex(wire.bytes), wire.sig, voucher.playKey)) return refuse("VOUCHER_SIGNATURE_INVALID");
  return undefined;
}

/** R7: may this meme come in? */
function placeRefusal(state: RoundState, command: CommandOf<"enter">): Refusal | undefined {
  const { rules } = state.open;
  const { content, identity, playKey } = command;
  if (content.identity !== identity) return refuse("CONTENT_NOT_YOURS");
  if (state.memes.has(content.memeId)) return refuse("MEME_DUPLICATE");
  if (state.memes.size >= rules.maxMemes) return refuse("ROUND_FULL");
  let byIdentity = 0;
  let byKey = 0;
  let near = false;
  for (const meme of state.memes.values()) {
    if (meme.identity === identity) byIdentity += 1;
    if (meme.playKey === playKey) byKey += 1;
    near ||= phashDistance(meme.phash, content.phash) <= rules.duplicateDistance;
  }
  if (Math.max(byIdentity, byKey) >= rules.maxEntriesPerPlayer) return refuse("ENTRY_LIMIT");
  return near ? refuse("MEME_DUPLICATE") : undefined;
}

/** E1, R7: a meme comes in at the price in force. */
export function decideEnter(
  state: RoundState,
  command: CommandOf<"enter">,
  at: number,
  verify: VerifyCompact,
): Decision {
  const { voucher: wire, content, salt } = command;
  if (!isOpen(state, at)) return refuse("ENTRIES_CLOSED");
  const voucher = readVoucher(state, wire, { ...command, kind: "enter", memeId: content.memeId });
  if (isRefusal(voucher)) return voucher;
  const refusal = placeRefusal(state, command);
  if (refusal !== undefined) return refusal;
  const price = entryPrice(state.open.rules, state.memes.size);
  if (voucher.amount !== price) return refuse("ENTRY_PRICE_CHANGED", `The entry price is ${price} sat.`);
  const failed = settleVoucher(state, wire, voucher, verify);
  if (failed !== undefined) return failed;
  const text = { salt, title: content.title.normalize("NFC") };
  const body = {
    voucher: wire.bytes,
    mime: content.mime,
    phash: content.phash,
    private: hashJson(text),
  };
  return { ok: true, draft: { kind: "enter", body }, sig: wire.sig, private: text };
}

/** E1, R8: sats behind somebody else's meme. */
export function decideBoost(
  state: RoundState,
  command: CommandOf<"boost">,
  at: number,
  verify: VerifyCompact,
): Decision {
  const { voucher: wire, memeId, playKey, identity } = command;
  if (!isLive(state, at)) return refuse("PHASE_WRONG");
  const voucher = readVoucher(state, wire, { kind: "boost", playKey, identity, memeId });
  if (isRefusal(voucher)) return voucher;
  const meme = state.memes.get(memeId);
  if (meme === undefined) return refuse("MEME_UNKNOWN");
  if (meme.takenDown) return refuse("MEME_TAKEN_DOWN");
  if (meme.identity === identity || meme.playKey === playKey) return refuse("MEME_OWN");
  if (voucher.amount < state.open.rules.minBoostSats) return refuse("BOOST_TOO_SMALL");
  const failed = settleVoucher(state, wire, voucher, verify);
  if (failed !== undefined) return failed;
  return { ok: true, draft: { kind: "boost", body: { voucher: wire.bytes } }, sig: wire.sig };
}
