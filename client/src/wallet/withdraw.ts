/**
 * Coins out of the wallet to any address (I3). Owns: what a payment would cost, building it, storing it before it is
 * sent, and sending the same bytes again until the network has answered. Does not own: choosing coins (coins.ts).
 */
import { readAddress } from "@meme-rounds/shared-schema/address";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import type { Network } from "@meme-rounds/shared-schema/records";
import { failure, type Outcome, type WithdrawalVm, type WithdrawQuote } from "../app/model.ts";
import type { Api } from "../net/api.ts";
import type { Answered } from "../net/http.ts";
import { type KeptPayment, type WalletBook, withEvent } from "./book.ts";
import {
  type Coin,
  noteRefused,
  noteSpent,
  type Selection,
  selectCoins,
  selectSweep,
  sumOf,
} from "./coins.ts";
import { spendCoins } from "./spend.ts";

export interface Withdraw {
  /** What would leave the wallet. Nothing is built or stored. */
  quote(wish: WithdrawalVm): Promise<Answered<WithdrawQuote>>;
  /**
   * Pays. Refuses when the fee is above the one that was shown. `ok` says that the network has it or that it goes out
   * again until it does; a payment the network refuses is taken back whole.
   */
  pay(wish: WithdrawalVm, shown: WithdrawQuote): Promise<Outcome>;
  /** Sends what has no answer yet once more. */
  resend(): Promise<void>;
}

export interface WithdrawDeps {
  key: () => { secret: Uint8Array; playKey: string } | undefined;
  network: () => Network;
  /** What can be spent now. */
  coins: () => Coin[];
  book: () => WalletBook;
  api: Pick<Api, "fee" | "broadcast">;
  /** Asks the network for coins. */
  refresh: () => Promise<void>;
  lock: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  now: () => number;
  changed: () => void;
}

interface Plan extends WithdrawQuote {
  selection: Selection;
  script: string;
}

export function createWithdraw(deps: WithdrawDeps): Withdraw {
  const { api, now } = deps;

  const plan = async ({ address, sats }: WithdrawalVm): Promise<Answered<Plan>> => {
    const key = deps.key();
    const read = readAddress(address.trim(), deps.network());
    if (!read.ok) return failure("ADDRESS_WRONG", `It cannot be paid: ${read.reason}.`);
    if (key !== undefined && read.script === p2pkhScript(key.playKey))
      return failure("ADDRESS_WRONG", "This is the address of this wallet itself.");
    if (sats !== "max" && (!Number.isSafeInteger(sats) || sats < 1))
      return failure("BAD_REQUEST", "The amount is a whole number of sat, 1 or more.");
    const rate = await api.fee();
    if (!rate.ok) return rate;
    const wanted = { scriptBytes: read.script.length / 2, satPerKb: rate.data.satPerKb };
    const coins = deps.coins();
    const selection = sats === "max" ? selectSweep(coins, wanted) : selectCoins(coins, { ...wanted, sats });
    if (selection === undefined)
      return failure(
        "BALANCE_LOW",
        `Your wallet holds ${sumOf(coins)} sat: not enough for the amount and the network fee.`,
      );
    const arriving = sats === "max" ? sumOf(selection.coins) - selection.fee : sats;
    return { ok: true, data: { sats: arriving, fee: selection.fee, selection, script: read.script } };
  };

  const settle = (payment: KeptPayment, state: "sent" | "refused"): void => {
    const { txid, sats, at } = payment;
    deps.book().update((before) => ({
      ...before,
      payments: before.payments.map((one) => (one.txid === txid ? { ...one, state } : one)),
      notes: state === "refused" ? noteRefused(before.notes, payment.spends, txid) : before.notes,
      history:
        state === "sent" ? withEvent(before.history, { kind: "withdrawal", sats, at, txid }) : before.history,
    }));
    deps.changed();
  };

  const send = async (payment: KeptPayment): Promise<Outcome> => {
    const answer = await api.broadcast(payment.tx);
    if (answer.ok && answer.data.status === "seen") settle(payment, "sent");
    if (answer.ok) return { ok: true };
    if (answer.code === "NETWORK_REFUSED") {
      settle(payment, "refused");
      return answer;
    }
    return failure(
      "OFFLINE",
      "It is signed and kept here, and no answer has come yet. It goes out again by itself; do not send it twice.",
    );
  };

  const build = async (wish: WithdrawalVm, shown: WithdrawQuote): Promise<Answered<KeptPayment>> => {
    const key = deps.key();
    if (key === undefined) return failure("AUTH_REQUIRED", "There is no key in this browser.");
    await deps.refresh();
    const planned = await plan(wish);
    if (!planned.ok) return planned;
    const { sats, fee, selection, script } = planned.data;
    if (fee > shown.fee || sats !== shown.sats)
      return failure(
        "QUOTE_CHANGED",
        `The coins in the wallet have changed: ${sats} sat would arrive for a fee of ${fee} sat.`,
      );
    const spend = spendCoins(selection, [{ sats, script }], key.secret);
    const payment: KeptPayment = { ...spend, to: wish.address.trim(), sats, at: now(), state: "pending" };
    deps.book().update((before) => ({
      ...before,
      notes: noteSpent(before.notes, selection.coins, spend.change, now()),
      payments: [...before.payments, payment],
    }));
    deps.changed();
    return { ok: true, data: payment };
  };

  return {
    async quote(wish) {
      const planned = await plan(wish);
      return planned.ok ? { ok: true, data: { sats: planned.data.sats, fee: planned.data.fee } } : planned;
    },
    async pay(wish, shown) {
      // One at a time over all tabs, like deposits: two payments must not choose the same coins.
      const built = await deps.lock("mr:coins", () => build(wish, shown));
      return built.ok ? await send(built.data) : built;
    },
    async resend() {
      if (deps.key() === undefined) return;
      const waiting = deps
        .book()
        .read()
        .payments.filter(({ state }) => state === "pending");
      for (const payment of waiting) await send(payment);
    },
  };
}
