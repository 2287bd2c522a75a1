/**
 * Taking deposits back after their deadline, from this browser and the chain alone (M9). Owns: which deposits are due,
 * asking the chain about them, making and sending a refund. Does not own: the refund's bytes (shared schema), storage.
 */
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { buildRefund, escrowCoinOf, isOpen } from "@meme-rounds/shared-schema/refund";
import { type Failure, failure, type Outcome, type ReclaimableVm } from "../app/model.ts";
import type { Api } from "../net/api.ts";
import type { RefundChain } from "../net/chain.ts";
import { type WalletBook, withEvent } from "./book.ts";

export interface Reclaim {
  /** Deposits past their deadline that no round has settled; those found spent are not asked about again. */
  find(): Promise<{ ok: true; deposits: ReclaimableVm[] } | Failure>;
  /** Sends the refund of a deposit to the player's own address. */
  take(txid: string): Promise<Outcome>;
}

export interface ReclaimDeps {
  key: () => { secret: Uint8Array; playKey: string } | undefined;
  book: () => WalletBook;
  /** Rejects when no chain API is known. */
  chain: () => Promise<RefundChain>;
  /** The second way to the network, while our server is there. */
  api: Pick<Api, "broadcast">;
  now: () => number;
  changed: () => void;
}

/** What nodes ask by default, sat/KB (M8): the rate of a server that may be gone is not needed. */
const SAT_PER_KB = 100;

export function createReclaim(deps: ReclaimDeps): Reclaim {
  const dueDeposits = () =>
    deps.key() === undefined
      ? []
      : deps
          .book()
          .read()
          .deposits.filter(({ escrow, ended }) => ended === undefined && escrow.deadline * 1000 < deps.now());

  const end = (txid: string): void => {
    deps.book().update((book) => ({
      ...book,
      deposits: book.deposits.map((one) => (one.txid === txid ? { ...one, ended: true as const } : one)),
    }));
  };

  const send = async (chain: RefundChain, rawHex: string): Promise<boolean> => {
    if (await chain.send(rawHex)) return true;
    return (await deps.api.broadcast(rawHex)).ok;
  };

  const look = async (): Promise<ReclaimableVm[]> => {
    const due = dueDeposits();
    if (due.length === 0) return [];
    const chain = await deps.chain();
    const mtp = await chain.mtp();
    const found: ReclaimableVm[] = [];
    for (const deposit of due) {
      const coin = escrowCoinOf(deposit);
      if (typeof coin === "string") continue; // Damaged notes: the chain has nothing that fits them.
      const { kind } = await chain.standing(coin);
      if (kind === "spent") end(deposit.txid);
      const { txid, roundId } = deposit;
      const opensAt = coin.deadline * 1000;
      if (kind === "unspent")
        found.push({ txid, roundId, sats: coin.sats, opensAt, open: isOpen(coin, mtp) });
    }
    return found;
  };

  const take = async (txid: string): Promise<Outcome> => {
    const key = deps.key();
    const deposit = dueDeposits().find((one) => one.txid === txid);
    const coin = deposit === undefined ? "this deposit is not due" : escrowCoinOf(deposit);
    if (key === undefined || deposit === undefined || typeof coin === "string")
      return failure(
        "BAD_REQUEST",
        `It cannot be taken back: ${typeof coin === "string" ? coin : "no key"}.`,
      );
    const chain = await deps.chain();
    if (!isOpen(coin, await chain.mtp()))
      return failure("NETWORK_REFUSED", "It is too early still: the chain's clock lags by up to an hour.");
    const how = { secret: key.secret, toScript: p2pkhScript(key.playKey), satPerKb: SAT_PER_KB };
    const refund = buildRefund(coin, key.playKey, how);
    if (refund === undefined) return failure("BAD_REQUEST", "It holds less than the network's fee.");
    // The same bytes again after an unclear answer: nothing is stored, they follow from the deposit.
    if (!(await send(chain, refund.rawHex)))
      return failure("OFFLINE", "The network did not take it yet. Try again: it is the same transaction.");
    const { sats } = refund;
    const event = {
      kind: "refund",
      sats,
      at: deps.now(),
      roundId: deposit.roundId,
      txid: refund.txid,
    } as const;
    deps.book().update((book) => ({ ...book, history: withEvent(book.history, event) }));
    end(txid);
    deps.changed();
    return { ok: true };
  };

  /** A chain API that is away is no mistake of anybody's: a sentence, not a crash. */
  const told = (error: unknown): Failure =>
    failure(
      "OFFLINE",
      `Your deposits cannot be looked up: ${error instanceof Error ? error.message : String(error)}.`,
    );

  return {
    find: () => look().then((deposits) => ({ ok: true, deposits }), told),
    take: (txid) => take(txid).catch(told),
  };
}
