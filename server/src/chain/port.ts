/** What the services know of the BSV network. Owns: the port's types. Does not own: any provider's dialect. */
import type { Transaction } from "@bsv/sdk";

/** `seen`: a node relays it, it may be mined. `pending`: nobody can say yet. Only `mined` has a block. */
export type TxStatus =
  | { state: "unknown" }
  | { state: "pending" | "seen" }
  | { state: "mined"; height: number; blockHash: string }
  | { state: "conflict"; competing: string[] }
  | { state: "rejected"; reason: string };

export interface Utxo {
  txid: string;
  vout: number;
  /** Satoshis. */
  sats: number;
  /** Absent while unmined. */
  height?: number;
}

export type RejectCode =
  | "SCRIPT"
  | "INPUTS"
  | "MALFORMED"
  | "OUTPUTS"
  | "FEE"
  | "NON_FINAL"
  | "BEEF"
  | "FROZEN"
  | "SIZE"
  | "REFUSED";

/**
 * What a broadcast came to (M3). `pending` is any unclear answer: the same bytes are sent again, nothing is rebuilt.
 * `conflict` names what else spends the coins where anybody tells, and may be empty. The txid is always our own.
 */
export type BroadcastResult =
  | { outcome: "seen"; txid: string /** Broadcasters that have accepted it. */; witnesses: number }
  | { outcome: "pending"; txid: string; reason: string }
  | { outcome: "conflict"; txid: string; competing: string[] /** Where it is dead. */; lostTo?: MinedRival }
  | { outcome: "rejected"; txid: string; code: RejectCode; reason: string };

/** A mined transaction and the outpoint that it took: only a reorganisation can still bring the other one in. */
export interface MinedRival {
  txid: string;
  /** `txid:vout`. */
  outpoint: string;
}

/** Hex of a raw transaction, with its extended format where the caller has the parents. */
export interface RawTx {
  rawHex: string;
  efHex?: string;
}

/** A merkle path whose root was checked against a header that another source gave (M5). */
export interface TxProof {
  height: number;
  blockHash: string;
  /** BRC-74, hex. */
  bump: string;
}

/** Every call but `broadcast` and `feeRate` throws CodedError UNAVAILABLE when no provider gives a usable answer. */
export interface ChainPort {
  /**
   * Sends a transaction to two broadcasters at a time. Never throws for the network's sake: trouble is `pending`.
   * With `witnesses: 1` a second one that is short of requests is asked only when the first gives no clear answer;
   * with 2 it is asked whatever that costs in time; by default when its turn comes within a second.
   */
  broadcast(tx: Transaction | RawTx, how?: { witnesses?: 1 | 2 }): Promise<BroadcastResult>;
  status(txid: string): Promise<TxStatus>;
  /**
   * Many at once; one that cannot be asked about is left out. Quick, and so blind to a rival of one that is seen:
   * where that matters, ask `status`.
   */
  statuses(txids: readonly string[]): Promise<Map<string, TxStatus>>;
  /** The proof that it is in a block of the present chain; undefined while it is in none, or no proof holds. */
  proof(txid: string): Promise<TxProof | undefined>;
  /** Is this the merkle root (as shown, hex) of the block at this height? */
  isRootAt(root: string, height: number): Promise<boolean>;
  /** Every transaction that pays or spends an address, oldest first; unmined ones last, without height. */
  historyOfAddress(address: string): Promise<{ txid: string; height?: number }[]>;
  /** Raw hex, checked against the txid; undefined when nobody knows it. */
  rawTx(txid: string): Promise<string | undefined>;
  /** Unspent outputs; those a mempool transaction spends are left out. */
  utxosOfAddress(address: string): Promise<Utxo[]>;
  utxosOfScript(scriptHex: string): Promise<Utxo[]>;
  /** The txid that spends an output, or undefined while it is unspent (or unknown). */
  spentBy(txid: string, vout: number): Promise<string | undefined>;
  /** Satoshis per 1,000 bytes: 1..500, read every 5 minutes, 100 by default (M8). */
  feeRate(): Promise<number>;
  /** The newest block's height, and the median time past in seconds. */
  tip(): Promise<{ height: number; mtp: number }>;
}

/** The part of a logger that the ports use. */
export interface ChainLogger {
  warn(fields: object, message: string): void;
}
