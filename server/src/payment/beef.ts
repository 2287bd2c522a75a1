/**
 * BEEF and Atomic BEEF (BRC-62, BRC-95, BRC-96): a transaction with ancestors and their merkle paths. Owns: reading
 * them within bounds, and where each path leads. Does not own: whether a block with that root exists (M1 asks the
 * chain for it).
 */
import {
  type MerklePath,
  type Reader,
  type ReadTransaction,
  readOne,
  readPath,
  rootOf,
} from "../chain/index.ts";

const V1 = "0100beef";
const V2 = "0200beef";
const ATOMIC = "01010101";
/** An inner node of a merkle tree has 64 bytes too: a "transaction" of that size proves nothing. */
const NODE_BYTES = 64;

/** A transaction whose merkle path came with it. */
export interface ProvenParent {
  tx: ReadTransaction;
  height: number;
  /** Where its path leads, in the byte order in which roots are shown; undefined when it leads nowhere. */
  root: string | undefined;
}

export const isBeef = (reader: Reader): boolean =>
  [V1, V2, ATOMIC].some((marker) => reader.startsWith(marker));

/**
 * The transaction a BEEF is about (Atomic: the one it names; else the last), with its proven ancestors. Throws a
 * RangeError for bytes that are none.
 */
export function readBeef(reader: Reader): { tx: ReadTransaction; proven: Map<string, ProvenParent> } {
  let subject: string | undefined;
  if (reader.startsWith(ATOMIC)) {
    reader.take(4);
    subject = reader.hash();
  }
  const isSecond = reader.startsWith(V2);
  if (!isSecond && !reader.startsWith(V1)) throw new RangeError("no BEEF");
  reader.take(4);
  const paths: MerklePath[] = [];
  for (let left = reader.varInt(); left > 0; left--) paths.push(readPath(reader));

  const proven = new Map<string, ProvenParent>();
  const add = (tx: ReadTransaction, index: number): void => {
    const path = paths[index];
    if (path === undefined) throw new RangeError("a path that is not there");
    if (tx.rawHex.length / 2 === NODE_BYTES) return;
    proven.set(tx.txid, { tx, height: path.height, root: rootOf(path, tx.txid) });
  };
  let tx: ReadTransaction | undefined;
  for (let left = reader.varInt(); left > 0; left--) {
    const format = isSecond ? reader.u8() : undefined;
    if (format !== undefined && format > 2) throw new RangeError("an unknown format");
    if (format === 2) {
      reader.hash();
      continue;
    }
    const before = format === 1 ? reader.varInt() : undefined;
    const one = readOne(reader);
    const after = format === undefined && reader.u8() === 1 ? reader.varInt() : undefined;
    const index = before ?? after;
    if (index !== undefined) add(one, index);
    if (subject === undefined || one.txid === subject) tx = one;
  }
  if (tx === undefined) throw new RangeError("the transaction it is about is not there");
  return { tx, proven };
}
