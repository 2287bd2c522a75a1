/**
 * The play wallet: key, coins, deposits. Owns: putting them together, and that a deposit is stored before it is
 * sent. Does not own: signing in (session.ts), rounds, the screen.
 */
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import type { Network } from "@meme-rounds/shared-schema/records";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import { failure, type Outcome, type WalletEventVm } from "../app/model.ts";
import type { Api } from "../net/api.ts";
import type { RefundChain } from "../net/chain.ts";
import type { Answered } from "../net/http.ts";
import { createBook, type KeptDeposit, type WalletBook, withEvent } from "./book.ts";
import { type Coin, noteRefused, noteSpent, outpointOf, prune, spendable, sumOf } from "./coins.ts";
import { buildDeposit } from "./deposit.ts";
import { createReclaim, type Reclaim } from "./reclaim.ts";
import type { Key, Vault } from "./vault.ts";
import { createWithdraw, type Withdraw } from "./withdraw.ts";

export type { Key };

export interface PlayWallet {
  /** The key, once `load` or `open` has found or made it; its secret is there only while the vault is open. */
  key(): Key | undefined;
  address(): string;
  /** Undefined while there is no key. */
  book(): WalletBook | undefined;
  /** Finds the key this browser has; makes none. */
  load(): Promise<void>;
  /** A key that can sign (vault.ts `ready`): made silently at first need, the person asked where it is locked. */
  open(): Promise<Key>;
  balanceSats(): number;
  history(): WalletEventVm[];
  /** Asks the network for coins. */
  refresh(): Promise<void>;
  faucet(sats: number): Promise<Outcome>;
  /** Builds, signs and stores a deposit; its coins count as spent from here on. */
  prepare(round: Snapshot, sats: number): Promise<Answered<KeptDeposit>>;
  pending(roundId: string): KeptDeposit[];
  settled(txid: string, state: "accepted" | "refused"): void;
  paid(event: WalletEventVm): void;
  /** Takes in deposits that a backup brought along. */
  adopt(deposits: readonly KeptDeposit[]): Promise<void>;
  reclaim: Reclaim;
  withdraw: Withdraw;
}

export interface PlayWalletDeps {
  vault: Pick<Vault, "key" | "load" | "ready">;
  api: Pick<Api, "utxos" | "fee" | "faucet" | "broadcast">;
  /** The chain itself; rejects when it is not known where to find it. */
  chain: () => Promise<RefundChain>;
  storage: Pick<Storage, "getItem" | "setItem">;
  lock: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  now: () => number;
  network: () => Network;
  changed: () => void;
}

export function createPlayWallet(deps: PlayWalletDeps): PlayWallet {
  const { api, now } = deps;
  const { key, ready: open } = deps.vault;
  /** Of the key it was asked for: another one may be here since. */
  let listed: { of: string; coins: Coin[] } = { of: "", coins: [] };

  const address = (): string => {
    const playKey = key()?.playKey;
    return playKey === undefined ? "" : addressOf(playKey, deps.network());
  };
  const listing = (): Coin[] => (listed.of === address() ? listed.coins : []);
  const book = (): WalletBook => createBook({ address: address() }, deps);
  const coins = (): Coin[] => {
    if (key() === undefined) return [];
    const { notes, payments } = book().read();
    // Without an answer a payment may still arrive: its coins are not used for another one, however long it takes.
    const promised = new Set(payments.flatMap(({ state, spends }) => (state === "pending" ? spends : [])));
    return spendable(listing(), notes).filter((coin) => !promised.has(outpointOf(coin)));
  };

  const refresh = async (): Promise<void> => {
    const of = address();
    if (of === "") return;
    const answer = await api.utxos(of);
    // Out of reach: the last listing stands. Another key since: this listing is not its.
    if (!answer.ok || of !== address()) return;
    listed = { of, coins: answer.data.utxos };
    book().update((now_) => ({ ...now_, notes: prune(listing(), now_.notes, now()) }));
    deps.changed();
  };

  const prepare = async (round: Snapshot, sats: number): Promise<Answered<KeptDeposit>> => {
    const own = await open();
    await refresh();
    const fee = await api.fee();
    if (!fee.ok) return fee;
    const built = buildDeposit(round, coins(), { sats, satPerKb: fee.data.satPerKb }, own.secret);
    if (built === undefined)
      return failure(
        "BALANCE_LOW",
        `Your wallet holds ${sumOf(coins())} sat: not enough for ${sats} sat and the network fee.`,
      );
    const kept: KeptDeposit = { ...built, state: "pending", at: now() };
    const spent = built.spends.map((outpoint) => {
      const [txid = "", vout = "0"] = outpoint.split(":");
      return { txid, vout: Number(vout), sats: 0 };
    });
    book().update((before) => ({
      ...before,
      notes: noteSpent(before.notes, spent, built.change, now()),
      deposits: [...before.deposits, kept],
    }));
    deps.changed();
    return { ok: true, data: kept };
  };

  const reclaim = createReclaim({
    key,
    book,
    chain: deps.chain,
    api,
    now,
    changed: () => {
      deps.changed();
      void refresh();
    },
  });

  const withdraw = createWithdraw({
    key,
    network: deps.network,
    coins,
    book,
    api,
    refresh,
    lock: deps.lock,
    now,
    changed: deps.changed,
  });

  return {
    reclaim,
    withdraw,
    key,
    address,
    book: () => (key() === undefined ? undefined : book()),
    load: deps.vault.load,
    open,
    balanceSats: () => sumOf(coins()),
    history: () => (key() === undefined ? [] : book().read().history),
    refresh,
    async faucet(sats) {
      // Receiving takes no signature: a locked wallet stays locked.
      if (key() === undefined) await open();
      const answer = await api.faucet(address(), sats);
      if (!answer.ok) return answer;
      const { txid } = answer.data;
      book().update((before) => ({
        ...before,
        history: withEvent(before.history, { kind: "faucet", sats: answer.data.sats, at: now(), txid }),
      }));
      await refresh();
      deps.changed();
      return { ok: true };
    },
    // One at a time over all tabs: two deposits must not choose the same coins.
    prepare: (round, sats) => deps.lock("mr:coins", () => prepare(round, sats)),
    pending: (roundId) =>
      key() === undefined
        ? []
        : book()
            .read()
            .deposits.filter((one) => one.roundId === roundId && one.state === "pending"),
    settled(txid, state) {
      book().update((before) => {
        const one = before.deposits.find((deposit) => deposit.txid === txid);
        if (one === undefined || one.state === "accepted") return before;
        const { sats, roundId, spends } = one;
        return {
          ...before,
          deposits: before.deposits.map((deposit) =>
            deposit.txid === txid ? { ...deposit, state } : deposit,
          ),
          notes: state === "refused" ? noteRefused(before.notes, spends, txid) : before.notes,
          history:
            state === "accepted"
              ? withEvent(before.history, { kind: "deposit", sats, at: now(), roundId, txid })
              : before.history,
        };
      });
      deps.changed();
    },
    paid(event) {
      if (key() === undefined) return;
      const known = book().read().history;
      if (withEvent(known, event).length === known.length) return;
      book().update((before) => ({ ...before, history: withEvent(before.history, event) }));
      void refresh();
    },
    async adopt(deposits) {
      book().update((before) => {
        const had = new Set(before.deposits.map(({ txid }) => txid));
        return {
          ...before,
          deposits: [...before.deposits, ...deposits.filter(({ txid }) => !had.has(txid))],
        };
      });
      await refresh();
    },
  };
}
