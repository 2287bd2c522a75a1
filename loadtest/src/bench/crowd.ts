/** Rounds and keys for the benches, made without a server. Owns: players, vouchers, finished states. */
import { randomBytes } from "node:crypto";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { sha256Hex } from "@meme-rounds/shared-schema/hash";
import type { WireVoucher } from "@meme-rounds/shared-schema/messages";
import { EMPTY_HEAD, type Entry, seal, ZERO_HASH } from "@meme-rounds/shared-schema/records";
import { apply, openState } from "@meme-rounds/shared-schema/reducer";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { defaultRules, roundIdOf, timesOfSlot } from "@meme-rounds/shared-schema/rules";
import { signVoucher, voucherHash } from "@meme-rounds/shared-schema/voucher";

const OPENS_AT = 1_800_000_000_000;
const FEE_SAT_PER_KB = 100;

export interface Player {
  secret: Uint8Array;
  playKey: string;
  identity: string;
}

export function makePlayers(count: number): Player[] {
  return Array.from({ length: count }, () => {
    const secret = new Uint8Array(randomBytes(32));
    const playKey = publicKeyOf(secret);
    return { secret, playKey, identity: `ecdsa-secp256k1:${playKey}` };
  });
}

/** A round in which every player has a deposit and the first `memes` players have entered one each. */
export function openWithDeposits(
  players: readonly Player[],
  memes: number,
  keys: { operator: string; auditor: string },
) {
  const rules = { ...defaultRules(600, FEE_SAT_PER_KB), maxMemes: 1_000 };
  const first = seal(EMPTY_HEAD, OPENS_AT, {
    kind: "open",
    body: {
      network: "devchain",
      arena: "bench",
      roundId: roundIdOf("bench", OPENS_AT),
      rules,
      operatorKey: keys.operator,
      auditorKey: keys.auditor,
      receiptKey: ZERO_HASH,
      carryFrom: [],
      ...timesOfSlot(rules, OPENS_AT),
    },
  });
  const state = openState(first);
  const entries: Entry[] = [first];
  const add = (draft: Parameters<typeof seal>[2], beside = {}) => {
    const entry = seal(state.head, OPENS_AT + 1_000, draft, beside);
    apply(state, entry);
    entries.push(entry);
  };
  for (const [index, { playKey, identity }] of players.entries())
    add({
      kind: "deposit",
      body: { playKey, identity, txid: sha256Hex(Buffer.from(`tx${index}`)), vout: 0, sats: 50_000 },
    });
  for (const [index, player] of players.slice(0, memes).entries()) {
    const memeId = memeIdOf(index);
    const voucher = nextVoucher(
      state,
      player,
      "enter",
      memeId,
      rules.entrySats * 2 ** Math.floor(index / 50),
    );
    add(
      {
        kind: "enter",
        body: { voucher: voucher.bytes, mime: "image/webp", phash: memeId.slice(0, 16), private: ZERO_HASH },
      },
      { sig: voucher.sig },
    );
  }
  return { state, entries, add };
}

export const memeIdOf = (index: number): string => sha256Hex(Buffer.from(`meme${index}`));

export function nextVoucher(
  state: RoundState,
  player: Player,
  kind: "enter" | "boost",
  memeId: string,
  amount: number,
): WireVoucher {
  const known = state.players.get(player.playKey);
  return signVoucher(
    {
      roundTag: state.roundTag,
      playKey: player.playKey,
      seq: known?.nextSeq ?? 1,
      kind,
      memeId,
      amount,
      prev: known?.lastVoucherHash ?? ZERO_HASH,
    },
    player.secret,
  );
}

/** `count` signed boosts in chains of their players, made before the clock starts. */
export function signBoosts(state: RoundState, players: readonly Player[], memes: number, count: number) {
  const chains = new Map(
    players.map(({ playKey }) => {
      const known = state.players.get(playKey);
      return [playKey, { seq: known?.nextSeq ?? 1, prev: known?.lastVoucherHash ?? ZERO_HASH }];
    }),
  );
  return Array.from({ length: count }, (_, index) => {
    const at = index % players.length;
    const player = players[at];
    const chain = player && chains.get(player.playKey);
    if (!player || !chain) throw new Error("no such player");
    // Never a meme of one's own: the creators are the first `memes` players.
    const memeId = memeIdOf((at + 1) % memes);
    const voucher = signVoucher(
      {
        roundTag: state.roundTag,
        playKey: player.playKey,
        seq: chain.seq,
        kind: "boost",
        memeId,
        amount: 10,
        prev: chain.prev,
      },
      player.secret,
    );
    chains.set(player.playKey, { seq: chain.seq + 1, prev: voucherHash(voucher.bytes) });
    return { player, memeId, voucher };
  });
}
