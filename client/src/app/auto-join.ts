/**
 * Playing every round without a press (I3). Owns: when to put the chosen deposit into a round, once, and when to stop.
 * Does not own: the deposit (wallet-actions.ts), the limits' sums (wallet/spending.ts).
 */
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import type { WalletBook } from "../wallet/book.ts";
import { type AutoJoinSettings, inRound, isAutoJoin } from "../wallet/spending.ts";
import { type AutoJoinVm, failure, type NoticeVm, type Outcome } from "./model.ts";

export interface AutoJoin {
  settings(): AutoJoinVm;
  /** Refuses amounts that do not fit each other. Switched on it joins the round that is open at once. */
  set(next: AutoJoinVm): Promise<Outcome>;
  /** A round opened, coins came, the page woke up: joins where it should and has not. */
  look(): void;
}

export interface AutoJoinDeps {
  kept: AutoJoinSettings;
  /** Undefined while there is no wallet. */
  book: () => WalletBook | undefined;
  snapshot: () => Snapshot | undefined;
  serverNow: () => number;
  balanceSats: () => number;
  /** False where this tab may not sign: nobody is signed in, the wallet is locked or another tab has it. */
  canSign: () => boolean;
  deposit: (sats: number) => Promise<Outcome>;
  lock: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  after: (ms: number, work: () => void) => () => void;
  random: () => number;
  notice: (kind: NoticeVm["kind"], text: string) => void;
  changed: () => void;
}

/** Refusals that the same deposit meets again in the next round: a person has to look. */
const LASTING = new Set([
  "SPENDING_LIMIT",
  "PLAY_LIMIT_REACHED",
  "COOLING_OFF",
  "SELF_EXCLUDED",
  "CONSENT_REQUIRED",
]);

/** Everybody's browser hears of a round at once; their deposits come over this long, ms. */
const SPREAD_MS = 5_000;

export function createAutoJoin(deps: AutoJoinDeps): AutoJoin {
  const { kept } = deps;
  /** Rounds in which nothing more is tried. */
  let done = "";
  let working = false;

  /** The round to join now, if any. */
  const due = (): Snapshot | undefined => {
    const { on, depositSats } = kept.read();
    const round = deps.snapshot();
    const book = deps.book()?.read();
    if (!on || round === undefined || book === undefined || round.roundId === done) return undefined;
    if (deps.serverNow() >= round.depositsCloseAt || !deps.canSign()) return undefined;
    if (inRound(book, round.roundId) > 0) return undefined;
    // Coins of the round before come home a minute after it: this looks again when they do.
    return deps.balanceSats() > depositSats ? round : undefined;
  };

  const join = async (): Promise<void> => {
    const round = due();
    if (round === undefined) return;
    const { depositSats } = kept.read();
    const outcome = await deps.deposit(depositSats);
    if (outcome.ok) {
      done = round.roundId;
      deps.notice("success", `Auto-join put ${depositSats} sat into this round.`);
      return;
    }
    // Without an answer it is stored and goes out again by itself.
    if (outcome.code === "OFFLINE" || outcome.code === "DEPOSIT_PENDING") return;
    done = round.roundId;
    if (LASTING.has(outcome.code)) {
      kept.write({ ...kept.read(), on: false });
      deps.changed();
      deps.notice("warning", `Auto-join is switched off: ${outcome.message}`);
    } else deps.notice("warning", `Auto-join sits this round out: ${outcome.message}`);
  };

  const look = (): void => {
    if (working || due() === undefined) return;
    working = true;
    // Two tabs at once: the second finds the first one's deposit in the book.
    deps.after(1_000 + deps.random() * SPREAD_MS, () => {
      void deps.lock("mr:auto-join", join).finally(() => {
        working = false;
      });
    });
  };

  return {
    settings: kept.read,
    async set(next) {
      if (!isAutoJoin(next))
        return failure(
          "BAD_REQUEST",
          "Amounts are whole numbers of sat: the deposit within the round's limit, and that within the day's.",
        );
      const round = deps.snapshot();
      if (next.on && round !== undefined) {
        const { minDeposit, maxDeposit } = round;
        if (next.depositSats < minDeposit || next.depositSats > maxDeposit)
          return failure("BAD_REQUEST", `A deposit is between ${minDeposit} and ${maxDeposit} sat.`);
      }
      kept.write(next);
      done = "";
      deps.changed();
      look();
      return { ok: true };
    },
    look,
  };
}
