/**
 * Large rounds for the benches, in a moment: vouchers chain as real ones do, their signatures are only as long as real
 * ones. Owns: making such journals and the states they add up to. Does not own: what is measured on them.
 */
import { fromHex, toHex } from "@meme-rounds/shared-schema/bytes";
import { sha256Hex } from "@meme-rounds/shared-schema/hash";
import { EMPTY_HEAD, type Entry, seal, ZERO_HASH } from "@meme-rounds/shared-schema/records";
import { apply, openState } from "@meme-rounds/shared-schema/reducer";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { defaultRules, entryPrice, roundIdOf, timesOfSlot } from "@meme-rounds/shared-schema/rules";
import { encodeVoucher } from "@meme-rounds/shared-schema/voucher";

const OPENS_AT = 1_800_000_000_000;
const FEE_SAT_PER_KB = 100;
const SIG = "5a".repeat(64);
const KEY = `02${"ab".repeat(32)}`;

export interface BigRound {
  state: RoundState;
  /** One more boost of that player; the state has it already. */
  boost(player: number): Entry;
}

const hashOf = (what: string, n: number): string => sha256Hex(Buffer.from(`${what} ${n}`));
const playKeyOf = (n: number): string => `02${hashOf("player", n)}`;
const memeIdOf = (n: number): string => hashOf("meme", n);

interface Size {
  players: number;
  memes: number;
  boosts: number;
}

/** `memes` of the players enter one each; then `boosts` boosts, each player in turn, spread over all memes. */
export function* bigJournal(size: Size): Generator<Entry, BigRound> {
  const rules = defaultRules(600, FEE_SAT_PER_KB);
  const first = seal(EMPTY_HEAD, OPENS_AT, {
    kind: "open",
    body: {
      network: "devchain",
      arena: "bench",
      roundId: roundIdOf("bench", OPENS_AT),
      rules,
      operatorKey: KEY,
      auditorKey: KEY,
      receiptKey: ZERO_HASH,
      carryFrom: [],
      ...timesOfSlot(rules, OPENS_AT),
    },
  });
  yield first;
  const state = openState(first);
  const next = (draft: Parameters<typeof seal>[2], beside = {}): Entry => {
    const at = Math.min(state.open.opensAt + state.head.seq, state.open.blindAt - 1);
    const entry = seal(state.head, at, draft, beside);
    apply(state, entry);
    return entry;
  };
  const voucherOf = (player: number, kind: "enter" | "boost", memeId: string, amount: number): string => {
    const known = state.players.get(playKeyOf(player));
    return toHex(
      encodeVoucher({
        roundTag: state.roundTag,
        playKey: playKeyOf(player),
        seq: known?.nextSeq ?? 1,
        kind,
        memeId,
        amount,
        prev: known?.lastVoucherHash ?? ZERO_HASH,
      }),
    );
  };
  for (let n = 0; n < size.players; n++)
    yield next({
      kind: "deposit",
      body: {
        playKey: playKeyOf(n),
        identity: `ecdsa-secp256k1:${playKeyOf(n)}`,
        txid: hashOf("tx", n),
        vout: 0,
        sats: 50_000,
      },
    });
  for (let n = 0; n < size.memes; n++) {
    const voucher = voucherOf(n, "enter", memeIdOf(n), entryPrice(rules, n));
    const phash = memeIdOf(n).slice(0, 16);
    const body = { voucher, mime: "image/webp", phash, private: ZERO_HASH };
    yield next(
      { kind: "enter", body },
      { sig: SIG, private: { salt: "ab".repeat(16), title: `The meme number ${n}` } },
    );
  }
  const boost = (player: number): Entry => {
    // Sevens are coprime with the usual numbers of memes: backings spread evenly.
    const meme = (player * 7 + Math.floor(state.head.seq / size.players) + 1) % size.memes;
    const voucher = voucherOf(player, "boost", memeIdOf(meme), 10 + (player % 90));
    return next({ kind: "boost", body: { voucher } }, { sig: SIG });
  };
  for (let n = 0; n < size.boosts; n++) yield boost(n % size.players);
  return { state, boost };
}

/** The same, with nobody looking at its records. */
export function bigRound(size: Size): BigRound {
  const journal = bigJournal(size);
  for (;;) {
    const step = journal.next();
    if (step.done) return step.value;
  }
}

/** What is in a journal beside its entries: who sent a command under which ref. */
export const markOf = (entry: Entry, n: number): { playKey: string; ref: string; digest: string } => {
  const { record } = entry;
  const playKey = "voucher" in record.body ? toHex(fromHex(record.body.voucher).subarray(20, 53)) : KEY;
  const digest = hashOf("digest", n);
  return {
    playKey,
    ref: `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4000-8000-${digest.slice(12, 24)}`,
    digest,
  };
};
