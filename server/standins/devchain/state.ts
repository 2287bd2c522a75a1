/**
 * The devchain's state as a fold over its events, so that a replayed log and a live run agree. Owns: transactions,
 * mempool, blocks, conflicts. Does not own: judging (validate.ts, chain.ts), disk (store.ts).
 */
import { type Block, makeBlock, NO_BLOCK } from "./block.ts";
import { Coins } from "./coins.ts";
import type { Callback, ChainEvent, Trace } from "./store.ts";
import { readTx, type WireTx } from "./wire.ts";

export type ArcStatus =
  | "SEEN_ON_NETWORK"
  | "SEEN_IN_ORPHAN_MEMPOOL"
  | "DOUBLE_SPEND_ATTEMPTED"
  | "REJECTED"
  | "MINED_IN_STALE_BLOCK"
  | "MINED";

export interface Row {
  tx: WireTx;
  status: ArcStatus;
  /** When it last entered the mempool (or was refused there), ms. */
  since: number;
  competing: string[];
  mined?: { block: Block; index: number };
  callback?: Callback;
  extraInfo?: string;
}

/** Told of every change of a transaction's status. */
export type StatusListener = (row: Row) => void;

export class ChainState {
  readonly rows = new Map<string, Row>();
  readonly mempool = new Set<string>();
  readonly blocks: Block[] = [];
  readonly coins = new Coins();
  /** How many blocks were ever made, reorganised ones too: makes each coinbase unique. */
  minted = 0;
  aheadMs = 0;
  readonly #onStatus: StatusListener;

  constructor(onStatus: StatusListener) {
    this.#onStatus = onStatus;
  }

  get height(): number {
    return this.blocks.length - 1;
  }

  /** Median time of the last 11 blocks up to `height`, seconds. */
  medianTimePast(height = this.height): number {
    const times = this.blocks.slice(Math.max(0, height - 10), height + 1).map(({ time }) => time);
    return times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
  }

  apply(event: ChainEvent): void {
    switch (event.t) {
      case "tx":
        this.#addTx(readTx(Buffer.from(event.hex, "hex")), event.at);
        return;
      case "conflict":
        this.#addConflict(readTx(Buffer.from(event.hex, "hex")), event.at, event.against);
        return;
      case "callback": {
        const row = this.rows.get(event.txid);
        if (row) row.callback = event.callback;
        return;
      }
      case "block":
        this.#addBlock(event.time, readTx(Buffer.from(event.coinbase, "hex")), event.txids);
        return;
      case "unmine":
        this.#unmine(event.depth);
        return;
      case "replace": {
        const tx = readTx(Buffer.from(event.hex, "hex"));
        this.#replace(tx, event.at, event.against);
        return;
      }
      case "evict":
        for (const txid of event.txids) this.#evict(txid, event.trace ?? "rejected");
        return;
      case "clock":
        this.aheadMs = event.aheadMs;
        return;
    }
  }

