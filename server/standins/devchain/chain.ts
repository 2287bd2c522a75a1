/**
 * The devchain: one node that judges, remembers and mines. Owns: submission (every script, double spends, fee, finality),
 * the orphan pool, mining, reorganisations, the faucet. Does not own: HTTP, the state's fold (state.ts), disk (store.ts).
 */
import type { Verifier } from "../../src/infra/ecdsa.ts";
import type { Block } from "./block.ts";
import { coinbaseTx, faucetPayments } from "./faucet.ts";
import { ChainState, type Row, type StatusListener } from "./state.ts";
import type { Callback, ChainEvent, Store, Trace } from "./store.ts";
import {
  checkAncestors,
  checkFee,
  checkFinal,
  checkScripts,
  checkStructure,
  type Policy,
  Refusal,
} from "./validate.ts";
import { readTx, type WireTx } from "./wire.ts";

export type { Policy };

export interface ChainDeps {
  store: Store;
  /** Milliseconds since the unix epoch. */
  now: () => number;
  onStatus: StatusListener;
  /** Checks signatures faster than the SDK; it never has the last word against one. */
  native?: Verifier;
}

/** What became of a submitted transaction that was not refused. */
export interface Submitted {
  row: Row;
  outcome: "accepted" | "known" | "conflict" | "orphan";
}

const MAX_ORPHANS = 1000;

function readOrRefuse(bytes: Uint8Array): WireTx {
  try {
    return readTx(bytes);
  } catch (error) {
    throw new Refusal(463, error instanceof Error ? error.message : String(error), "TX decode failed");
  }
}

export class DevChain {
  policy: Policy;
  readonly state: ChainState;
  readonly #store: Store;
  readonly #clock: () => number;
  readonly #native: Verifier | undefined;
  readonly #orphans = new Map<string, Row>();

  /** Folds `history` (the log read back) and makes the first block of a chain that has none. */
  constructor(policy: Policy, history: ChainEvent[], deps: ChainDeps) {
    this.policy = policy;
    this.#store = deps.store;
    this.#clock = deps.now;
    this.#native = deps.native;
    let live = false;
    this.state = new ChainState((row) => {
      if (live) deps.onStatus(row);
    });
    for (const event of history) this.state.apply(event);
    live = true;
    if (this.state.blocks.length === 0) this.mine();
  }

  /** The chain's clock: the machine's, moved ahead by `advanceClock`. Milliseconds. */
  now(): number {
    return this.#clock() + this.state.aheadMs;
  }

