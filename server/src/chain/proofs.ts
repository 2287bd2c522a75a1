/**
 * Proofs that a transaction is in a block (M5). Owns: asking for a merkle path and believing it only when its root is
 * the one of the header that another source names. Does not own: the paths' bytes (merkle-path.ts).
 */
import type { ArcClient } from "./arc-client.ts";
import { bumpOfTsc, parseBump, rootOf } from "./merkle-path.ts";
import type { TxProof } from "./port.ts";
import type { Header, WocClient } from "./woc-client.ts";

/** Roots this far below the tip are kept: no reorganisation is expected to change them. */
const DEEP_BLOCKS = 100;
const MAX_KEPT = 10_000;

export function createProofs(deps: {
  arc: Pick<ArcClient, "merklePath" | "status">;
  woc: Pick<WocClient, "header" | "tscProof" | "tip">;
}) {
  const { arc, woc } = deps;
  const kept = new Map<number, Header>();

  const headerAt = async (height: number): Promise<Header | undefined> => {
    const had = kept.get(height);
    if (had) return had;
    const header = await woc.header(height);
    if (header === undefined) return undefined;
    if (kept.size < MAX_KEPT && (await woc.tip()).height - height > DEEP_BLOCKS) kept.set(height, header);
    return header;
  };

  const checked = async (txid: string, bump: string): Promise<TxProof | undefined> => {
    const path = parseBump(bump);
    const root = path && rootOf(path, txid);
    if (path === undefined || root === undefined) return undefined;
    const header = await headerAt(path.height);
    return header?.merkleRoot === root ? { height: path.height, blockHash: header.hash, bump } : undefined;
  };

  return {
    async isRootAt(root: string, height: number): Promise<boolean> {
      return (await headerAt(height))?.merkleRoot === root;
    },

    /** ARC's path against WhatsOnChain's header; else WhatsOnChain's path against the block that ARC names. */
    async proof(txid: string): Promise<TxProof | undefined> {
      const bump = await arc.merklePath(txid).catch(() => undefined); // no answer is no proof: the next source is asked
      const proven = bump === undefined ? undefined : await checked(txid, bump);
      if (proven) return proven;
      const tsc = await woc.tscProof(txid);
      const header = tsc && (await woc.header(tsc.blockHash));
      if (header === undefined || tsc === undefined) return undefined;
      const named = await arc.status(txid).catch(() => undefined); // see above
      if (named?.state === "mined" && named.blockHash !== header.hash) return undefined;
      return await checked(txid, bumpOfTsc(header.height, txid, tsc.index, tsc.nodes));
    },
  };
}