  #set(row: Row, status: ArcStatus): void {
    row.status = status;
    this.#onStatus(row);
  }

  #addTx(tx: WireTx, at: number): Row {
    const row = this.rows.get(tx.txid) ?? { tx, status: "SEEN_ON_NETWORK", since: at, competing: [] };
    delete row.extraInfo;
    row.since = at;
    this.rows.set(tx.txid, row);
    this.coins.apply(tx);
    this.mempool.add(tx.txid);
    this.#set(row, "SEEN_ON_NETWORK");
    return row;
  }

  #addConflict(tx: WireTx, at: number, against: string[]): void {
    const loser: Row = { tx, status: "DOUBLE_SPEND_ATTEMPTED", since: at, competing: against };
    this.rows.set(tx.txid, loser);
    for (const txid of against) {
      const row = this.rows.get(txid);
      if (!row) continue;
      if (!row.competing.includes(tx.txid)) row.competing.push(tx.txid);
      this.#set(row, "DOUBLE_SPEND_ATTEMPTED");
    }
  }

  #addBlock(time: number, coinbase: WireTx, txids: string[]): void {
    const height = this.blocks.length;
    const block = makeBlock(height, this.blocks.at(-1)?.hash ?? NO_BLOCK, time, [coinbase.txid, ...txids]);
    this.blocks.push(block);
    this.minted += 1;
    const mined = { block, index: 0 };
    this.rows.set(coinbase.txid, {
      tx: coinbase,
      status: "MINED",
      since: time * 1000,
      competing: [],
      mined,
    });
    this.coins.apply(coinbase);
    txids.forEach((txid, position) => {
      const row = this.rows.get(txid);
      if (!row) throw new Error(`block ${height} has an unknown transaction ${txid}`);
      this.mempool.delete(txid);
      this.coins.setMined(row.tx, true);
      row.mined = { block, index: position + 1 };
      this.#set(row, "MINED");
      for (const loser of row.competing) this.#reject(loser);
    });
  }

  #reject(txid: string): void {
    const row = this.rows.get(txid);
    if (row?.status !== "DOUBLE_SPEND_ATTEMPTED" || this.mempool.has(txid)) return;
    row.extraInfo = "double spend attempted";
    this.#set(row, "REJECTED");
  }

  #unmine(depth: number): void {
    const gone = this.blocks.splice(-depth);
    const back = gone.flatMap(({ txids }) => txids.slice(1));
    for (const { txids } of gone) {
      const row = this.rows.get(txids[0] ?? "");
      if (row) this.coins.revert(row.tx);
      this.rows.delete(txids[0] ?? "");
    }
    const later = [...this.mempool];
    this.mempool.clear();
    for (const txid of [...back, ...later]) this.mempool.add(txid);
    for (const txid of back) {
      const row = this.rows.get(txid);
      if (!row) continue;
      delete row.mined;
      this.coins.setMined(row.tx, false);
      this.#set(row, "MINED_IN_STALE_BLOCK");
      this.#set(row, "SEEN_ON_NETWORK");
    }
  }

  /** A miner that saw this one first: the others leave, and both are told of as double spends. */
  #replace(tx: WireTx, at: number, against: string[]): void {
    for (const txid of against) {
      const loser = this.rows.get(txid);
      if (!loser) continue;
      this.#evict(txid, "rejected");
      if (!loser.competing.includes(tx.txid)) loser.competing.push(tx.txid);
      delete loser.extraInfo;
      this.#set(loser, "DOUBLE_SPEND_ATTEMPTED");
    }
    const row = this.#addTx(tx, at);
    row.competing = [...new Set([...row.competing, ...against])];
    this.#set(row, "DOUBLE_SPEND_ATTEMPTED");
  }

  /** Descendants first: a coin must be unspent before its transaction can go. */
  #evict(txid: string, trace: Trace): void {
    const row = this.rows.get(txid);
    if (!row || !this.mempool.has(txid)) return;
    row.tx.outputs.forEach((_, vout) => {
      const child = this.coins.get(txid, vout)?.spentBy?.txid;
      if (child !== undefined) this.#evict(child, trace);
    });
    this.coins.revert(row.tx);
    this.mempool.delete(txid);
    if (trace === "unknown") this.rows.delete(txid);
    if (trace !== "rejected") return;
    row.extraInfo = "dropped from the mempool";
    this.#set(row, "REJECTED");
  }

  /** Transactions of the mempool that `tx` stands on; no more than `most` + 1 are looked for. */
  ancestorsOf(tx: WireTx, most: number): Set<string> {
    const seen = new Set<string>();
    const left = [tx];
    for (let one = left.pop(); one !== undefined; one = left.pop()) {
      for (const { txid } of one.inputs) {
        const parent = this.mempool.has(txid) && !seen.has(txid) ? this.rows.get(txid)?.tx : undefined;
        if (!parent) continue;
        seen.add(txid);
        if (seen.size > most) return seen;
        left.push(parent);
      }
    }
    return seen;
  }
}
