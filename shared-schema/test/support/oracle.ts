/**
 * A second, slow implementation of E3-E10, straight from the records, to hold payout.ts against. It shares no
 * code with it: one pass over a flat list of vouchers, nothing kept per meme while the round runs.
 */
import type { Entry } from "../../src/records.ts";
import type { Rules } from "../../src/rules.ts";
import { decodeVoucher } from "../../src/voucher.ts";

interface Spent {
  playKey: string;
  memeId: string;
  entry: boolean;
  amount: bigint;
  t: bigint;
}
export interface OracleOutcome {
  void: boolean;
  /** playKey -> sat paid out in all; no zeros. */
  paid: Map<string, bigint>;
  fee: bigint;
  seatFees: bigint;
  carryOut: bigint;
  /** Deposits not dropped, sat. */
  collected: bigint;
}

const sum = (values: bigint[]): bigint => values.reduce((a, b) => a + b, 0n);
const floorBps = (x: bigint, bps: number): bigint => (x * BigInt(bps)) / 10_000n;

export function oracle(entries: Entry[]): OracleOutcome {
  const open = entries[0]?.record;
  if (open?.kind !== "open") throw new Error("no open");
  const rules: Rules = open.body.rules;
  const T = BigInt(rules.roundMs);
  const dropped = new Set<string>();
  const down = new Set<string>();
  for (const { record } of entries) {
    if (record.kind === "freeze") for (const o of record.body.dropped) dropped.add(o);
    if (record.kind === "takedown") down.add(record.body.memeId);
  }
  const deposits: { playKey: string; identity: string; sats: bigint; lost: boolean }[] = [];
  const all: Spent[] = [];
  for (const { record } of entries) {
    if (record.kind === "deposit") {
      const { playKey, identity, sats, txid, vout } = record.body;
      deposits.push({ playKey, identity, sats: BigInt(sats), lost: dropped.has(`${txid}:${vout}`) });
    }
    if (record.kind !== "enter" && record.kind !== "boost") continue;
    const v = decodeVoucher(record.body.voucher);
    if (v === undefined) throw new Error("unreadable");
    const t = BigInt(record.at - open.body.opensAt);
    all.push({
      playKey: v.playKey,
      memeId: v.memeId,
      entry: v.kind === "enter",
      amount: BigInt(v.amount),
      t,
    });
  }
  const cheats = new Set(deposits.filter((d) => d.lost).map((d) => d.playKey));
  const identityOf = new Map(deposits.map((d) => [d.playKey, d.identity]));
  const dead = new Set(all.filter((v) => v.entry && cheats.has(v.playKey)).map((v) => v.memeId));
  const valid = all.filter(
    (v) => !cheats.has(v.playKey) && (v.entry || (!dead.has(v.memeId) && !down.has(v.memeId))),
  );
  const kept = deposits.filter((d) => !d.lost);
  const carryIn = BigInt(open.body.carryFrom.reduce((a, c) => a + c.sats, 0));
  const collected = sum(kept.map((d) => d.sats));
  const keys = [...new Set(kept.map((d) => d.playKey))];

  const running = valid.filter((v) => v.entry && !down.has(v.memeId));
  const scoreOf = (memeId: string, key?: string): bigint =>
    sum(
      valid
        .filter((v) => !v.entry && v.memeId === memeId && (key === undefined || v.playKey === key))
        .map((v) => v.amount * (2n * T - v.t)),
    );
  const ranked = running
    .map((v, order) => ({ memeId: v.memeId, creator: v.playKey, order, score: scoreOf(v.memeId) }))
    .filter((m) => m.score > 0n)
    .sort((a, b) => (b.score > a.score ? 1 : b.score < a.score ? -1 : a.order - b.order));
  const identities = new Set(running.map((v) => identityOf.get(v.playKey)));
  if (identities.size < 2 || ranked.length === 0) {
    const paid = new Map(
      keys.map((k) => [k, sum(kept.filter((d) => d.playKey === k).map((d) => d.sats))] as const),
    );
    return { void: true, paid, fee: 0n, seatFees: 0n, carryOut: carryIn, collected };
  }
  const stakes = sum(valid.map((v) => v.amount));
  const fee = floorBps(stakes, rules.feeBps);
  const cap = floorBps(stakes, rules.releaseBps);
  const released = cap < carryIn ? cap : carryIn;
  const carry = floorBps(stakes, rules.carryBps);
  const prize = stakes + released - fee - carry;
  const winners = ranked.slice(0, Math.min(10, Math.ceil(running.length / 3)));
  const total = sum(winners.map((w) => w.score));
  const won = new Map<string, bigint>();
  let leftovers = prize;
  const give = (key: string, x: bigint): void => {
    won.set(key, (won.get(key) ?? 0n) + x);
    leftovers -= x;
  };
  for (const w of winners) {
    const share = (prize * w.score) / total;
    const creator = floorBps(share, rules.creatorBps);
    give(w.creator, creator);
    for (const key of keys) {
      const mine = scoreOf(w.memeId, key);
      if (mine > 0n) give(key, ((share - creator) * mine) / w.score);
    }
  }
  const seat = BigInt(rules.seatFeeSats);
  const paid = new Map<string, bigint>();
  for (const key of keys) {
    const unspent =
      sum(kept.filter((d) => d.playKey === key).map((d) => d.sats - seat)) -
      sum(valid.filter((v) => v.playKey === key).map((v) => v.amount));
    let mine = won.get(key) ?? 0n;
    if (unspent === 0n && mine < BigInt(rules.minPayoutSats)) {
      leftovers += mine;
      mine = 0n;
    }
    if (mine + unspent !== 0n) paid.set(key, mine + unspent);
  }
  const carryOut = carry + (carryIn - released) + leftovers;
  return { void: false, paid, fee, seatFees: seat * BigInt(kept.length), carryOut, collected };
}
