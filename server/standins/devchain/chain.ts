/**
 * The devchain: one node that judges, remembers and mines. Owns: submission (every script, double spends, fee, finality),
 * the orphan pool, mining, reorganisations, the faucet. Does not own: HTTP, the state's fold (state.ts), disk (store.ts).
 */
import type { Block } from "./block.ts";
import { ChainState, type Row, type StatusListener } from "./state.ts";
import type { Callback, ChainEvent, Store } from "./store.ts";
import { checkFee, checkFinal, checkScripts, checkStructure, type Policy, Refusal } from "./validate.ts";
import { readTx, scriptHashOf, type WireOutput, type WireTx, writeTx } from "./wire.ts";

export type { Policy };

export interface ChainDeps {
  store: Store;
  /** Milliseconds since the unix epoch. */
  now: () => number;
  onStatus: StatusListener;
}

/** What became of a submitted transaction that was not refused. */
export interface Submitted {
  row: Row;
  outcome: "accepted" | "known" | "conflict" | "orphan";
}

/** Anybody can spend this script: the faucet's coins are locked by it, so that a faucet payment is valid like any other. */
const ANYONE = Uint8Array.of(0x51);
const ANYONE_HASH = scriptHashOf(ANYONE);
/** Nobody has this key: block rewards are out of the game, so that no coinbase maturity needs to be kept. */
const NOBODY = Buffer.from(`76a914${"00".repeat(20)}88ac`, "hex");
const FAUCET_COINS = 64;
const FAUCET_COIN_SATS = 1_000_000_000_000;
const BLOCK_REWARD_SATS = 312_500_000;
const MAX_ORPHANS = 1000;
/** A faucet payment has one input and two outputs; its size is below this many bytes for any address. */
const FAUCET_TX_BYTES = 200;

export class DevChain {
  readonly policy: Policy;
  readonly state: ChainState;
  readonly #store: Store;
  readonly #clock: () => number;
  readonly #orphans = new Map<string, Row>();

  /** Folds `history` (the log read back) and makes the first block of a chain that has none. */
  constructor(policy: Policy, history: ChainEvent[], deps: ChainDeps) {
    this.policy = policy;
    this.#store = deps.store;
    this.#clock = deps.now;
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

  /** Judges raw or EF bytes. Throws Refusal with both dialects' words; a refused transaction changes nothing. */
  submit(bytes: Uint8Array, callback?: Callback): Submitted {
    let tx: WireTx;
    try {
      tx = readTx(bytes);
    } catch (error) {
      throw new Refusal(463, error instanceof Error ? error.message : String(error), "TX decode failed");
    }
    const known = this.state.rows.get(tx.txid);
    if (known && this.#stands(known)) {
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
    checkScripts(tx, spent, this.policy);
    this.#orphans.delete(tx.txid);
    const hex = Buffer.from(tx.raw).toString("hex");
    if (against.length > 0) this.#commit({ t: "conflict", at: this.now(), hex, against });
    else this.#commit({ t: "tx", at: this.now(), hex });
    const row = this.state.rows.get(tx.txid);
    if (!row) throw new Error(`${tx.txid} was committed and is not there`);
    if (callback) this.setCallback(tx.txid, callback);
    if (against.length === 0) this.#adoptOrphans(tx.txid);
    return { row, outcome: against.length > 0 ? "conflict" : "accepted" };
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
      firstSeen: this.now(),
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

  #coinbase(): WireTx {
    const height = this.state.blocks.length;
    const script = Buffer.alloc(10);
    script.writeUInt8(4, 0);
    script.writeUInt32LE(height, 1);
    script.writeUInt8(4, 5);
    script.writeUInt32LE(this.state.minted, 6);
    const reward: WireOutput = { sats: BLOCK_REWARD_SATS, script: NOBODY };
    const faucet = Array.from({ length: FAUCET_COINS }, () => ({ sats: FAUCET_COIN_SATS, script: ANYONE }));
    return readTx(
      writeTx({
        version: 1,
        inputs: [{ txid: "00".repeat(32), vout: 0xffffffff, script, sequence: 0xffffffff }],
        outputs: height === 0 ? faucet : [reward],
        lockTime: 0,
      }),
    );
  }

  /** Makes one block of `txids`, which must be in the mempool in an order that respects who spends whom. */
  mine(txids: string[] = [...this.state.mempool]): Block {
    const time = Math.max(Math.floor(this.now() / 1000), this.state.medianTimePast() + 1);
    const coinbase = Buffer.from(this.#coinbase().raw).toString("hex");
    this.#commit({ t: "block", time, coinbase, txids });
    return this.state.blocks.at(-1) as Block;
  }

  /**
   * Replaces the newest `depth` blocks by `depth + 1`: the first empty, the second with what came back. Transactions in
   * `drop` (and all that spend them) are not in the new chain. Returns the hashes of the blocks that are gone.
   */
  reorg(depth: number, drop: string[] = []): string[] {
    if (!Number.isInteger(depth) || depth < 1 || depth > this.state.height)
      throw new RangeError("no such depth");
    const gone = this.state.blocks.slice(-depth).map(({ hash }) => hash);
    this.#commit({ t: "unmine", depth });
    if (drop.length > 0) this.#commit({ t: "evict", txids: drop });
    this.mine([]);
    for (let i = 0; i < depth; i++) this.mine();
    return gone;
  }

  /** Moves the chain's clock ahead by `ms` for good; the median time follows after six blocks. */
  advanceClock(ms: number): void {
    if (!Number.isInteger(ms) || ms < 0) throw new RangeError("the clock only goes forward");
    this.#commit({ t: "clock", aheadMs: this.state.aheadMs + ms });
  }

  /** Pays `sats` to `script` in a valid transaction. Throws RangeError for an amount the faucet cannot give. */
  faucet(script: Uint8Array, sats: number): Submitted {
    const fee = Math.ceil((FAUCET_TX_BYTES * this.policy.feeSatPerKb) / 1000);
    const most = FAUCET_COIN_SATS / 100;
    if (!Number.isInteger(sats) || sats < 1 || sats > most) throw new RangeError(`sats must be 1 to ${most}`);
    for (const coin of this.state.coins.unspentOf(ANYONE_HASH)) {
      const change = coin.sats - sats - fee;
      if (change < 1) continue;
      const input = { txid: coin.txid, vout: coin.vout, script: new Uint8Array(0), sequence: 0xffffffff };
      const outputs = [
        { sats, script },
        { sats: change, script: ANYONE },
      ];
      return this.submit(writeTx({ version: 1, inputs: [input], outputs, lockTime: 0 }));
    }
    throw new RangeError("the faucet is empty");
  }
}