  #commit(event: ChainEvent): void {
    this.state.apply(event);
    this.#store.append(event);
  }

  find(txid: string): Row | undefined {
    return this.state.rows.get(txid) ?? this.#orphans.get(txid);
  }

  setCallback(txid: string, callback: Callback): void {
    const orphan = this.#orphans.get(txid);
    if (orphan) orphan.callback = callback;
    else this.#commit({ t: "callback", txid, callback });
  }

  /**
   * Judges raw or EF bytes. Throws Refusal with both dialects' words; a refused transaction changes nothing. With `force`
   * it takes the place of those in the mempool that spend its coins, as if the next miner had seen it before them.
   */
  submit(bytes: Uint8Array, callback?: Callback, force = false): Submitted {
    const tx = readOrRefuse(bytes);
    const known = this.state.rows.get(tx.txid);
    if (known && this.#stands(known) && !(force && !this.#inChain(tx.txid))) {
      if (callback) this.setCallback(tx.txid, callback);
      return { row: known, outcome: this.#inChain(tx.txid) ? "known" : "conflict" };
    }
    checkStructure(tx, this.policy);
    const missing = this.#missingParents(tx);
    if (missing === "parents" && !tx.extended) {
      throw new Refusal(460, "parent transaction not found", "Missing inputs");
    }
    if (missing) return this.#keepOrphan(tx, callback);
    const { spent, against } = this.#coinsOf(tx);
    checkFinal(tx, this.state.height + 1, this.state.medianTimePast());
    checkFee(tx, spent, this.policy);
    const ancestors = this.state.ancestorsOf(tx, this.policy.maxAncestors);
    checkAncestors(ancestors.size, this.policy);
    if (against.some((txid) => ancestors.has(txid)))
      throw new Refusal(462, "spends a coin that its own ancestor spends", "Missing inputs");
    checkScripts(tx, spent, this.policy, this.#native);
    this.#orphans.delete(tx.txid);
    const lost = against.length > 0 && !force;
    this.#enter(tx, against, lost);
    const row = this.state.rows.get(tx.txid);
    if (!row) throw new Error(`${tx.txid} was committed and is not there`);
    if (callback) this.setCallback(tx.txid, callback);
    if (!lost) this.#adoptOrphans(tx.txid);
    return { row, outcome: lost ? "conflict" : "accepted" };
  }

  #enter(tx: WireTx, against: string[], lost: boolean): void {
    const hex = Buffer.from(tx.raw).toString("hex");
    const at = this.now();
    if (against.length === 0) this.#commit({ t: "tx", at, hex });
    else this.#commit({ t: lost ? "conflict" : "replace", at, hex, against });
  }

  #inChain(txid: string): boolean {
    return this.state.mempool.has(txid) || this.state.rows.get(txid)?.mined !== undefined;
  }

  /** False for a transaction that was dropped, or lost to others that have gone since: it is judged again. */
  #stands({ tx, status, competing }: Row): boolean {
    if (this.#inChain(tx.txid)) return true;
    return status === "DOUBLE_SPEND_ATTEMPTED" && competing.some((txid) => this.#inChain(txid));
  }

  /**
   * What an input lacks: its parent is unknown, or its coin was spent by a block. A real node cannot tell the latter
   * from the former and keeps such a transaction as an orphan.
   */
  #missingParents(tx: WireTx): "parents" | "coins" | undefined {
    let spentForGood = false;
    for (const { txid, vout } of tx.inputs) {
      if (!this.#inChain(txid)) return "parents";
      const coin = this.state.coins.get(txid, vout);
      if (!coin) throw new Refusal(462, "the parent has no such output", "Missing inputs");
      if (coin.spentBy && this.state.rows.get(coin.spentBy.txid)?.mined) spentForGood = true;
    }
    return spentForGood ? "coins" : undefined;
  }

  #coinsOf(tx: WireTx): { spent: { sats: number; script: Uint8Array }[]; against: string[] } {
    const against = new Set<string>();
    const spent = tx.inputs.map(({ txid, vout }) => {
      const coin = this.state.coins.get(txid, vout);
      if (!coin) throw new Refusal(462, "the parent has no such output", "Missing inputs");
      if (coin.spentBy) against.add(coin.spentBy.txid);
      return coin;
    });
    return { spent, against: [...against] };
  }

  #keepOrphan(tx: WireTx, callback?: Callback): Submitted {
    const row: Row = {
      tx,
      status: "SEEN_IN_ORPHAN_MEMPOOL",
      since: this.now(),
      competing: [],
      ...(callback ? { callback } : {}),
    };
    this.#orphans.set(tx.txid, row);
    const oldest = this.#orphans.keys().next().value;
    if (this.#orphans.size > MAX_ORPHANS && oldest !== undefined) this.#orphans.delete(oldest);
    return { row, outcome: "orphan" };
  }

  #adoptOrphans(parent: string): void {
    for (const [txid, { tx, callback }] of [...this.#orphans]) {
      if (!tx.inputs.some((input) => input.txid === parent)) continue;
      this.#orphans.delete(txid);
      try {
        this.submit(tx.raw, callback);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        // It waits for one more parent; any other refusal lets it go, as a node does.
        if (error.status === 460) this.#keepOrphan(tx, callback);
      }
    }
  }

  /** Makes one block of the mempool but for `leave` and what spends them, after dropping what waited too long. */
  mine(leave: string[] = []): Block {
    this.#expire();
    const left = new Set(leave);
    const taken: string[] = [];
    // In the mempool parents come before those that spend them.
    for (const txid of this.state.mempool) {
      const inputs = this.state.rows.get(txid)?.tx.inputs ?? [];
      if (left.has(txid) || inputs.some((input) => left.has(input.txid))) left.add(txid);
      else taken.push(txid);
    }
    return this.#block(taken);
  }

  /** `txids` must be in the mempool, in an order that respects who spends whom. */
  #block(txids: string[]): Block {
    const time = Math.max(Math.floor(this.now() / 1000), this.state.medianTimePast() + 1);
    const coinbase = Buffer.from(coinbaseTx(this.state.blocks.length, this.state.minted).raw).toString("hex");
    this.#commit({ t: "block", time, coinbase, txids });
    return this.state.blocks.at(-1) as Block;
  }

  /**
   * Replaces the newest `depth` blocks by `depth + 1`: the first empty, the second with what came back. Transactions in
   * `drop` (and all that spend them) are not in the new chain; those in `bring` (bytes) are, whatever they conflict with.
   * Returns the hashes of the blocks that are gone. Throws RangeError, or the Refusal of one that `bring` names, after the new blocks are made.
   */
  reorg(depth: number, drop: string[] = [], bring: Uint8Array[] = []): string[] {
    if (!Number.isInteger(depth) || depth < 1 || depth > this.state.height)
      throw new RangeError("no such depth");
    const gone = this.state.blocks.slice(-depth).map(({ hash }) => hash);
    this.#commit({ t: "unmine", depth });
    this.evict(drop);
    try {
      for (const bytes of bring) this.submit(bytes, undefined, true);
    } finally {
      this.#block([]);
      for (let i = 0; i < depth; i++) this.mine();
    }
    return gone;
  }

  /** Moves the chain's clock ahead by `ms` for good; the median time follows after six blocks. */
  advanceClock(ms: number): void {
    if (!Number.isInteger(ms) || ms < 0) throw new RangeError("the clock only goes forward");
    this.#commit({ t: "clock", aheadMs: this.state.aheadMs + ms });
  }

  /** Takes transactions, and all that spend them, out of the mempool; `trace` is what ARC says of them from then on. */
  evict(txids: string[], trace: Trace = "rejected"): void {
    for (const txid of txids) this.#orphans.delete(txid);
    const there = txids.filter((txid) => this.state.mempool.has(txid));
    if (there.length > 0) this.#commit({ t: "evict", txids: there, trace });
  }

  #expire(): void {
    const before = this.now() - this.policy.mempoolExpiryMs;
    this.evict([...this.state.mempool].filter((txid) => (this.state.rows.get(txid)?.since ?? 0) < before));
  }

  /** Pays `sats` to `script` in a valid transaction. Throws RangeError for an amount the faucet cannot give. */
  faucet(script: Uint8Array, sats: number): Submitted {
    for (const bytes of faucetPayments(this.state.coins, script, sats, this.policy.feeSatPerKb)) {
      try {
        return this.submit(bytes);
      } catch (error) {
        if (!(error instanceof Refusal) || error.status !== 475) throw error;
      }
    }
    throw new RangeError("the faucet is empty until the next block");
  }
}
