/** What the settlement's tests share: driving a round to a block, and who holds what afterwards. */
import { strict as assert } from "node:assert";
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import { amountsDue, outpointOf, type SettlementLimits } from "@meme-rounds/shared-schema/settlement";
import { FloatEmpty } from "../../src/payment/hot-wallet.ts";
import { depositCoinsOf } from "../../src/payment/settlement/basis.ts";
import { type SettleDeps, SettleLater } from "../../src/payment/settlement/settle.ts";
import { readTransaction } from "../../src/payment/transaction.ts";
import { AuditorRefusal } from "../../src/payment/wire.ts";
import type { MoneyRound, Seat, World } from "./world.ts";

/** So small that five players are collected and paid in parts. */
export const SMALL: SettlementLimits = { direct: 1, mined: 3, unmined: 2, payouts: 4 };

/** What each player is due when these seats' deposits are lost. */
export function dueOf(round: MoneyRound, lost: readonly Seat[] = []): Map<string, number> {
  const gone = new Set(lost.map(({ txid }) => `${txid}:0`));
  const coins = depositCoinsOf(round.state).filter((coin) => gone.has(outpointOf(coin)));
  const due = amountsDue(computeOutcome(round.state), coins);
  return new Map(due.map(({ playKey, sats }) => [playKey, sats]));
}

/**
 * Each player holds what it is due, in one output of one transaction, and else only the change of its deposit (2,000
 * less the fee). Every transaction of the settlement is in a block and balanced to the satoshi.
 */
export async function assertPaid(
  world: World,
  round: MoneyRound,
  lost: readonly Seat[] = [],
  what = "",
): Promise<void> {
  const { port } = world.net;
  const { roundId } = round.open;
  const view = await world.payment.settlementOf(roundId);
  assert.ok(view, what);
  const due = dueOf(round, lost);
  const paid = new Map(view.payouts.map(({ playKey, sats }) => [playKey, sats]));
  assert.deepEqual(paid, due, `${what}: what is told`);
  assert.equal(view.payouts.length, due.size, `${what}: one output each`);
  for (const { sats, txid, vout } of view.payouts) {
    const raw = await port.rawTx(txid);
    assert.equal(readTransaction(raw ?? "")?.outputs[vout]?.sats, sats, `${what}: on chain`);
  }
  for (const seat of round.seats) {
    const { playKey } = seat.who;
    const isLost = lost.includes(seat);
    const left = isLost ? 0 : seat.coin.sats - depositOf(round, seat) - 100;
    const sats = due.get(playKey) ?? 0;
    assert.equal(await world.balance(playKey), left + sats, `${what}: balance`);
    const history = await port.historyOfAddress(addressOf(playKey, "devchain"));
    // The faucet's coin, the deposit or its rival, and the payout.
    assert.equal(history.length, sats > 0 ? 3 : 2, `${what}: transactions of one player`);
  }
  for (const txid of view.txids) assert.equal((await port.status(txid)).state, "mined", `${what}: ${txid}`);
}

const depositOf = (round: MoneyRound, { txid }: Seat): number =>
  depositCoinsOf(round.state).find((coin) => coin.txid === txid)?.sats ?? 0;

/** What a worker does about a round until nothing throws any more; the devchain's blocks are the caller's. */
export async function lookAfter(
  world: World,
  roundId: string,
  patch: Partial<SettleDeps> = {},
  tries = 5,
): Promise<void> {
  for (let left = tries; ; left--)
    try {
      return await world.keeper(patch).lookAfter(roundId);
    } catch (error) {
      const passes =
        error instanceof SettleLater || error instanceof AuditorRefusal || error instanceof FloatEmpty;
      if (!passes || left <= 1) throw error;
    }
}

/** Coins of the arena's carries that no round has claimed, by the round that made them. */
export const freeCarries = async (world: World): Promise<string[]> =>
  (await world.redis.hkeys("mr:carry:free:main")).sort();

/** Which coins are reserved for a round's settlement. */
export async function reservedFor(world: World, roundId: string): Promise<string[]> {
  const all = await world.redis.hgetall("mr:wallet:reserved");
  return Object.keys(all).filter((outpoint) => all[outpoint]?.startsWith(`settle:${roundId}:`));
}
