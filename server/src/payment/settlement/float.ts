/**
 * The operator's own coins (M7). Owns: which are free to pay miner fees with, topping up from the devchain's faucet.
 * Does not own: reserving one (store.ts).
 */
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import type { Network } from "@meme-rounds/shared-schema/records";
import type { Coin } from "@meme-rounds/shared-schema/settlement";
import type { ChainPort } from "../../chain/index.ts";
import type { Logger } from "../../infra/logger.ts";
import { outpointText } from "../wire.ts";
import type { SettlementStore } from "./store.ts";

export interface FloatOptions {
  network: Network;
  operatorKey: string;
  /** The devchain's base URL; never looked at on another network. */
  faucetUrl?: string;
  /** Below this many free sat the float is low. */
  lowSats: number;
}

export interface FloatDeps {
  chain: ChainPort;
  store: SettlementStore;
  logger: Logger;
}

/** Several coins, so that settlements of rounds that end together do not wait for each other's change. */
const TOP_UP_COINS = 5;

export class OperatorFloat {
  private readonly options: FloatOptions;
  private readonly deps: FloatDeps;
  private toppingUp: Promise<void> | undefined;

  constructor(options: FloatOptions, deps: FloatDeps) {
    this.options = options;
    this.deps = deps;
  }

  /** Coins that no round has reserved, largest first, so that a fee takes few. */
  async free(): Promise<Coin[]> {
    const address = addressOf(this.options.operatorKey, this.options.network);
    const [utxos, reserved] = await Promise.all([
      this.deps.chain.utxosOfAddress(address),
      this.deps.store.reserved(),
    ]);
    return utxos
      .filter((utxo) => !reserved.has(outpointText(utxo)))
      .map(({ txid, vout, sats }) => ({ txid, vout, sats }))
      .sort((a, b) => b.sats - a.sats);
  }

  /** Warns when the float is low, and on the devchain fills it. */
  async keepUp(): Promise<void> {
    const total = (await this.free()).reduce((sum, { sats }) => sum + sats, 0);
    if (total >= this.options.lowSats) return;
    this.deps.logger.warn({ total, low: this.options.lowSats }, "the operator's float is low");
    this.toppingUp ??= this.topUp().finally(() => {
      this.toppingUp = undefined;
    });
    await this.toppingUp;
  }

  private async topUp(): Promise<void> {
    const { network, operatorKey, faucetUrl, lowSats } = this.options;
    if (network !== "devchain" || faucetUrl === undefined) return;
    for (let left = TOP_UP_COINS; left > 0; left--) {
      const url = new URL("/dev/faucet", faucetUrl);
      url.searchParams.set("address", addressOf(operatorKey, network));
      url.searchParams.set("sats", String(lowSats));
      const answer = await fetch(url, { method: "POST", signal: AbortSignal.timeout(10_000) });
      if (!answer.ok) throw new Error(`the faucet answered ${answer.status}`);
    }
  }
}
