/**
 * Transactions as strangers send them. Owns: telling raw, EF, BEEF and Atomic BEEF apart by their first bytes
 * (protocol.md 9). Does not own: reading the parts (tx-reader.ts, beef.ts) or judging them.
 */

import { Reader, type ReadTransaction, readOne } from "../chain/index.ts";
import { isBeef, type ProvenParent, readBeef } from "./beef.ts";

export type { ReadOutput, ReadTransaction } from "../chain/index.ts";

/** What was sent: the transaction it is about, and of a BEEF those ancestors that come with a merkle path. */
export interface SentTransaction {
  tx: ReadTransaction;
  /** By txid. Their paths lead to the roots named there; whether such blocks exist is the caller's to ask. */
  proven: Map<string, ProvenParent>;
}

/** Reads `hex`; undefined when it is no transaction, or has trailing bytes. */
export function readSent(hex: string): SentTransaction | undefined {
  if (!/^(?:[0-9a-f]{2})+$/.test(hex)) return undefined;
  const reader = new Reader(Buffer.from(hex, "hex"));
  try {
    const sent = isBeef(reader) ? readBeef(reader) : { tx: readOne(reader), proven: new Map() };
    return reader.at === reader.bytes.length ? sent : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The transaction in `hex` (of a BEEF, the one it is about); undefined when it is none, or has trailing bytes. */
export const readTransaction = (hex: string): ReadTransaction | undefined => readSent(hex)?.tx;
