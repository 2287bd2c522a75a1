/** Blocks of the devchain. Owns: merkle tree, header, BUMP and TSC proofs. Does not own: which transactions a block has. */
import { MerklePath } from "@bsv/sdk";
import { fromDisplay, hash256, toDisplay } from "./wire.ts";

export interface Block {
  height: number;
  hash: string;
  prev: string;
  merkleRoot: string;
  /** Seconds since the unix epoch. */
  time: number;
  /** Coinbase first. */
  txids: string[];
  /** The merkle tree, leaves first, internal byte order. */
  levels: Buffer[][];
}

/** Regtest difficulty: no work is done, the header's shape is real. */
const BITS = 0x207fffff;
export const BITS_HEX = BITS.toString(16);
export const NO_BLOCK = "00".repeat(32);

function merkleLevels(txids: string[]): Buffer[][] {
  let level = txids.map(fromDisplay);
  const levels = [level];
  while (level.length > 1) {
    const above: Buffer[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i] as Buffer;
      above.push(hash256(Buffer.concat([left, level[i + 1] ?? left])));
    }
    levels.push(above);
    level = above;
  }
  return levels;
}

/** The 80 bytes of a block header. */
function headerBytes(block: Pick<Block, "prev" | "merkleRoot" | "time">): Buffer {
  const out = Buffer.alloc(80);
  out.writeUInt32LE(1, 0);
  fromDisplay(block.prev).copy(out, 4);
  fromDisplay(block.merkleRoot).copy(out, 36);
  out.writeUInt32LE(block.time, 68);
  out.writeUInt32LE(BITS, 72);
  return out;
}

/** Builds the block over `prev`; `time` in seconds. */
export function makeBlock(height: number, prev: string, time: number, txids: string[]): Block {
  const levels = merkleLevels(txids);
  const merkleRoot = toDisplay(levels.at(-1)?.[0] ?? Buffer.alloc(32));
  const hash = toDisplay(hash256(headerBytes({ prev, merkleRoot, time })));
  return { height, hash, prev, merkleRoot, time, txids, levels };
}

/** The sibling of every node on the way from leaf `index` to the root; null where the node is its own sibling. */
function siblings(block: Block, index: number): { offset: number; hash: string | null }[] {
  return block.levels.slice(0, -1).map((level, depth) => {
    const offset = (index >> depth) ^ 1;
    const node = level[offset];
    return { offset, hash: node ? toDisplay(node) : null };
  });
}

/** BUMP (BRC-74) hex of the transaction at `index`. */
export function bumpHex(block: Block, index: number): string {
  const txid = block.txids[index] ?? NO_BLOCK;
  const leaf = { offset: index, hash: txid, txid: true };
  const path = siblings(block, index).map(({ offset, hash }, depth) => {
    const sibling = hash === null ? { offset, duplicate: true } : { offset, hash };
    return depth > 0 ? [sibling] : [leaf, sibling].sort((a, b) => a.offset - b.offset);
  });
  return new MerklePath(block.height, path.length > 0 ? path : [[leaf]]).toHex();
}

/** TSC proof as WhatsOnChain gives it. */
export function tscProof(block: Block, index: number) {
  const nodes = siblings(block, index).map(({ hash }) => hash ?? "*");
  return [{ index, txOrId: block.txids[index] ?? NO_BLOCK, target: block.hash, nodes }];
}
