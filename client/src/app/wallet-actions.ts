/**
 * What a person does with coins: filling the wallet, putting them into a round, taking them out.
 * Owns: the order of these steps and their refusals. Does not own: coins and keys (wallet/), the room (live.ts).
 */
import type { Network } from "@meme-rounds/shared-schema/records";
import type { Api } from "../net/api.ts";
import type { AdapterDeps } from "../wallet/adapters/types.ts";
import type { PlayWallet } from "../wallet/play-wallet.ts";
import { beyondLimits } from "../wallet/spending.ts";
import type { ServerClock } from "./clock.ts";
import type { Live } from "./live.ts";
import { type AutoJoinVm, type Failure, failure, type GameActions, type Outcome } from "./model.ts";

export interface WalletActionsDeps {
  wallet: PlayWallet;
  live: Pick<Live, "snapshot" | "deposit" | "isSending">;
  clock: ServerClock;
  /** The person's own limits. */
  limits: () => AutoJoinVm;
  /** Where other wallets are looked for. */
  adapters: AdapterDeps;
  api: Pick<Api, "broadcast">;
  network: () => Network;
  now: () => number;
  /** Runs an action with the wallet shown as busy. */
  during<T extends Outcome>(work: () => Promise<T>): Promise<T | Failure>;
  /** Runs work once a key, a sign-in and a place in the room are there. */
  play(work: () => Promise<Outcome>): Promise<Outcome>;
}

const FAUCET_SATS = 100_000;

export function createWalletActions(
  deps: WalletActionsDeps,
): Pick<
  GameActions,
  "faucet" | "deposit" | "reclaimable" | "reclaim" | "withdrawQuote" | "withdraw" | "payerName" | "topUp"
> {
  const { wallet, live, during } = deps;
  /** Its code comes only when somebody looks into the wallet. */
  const payer = async () => {
    const { payingWallet } = await import("../wallet/adapters/catalog.ts");
    return await payingWallet(deps.adapters);
  };

  const deposit = async (sats: number): Promise<Outcome> => {
    const round = live.snapshot();
    if (round === undefined) return failure("ROUND_NONE", "No round is live this moment.");
    if (!Number.isSafeInteger(sats) || sats < round.minDeposit)
      return failure("DEPOSIT_AMOUNT_LOW", `The least you can put in is ${round.minDeposit} sat.`);
    if (sats > round.maxDeposit)
      return failure("DEPOSIT_AMOUNT_HIGH", `The most you can put in is ${round.maxDeposit} sat.`);
    if (deps.clock.now() >= round.depositsCloseAt)
      return failure("DEPOSITS_CLOSED", "Deposits of this round are closed.");
    // The answer to an earlier try was lost: the same transaction again, not a second one.
    const kept = wallet.pending(round.roundId).find((one) => one.sats === sats && !live.isSending(one.txid));
    if (kept !== undefined) return await live.deposit(kept);
    const book = wallet.book()?.read();
    const beyond =
      book && beyondLimits(deps.limits(), book, { roundId: round.roundId, sats }, deps.clock.now());
    if (beyond !== undefined) return beyond;
    const prepared = await wallet.prepare(round, sats);
    return prepared.ok ? await live.deposit(prepared.data) : prepared;
  };

  return {
    faucet: () => during(() => wallet.faucet(FAUCET_SATS)),
    deposit: (sats) => during(() => deps.play(() => deposit(sats))),
    reclaimable: wallet.reclaim.find,
    reclaim: (txid) =>
      during(async () => {
        await wallet.open();
        return await wallet.reclaim.take(txid);
      }),
    async withdrawQuote(wish) {
      const answer = await wallet.withdraw.quote(wish);
      return answer.ok ? { ok: true, quote: answer.data } : answer;
    },
    payerName: async () => (await payer())?.name,
    topUp: (sats) =>
      during(async () => {
        const { topUp } = await import("../wallet/top-up.ts");
        const playKey = async () => (await wallet.open()).playKey;
        return await topUp({ ...deps, payer, playKey, book: wallet.book, refresh: wallet.refresh }, sats);
      }),
    withdraw: (wish, shown) =>
      during(async () => {
        // Unlocked before coins are chosen: nobody else waits for them while a person types a passphrase.
        await wallet.open();
        return await wallet.withdraw.pay(wish, shown);
      }),
  };
}
