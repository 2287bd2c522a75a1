/**
 * What this browser remembers of a wallet's doings. Owns: coin notes, deposits and payments (never lost by a
 * reload), history; one stored text per address. Does not own: the key, the network's word on coins.
 */
import type { WalletEventVm } from "../app/model.ts";
import type { CoinNotes } from "./coins.ts";
import type { Deposit } from "./deposit.ts";
import type { Spend } from "./spend.ts";

/** `pending` until the round accepted it; a `refused` one stays, in case it reached the chain all the same (M9). */
export interface KeptDeposit extends Deposit {
  state: "pending" | "accepted" | "refused";
  at: number;
  /** The chain shows that it was spent: by a settlement, or taken back. */
  ended?: true;
}

/** Coins that leave the wallet; `pending` until the network has answered, and sent again as it is until then. */
export interface KeptPayment extends Spend {
  /** Address that is paid. */
  to: string;
  /** sat that arrive there. */
  sats: number;
  at: number;
  state: "pending" | "sent" | "refused";
}

export interface Book {
  notes: CoinNotes;
  deposits: KeptDeposit[];
  payments: KeptPayment[];
  /** Newest first. */
  history: WalletEventVm[];
}

export interface WalletBook {
  read(): Book;
  /** Reads, changes and writes in one go, since other tabs write too. */
  update(change: (book: Book) => Book): Book;
}

const MAX_HISTORY = 200;
/** Deposits that are known to be spent are kept this long after their refund deadline, s. */
const KEEP_S = 30 * 86_400;
/** Others are the only way back to their coins (M9): a year longer. */
const KEEP_OPEN_S = 365 * 86_400;
const EMPTY: Book = { notes: { spent: {}, change: [] }, deposits: [], payments: [], history: [] };

export function createBook(
  options: { address: string },
  deps: { storage: Pick<Storage, "getItem" | "setItem">; now: () => number },
): WalletBook {
  const key = `mr:wallet:${options.address}`;
  const read = (): Book => {
    try {
      return { ...EMPTY, ...(JSON.parse(deps.storage.getItem(key) ?? "{}") as Partial<Book>) };
    } catch {
      return EMPTY; // Damaged: coins and payouts are on the chain, the list of them starts anew.
    }
  };
  return {
    read,
    update(change) {
      const next = change(read());
      const kept: Book = {
        notes: next.notes,
        deposits: next.deposits.filter(({ escrow, ended }) => {
          const keep = ended ? KEEP_S : KEEP_S + KEEP_OPEN_S;
          return escrow.deadline + keep > deps.now() / 1000;
        }),
        payments: next.payments.filter(
          ({ state, at }) => state === "pending" || deps.now() - at < KEEP_S * 1000,
        ),
        history: next.history.slice(0, MAX_HISTORY),
      };
      deps.storage.setItem(key, JSON.stringify(kept));
      return kept;
    },
  };
}

/** The history with an event in it once: the same kind of thing in the same transaction and round is one. */
export function withEvent(history: readonly WalletEventVm[], event: WalletEventVm): WalletEventVm[] {
  const known = history.some(
    ({ kind, txid, roundId }) => kind === event.kind && txid === event.txid && roundId === event.roundId,
  );
  return known ? [...history] : [event, ...history];
}
