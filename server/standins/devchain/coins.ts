/**
 * The devchain's coins. Owns: every output that can be spent, who spends it, and the indexes by script hash that
 * WhatsOnChain's calls read. Does not own: transactions and blocks (chain.ts).
 */
import { isDataScript, scriptHashOf, type WireTx } from "./wire.ts";

export interface Coin {
  txid: string;
  vout: number;
  /** Satoshis. */
  sats: number;
  script: Uint8Array;
  scriptHash: string;
  /** The transaction that spends it, in the mempool or mined. */
  spentBy?: { txid: string; vin: number };
}

interface ScriptIndex {
  unspent: Set<Coin>;
  /** Spent by a transaction that no block has yet: WhatsOnChain still lists these. */
  spentInMempool: Set<Coin>;
  history: Set<string>;
}

export class Coins {
  readonly #coins = new Map<string, Coin>();
  readonly #byScript = new Map<string, ScriptIndex>();

  get(txid: string, vout: number): Coin | undefined {
    return this.#coins.get(`${txid}:${vout}`);
  }

  #index(scriptHash: string): ScriptIndex {
    let index = this.#byScript.get(scriptHash);
    if (!index) {
      index = { unspent: new Set(), spentInMempool: new Set(), history: new Set() };
      this.#byScript.set(scriptHash, index);
    }
    return index;
  }

  /** Spends the inputs' coins and adds the outputs' of a transaction that entered the mempool or a block. */
  apply(tx: WireTx): void {
    tx.inputs.forEach(({ txid, vout }, vin) => {
      const coin = this.get(txid, vout);
      if (!coin) return;
      coin.spentBy = { txid: tx.txid, vin };
      const index = this.#index(coin.scriptHash);
      index.unspent.delete(coin);
      index.spentInMempool.add(coin);
      index.history.add(tx.txid);
    });
    tx.outputs.forEach(({ sats, script }, vout) => {
      if (isDataScript(script)) return;
      const coin: Coin = { txid: tx.txid, vout, sats, script, scriptHash: scriptHashOf(script) };
      this.#coins.set(`${tx.txid}:${vout}`, coin);
      const index = this.#index(coin.scriptHash);
      index.unspent.add(coin);
      index.history.add(tx.txid);
    });
  }

  /** Undoes `apply` for a transaction whose outputs nothing spends any more. */
  revert(tx: WireTx): void {
    tx.outputs.forEach((_, vout) => {
      const coin = this.get(tx.txid, vout);
      if (!coin) return;
      this.#coins.delete(`${tx.txid}:${vout}`);
      const index = this.#index(coin.scriptHash);
      index.unspent.delete(coin);
      index.history.delete(tx.txid);
    });
    for (const { txid, vout } of tx.inputs) {
      const coin = this.get(txid, vout);
      if (!coin) continue;
      delete coin.spentBy;
      const index = this.#index(coin.scriptHash);
      index.spentInMempool.delete(coin);
      index.unspent.add(coin);
      index.history.delete(tx.txid);
    }
  }

  /** The block that mined `tx` makes the coins it spends leave the listings; a reorg brings them back. */
  setMined(tx: WireTx, mined: boolean): void {
    for (const { txid, vout } of tx.inputs) {
      const coin = this.get(txid, vout);
      if (!coin) continue;
      const { spentInMempool } = this.#index(coin.scriptHash);
      if (mined) spentInMempool.delete(coin);
      else spentInMempool.add(coin);
    }
  }

  unspentOf(scriptHash: string): Iterable<Coin> {
    return this.#byScript.get(scriptHash)?.unspent ?? [];
  }

  /** Unspent coins first, then those a mempool transaction spends. */
  listedOf(scriptHash: string): Coin[] {
    const index = this.#byScript.get(scriptHash);
    return index ? [...index.unspent, ...index.spentInMempool] : [];
  }

  historyOf(scriptHash: string): string[] {
    return [...(this.#byScript.get(scriptHash)?.history ?? [])];
  }
}
