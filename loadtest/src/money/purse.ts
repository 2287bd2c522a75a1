/**
 * A player's coins. Owns: which of them nobody has spent yet, what earlier rounds paid, changes that are used again. Does
 * not own: what is made of them (soaker.ts).
 */
import type { Coin } from "@meme-rounds/shared-schema/settlement";
import type { DevchainView } from "./chain-view.ts";

/** What Player.depositTx leaves to the miners at 100 sat/KB. */
const CHANGE_FEE = 45;
/** A coin from the bank holds the largest deposit of a plan, its fee and a change. */
export const LARGEST_DEPOSIT = 60_100;
export const SMALLEST_DEPOSIT = 1_500;
/** What is left of a coin beside a deposit: its fee and a change worth having, sat. */
export const BESIDE = 1_000;

export class Purse {
  readonly coins: Coin[] = [];
  /** What settlements spent whose payouts this player has spent, as they were at that time. */
  readonly ancestors: { txid: string; coins: { txid: string; vout: number }[] }[] = [];
  private readonly address: string;
  private readonly chain: DevchainView;

  constructor(address: string, chain: DevchainView) {
    this.address = address;
    this.chain = chain;
  }

  /** The change of a deposit, to be spent next: a double spend of the one tears down the other too. */
  keepChange(depositTxid: string, leftSats: number): void {
    const sats = leftSats - CHANGE_FEE;
    if (sats > SMALLEST_DEPOSIT + BESIDE) this.coins.unshift({ txid: depositTxid, vout: 1, sats });
  }

  /** The largest coin that a settlement paid and nothing has spent; undefined when there is none, or no answer. */
  async winnings(isOwn: (txid: string) => boolean): Promise<Coin | undefined> {
    const { chain } = this;
    try {
      const found = (await chain.unspent(this.address)).filter(({ txid }) => !isOwn(txid));
      const coin = found.toSorted((left, right) => right.sats - left.sats)[0];
      if (coin === undefined || coin.sats < SMALLEST_DEPOSIT + BESIDE) return undefined;
      const paid = await chain.tx(coin.txid);
      if (paid === undefined) return undefined;
      this.ancestors.push({ txid: coin.txid, coins: paid.inputs.map(({ txid, vout }) => ({ txid, vout })) });
      return coin;
    } catch {
      // The node is under faults of our own making; the other coins will do.
      return undefined;
    }
  }
}
