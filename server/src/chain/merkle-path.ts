/**
 * Merkle paths (BUMP, BRC-74, and TSC proofs). Owns: reading one within bounds, where it leads, writing one from a TSC
 * proof. Does not own: whether a block with that root exists. Hashes are in the byte order in which they are shown.
 */
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { hash256 } from "@meme-rounds/shared-schema/hash";
import { Reader } from "./tx-reader.ts";

/** No block has more than 2^64 transactions; a taller tree is no tree. */
const MAX_LEVELS = 64;
const DUPLICATE = 1;
const OWN_TXID = 2;

/** `duplicate`: the node is its neighbour's copy, at the end of an odd level. */
type Leaf = "duplicate" | Buffer;
export interface MerklePath {
  height: number;
  levels: Map<number, Leaf>[];
  /** Places of the lowest level's nodes, by hex in wire order: one path may prove many transactions. */
  places: Map<string, number>;
}

/** Reads a path from the cursor on. Throws a RangeError. */
export function readPath(reader: Reader): MerklePath {
  const height = reader.varInt64();
  const levels: Map<number, Leaf>[] = [];
  for (let left = reader.u8(); left > 0; left--) {
    const level = new Map<number, Leaf>();
    for (let leaves = reader.varInt(); leaves > 0; leaves--) {
      const offset = reader.varInt64();
      level.set(offset, (reader.u8() & DUPLICATE) === DUPLICATE ? "duplicate" : reader.take(32));
    }
    levels.push(level);
  }
  if (levels.length > MAX_LEVELS) throw new RangeError("a path taller than any block");
  const places = new Map<string, number>();
  for (const [offset, leaf] of levels[0] ?? [])
    if (leaf !== "duplicate") places.set(leaf.toString("hex"), offset);
  return { height, levels, places };
}

/** A path in hex; undefined when it is none. */
export function parseBump(hex: string): MerklePath | undefined {
  if (!/^(?:[0-9a-f]{2})+$/.test(hex)) return undefined;
  const reader = new Reader(Buffer.from(hex, "hex"));
  try {
    const path = readPath(reader);
    return reader.at === reader.bytes.length ? path : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const pair = (left: Uint8Array, right: Uint8Array): Buffer =>
  Buffer.from(hash256(Buffer.concat([left, right])));

/** A node that is given, or that follows from the nodes below it; kept, so that no path costs more than its size. */
function nodeAt(path: MerklePath, level: number, offset: number): Leaf | undefined {
  const given = path.levels[level]?.get(offset);
  if (given !== undefined || level === 0) return given;
  const left = nodeAt(path, level - 1, offset * 2);
  if (left === undefined || left === "duplicate") return undefined;
  const right = nodeAt(path, level - 1, offset * 2 + 1);
  if (right === undefined) return undefined;
  const node = pair(left, right === "duplicate" ? left : right);
  path.levels[level]?.set(offset, node);
  return node;
}

/** The root that the path gives for a txid; undefined when the txid is not in it, or a node is missing. */
export function rootOf(path: MerklePath, txid: string): string | undefined {
  let node: Buffer = Buffer.from(txid, "hex").reverse();
  let offset = path.places.get(node.toString("hex"));
  if (offset === undefined) return undefined;
  const isAlone = path.levels.length === 1 && path.levels[0]?.size === 1;
  for (let level = 0; level < path.levels.length && !isAlone; level++) {
    const isLeft = offset % 2 === 0;
    const other = nodeAt(path, level, isLeft ? offset + 1 : offset - 1);
    if (other === undefined) return undefined;
    const sibling = other === "duplicate" ? node : other;
    node = isLeft ? pair(node, sibling) : pair(sibling, node);
    offset = Math.floor(offset / 2);
  }
  return Buffer.from(node).reverse().toString("hex");
}

function varInt(value: number): Buffer {
  if (value < 0xfd) return Buffer.from([value]);
  const bytes = Buffer.alloc(value <= 0xffff ? 3 : 5);
  if (value <= 0xffff) {
    bytes[0] = 0xfd;
    bytes.writeUInt16LE(value, 1);
  } else {
    bytes[0] = 0xfe;
    bytes.writeUInt32LE(value, 1);
  }
  return bytes;
}

/** A TSC proof (`index` in the block, `nodes` from the bottom up, `*` for a copy) as a path, hex. */
export function bumpOfTsc(height: number, txid: string, index: number, nodes: readonly string[]): string {
  const wire = (hash: string): Buffer => Buffer.from(hash, "hex").reverse();
  const leaf = (offset: number, flag: number, hash?: string): Buffer =>
    Buffer.concat([varInt(offset), Buffer.from([flag]), ...(hash === undefined ? [] : [wire(hash)])]);
  const levels = nodes.map((node, level) => {
    const own = Math.floor(index / 2 ** level);
    const other = own % 2 === 0 ? own + 1 : own - 1;
    const sibling = node === "*" ? leaf(other, DUPLICATE) : leaf(other, 0, node);
    if (level > 0) return Buffer.concat([varInt(1), sibling]);
    const mine = leaf(own, OWN_TXID, txid);
    return Buffer.concat([varInt(2), ...(other > own ? [mine, sibling] : [sibling, mine])]);
  });
  if (levels.length === 0) levels.push(Buffer.concat([varInt(1), leaf(0, OWN_TXID, txid)]));
  return toHex(Buffer.concat([varInt(height), Buffer.from([levels.length]), ...levels]));
}
