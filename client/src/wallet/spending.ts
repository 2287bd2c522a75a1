/**
 * What playing has cost this wallet, and the limits a person set on it (I3). Owns: the sums, the verdict, the stored
 * settings. Does not own: playing by itself (app/auto-join.ts), the limits the server keeps (I6).
 */
import { type AutoJoinVm, type Failure, failure } from "../app/model.ts";
import type { Book } from "./book.ts";

const DAY_MS = 86_400_000;
export const NO_AUTO_JOIN: AutoJoinVm = {
  on: false,
  depositSats: 10_000,
  perRoundSats: 50_000,
  perDaySats: 100_000,
};

/** sat this wallet has put into a round, with what has no answer yet. */
export const inRound = (book: Pick<Book, "deposits">, roundId: string): number =>
  book.deposits
    .filter((one) => one.roundId === roundId && one.state !== "refused")
    .reduce((sum, one) => sum + one.sats, 0);

/**
 * sat that the rounds of the last 24 h cost: what went in less what they paid back, never less than 0 for a round, so
 * that a win does not buy a higher limit. A round that has not paid yet counts whole.
 */
export function spentOfDay(book: Pick<Book, "deposits" | "history">, now: number): number {
  const rounds = new Set(
    book.deposits
      .filter(({ at, state }) => now - at < DAY_MS && state !== "refused")
      .map(({ roundId }) => roundId),
  );
  let spent = 0;
  for (const roundId of rounds) {
    const back = book.history
      .filter((event) => event.roundId === roundId && (event.kind === "payout" || event.kind === "refund"))
      .reduce((sum, event) => sum + event.sats, 0);
    spent += Math.max(0, inRound(book, roundId) - back);
  }
  return spent;
}

/** Why a deposit goes beyond the person's own limits; undefined when it does not, or none are set. */
export function beyondLimits(
  settings: AutoJoinVm,
  book: Pick<Book, "deposits" | "history">,
  deposit: { roundId: string; sats: number },
  now: number,
): Failure | undefined {
  if (!settings.on) return undefined;
  const round = inRound(book, deposit.roundId) + deposit.sats;
  if (round > settings.perRoundSats)
    return failure(
      "SPENDING_LIMIT",
      `With it this round would hold ${round} sat of yours; your limit is ${settings.perRoundSats}.`,
    );
  const day = spentOfDay(book, now) + deposit.sats;
  if (day > settings.perDaySats)
    return failure(
      "SPENDING_LIMIT",
      `With it the last 24 hours could cost ${day} sat; your limit is ${settings.perDaySats}.`,
    );
  return undefined;
}

/** True for settings a person may have: whole amounts, the deposit within both limits. */
export function isAutoJoin(value: unknown): value is AutoJoinVm {
  const { on, depositSats, perRoundSats, perDaySats } = Object(value) as Record<string, unknown>;
  const amounts = [depositSats, perRoundSats, perDaySats];
  if (typeof on !== "boolean" || !amounts.every((one) => Number.isSafeInteger(one) && Number(one) > 0))
    return false;
  return Number(depositSats) <= Number(perRoundSats) && Number(perRoundSats) <= Number(perDaySats);
}

export interface AutoJoinSettings {
  read(): AutoJoinVm;
  /** `next` has to be one that isAutoJoin accepts. */
  write(next: AutoJoinVm): void;
}

/** Settings of one address; what is damaged counts as switched off. */
export function createAutoJoinSettings(
  options: { address: () => string },
  deps: { storage: Pick<Storage, "getItem" | "setItem"> },
): AutoJoinSettings {
  const key = (): string => `mr:auto-join:${options.address()}`;
  /** The same object for the same text, so that nothing is drawn again. */
  let last: { text: string; settings: AutoJoinVm } | undefined;
  const parse = (text: string): AutoJoinVm => {
    try {
      const kept: unknown = JSON.parse(text);
      return isAutoJoin(kept) ? kept : NO_AUTO_JOIN;
    } catch {
      return NO_AUTO_JOIN;
    }
  };
  return {
    read() {
      const text = deps.storage.getItem(key()) ?? "";
      if (last?.text !== text) last = { text, settings: parse(text) };
      return last.settings;
    },
    write: (next) => deps.storage.setItem(key(), JSON.stringify(next)),
  };
}
