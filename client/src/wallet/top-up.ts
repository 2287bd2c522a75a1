/**
 * Coins from another wallet in this browser, with one press (I3). Owns: asking that wallet to pay this one, on the right
 * network, and noting what came. Does not own: the other wallet (adapters/), this one's key.
 */
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import type { Network } from "@meme-rounds/shared-schema/records";
import { failure, type Outcome } from "../app/model.ts";
import type { Api } from "../net/api.ts";
import { type WalletBook, withEvent } from "./book.ts";

/** Another wallet that can pay on this chain. */
export interface Payer {
  readonly name: string;
  /** Where its coins are. */
  network(): Promise<"main" | "test">;
  /** Shows its own window. Rejects when the person declines. `tx` is the transaction in hex, where the wallet gives it. */
  pay(outputs: readonly { script: string; sats: number }[]): Promise<{ txid: string; tx?: string }>;
}

export interface TopUpDeps {
  /** The wallet to ask; undefined where there is none. */
  payer: () => Promise<Payer | undefined>;
  /** Makes this wallet's key when there is none yet. */
  playKey: () => Promise<string>;
  network: () => Network;
  book: () => WalletBook | undefined;
  api: Pick<Api, "broadcast">;
  refresh: () => Promise<void>;
  now: () => number;
}

/** A development chain stands where the test network would: coins of value never go there. */
const NETWORK_OF: Record<Network, "main" | "test"> = { main: "main", test: "test", devchain: "test" };

/** Asks the other wallet for `sats`. What it paid is never asked for again by itself. */
export async function topUp(deps: TopUpDeps, sats: number): Promise<Outcome> {
  if (!Number.isSafeInteger(sats) || sats < 1)
    return failure("BAD_REQUEST", "The amount is a whole number of sat, 1 or more.");
  const payer = await deps.payer();
  if (payer === undefined)
    return failure("WALLET_MISSING", "No wallet that can pay is open in this browser.");
  const network = deps.network();
  const theirs = await payer.network();
  if (theirs !== NETWORK_OF[network])
    return failure(
      "WALLET_NETWORK",
      `${payer.name} holds coins of the ${theirs} network; this game is played on ${network}.`,
    );
  const script = p2pkhScript(await deps.playKey());
  const { txid, tx } = await payer.pay([{ script, sats }]);
  deps.book()?.update((before) => ({
    ...before,
    history: withEvent(before.history, { kind: "topup", sats, at: deps.now(), txid }),
  }));
  // The wallet has sent it already; our nodes hear of it sooner this way.
  const told = tx === undefined ? undefined : await deps.api.broadcast(tx);
  await deps.refresh();
  if (told?.ok === false && told.code === "NETWORK_REFUSED")
    return failure(
      "NETWORK_REFUSED",
      `${payer.name} says it paid, and the network refuses it: ${told.message}`,
    );
  return { ok: true };
}
