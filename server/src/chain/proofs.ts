/**
 * Proofs that a transaction is in a block (M5). Owns: asking for a merkle path and believing it only when its root is
 * the one of the header that another source names. Does not own: the paths' bytes (merkle-path.ts).
 */

import { counter } from "../infra/metrics.ts";
import type { ArcClient } from "./arc-client.ts";
import { bumpOfTsc, parseBump, rootOf } from "./merkle-path.ts";
import type { ChainLogger, TxProof } from "./port.ts";
import type { Header, WocClient } from "./woc-client.ts";

/** Roots this far below the tip are kept: no reorganisation is expected to change them. */
const DEEP_BLOCKS = 100;
const MAX_KEPT = 10_000;

export function createProofs(deps: {
  arc: Pick<ArcClient, "merklePath" | "status">;
  woc: Pick<WocClient, "header" | "tscProof" | "tip">;
  logger?: ChainLogger;
}) {
  const { arc, woc, logger } = deps;
  const wrong = counter("mr_chain_wrong_proofs_total", "Merkle paths that no block's header bears out", [
    "source",
  ]);
  const kept = new Map<number, Header>();

  const headerAt = async (height: number): Promise<Header | undefined> => {
    const had = kept.get(height);
    if (had) return had;
    const header = await woc.header(height);
    if (header?.height !== height) return undefined;
    if (kept.size < MAX_KEPT && (await woc.tip()).height - height > DEEP_BLOCKS) kept.set(height, header);
    return header;
  };

  const checked = async (source: "arc" | "woc", txid: string, bump: string): Promise<TxProof | undefined> => {
    const path = parseBump(bump);
    const root = path && rootOf(path, txid);
    const header = path && root !== undefined ? await headerAt(path.height) : undefined;
    if (header && header.merkleRoot === root) return { height: header.height, blockHash: header.hash, bump };
    wrong.inc({ source });
    logger?.warn({ source, txid, height: path?.height }, "a merkle path that no header bears out");
    return undefined;
  };

  /** ARC's word; undefined, and logged, when it has none: then the next source is asked. */
  const arcSays = async <T>(answer: Promise<T>, txid: string): Promise<T | undefined> => {
    try {
      return await answer;
    } catch (err) {
      logger?.warn({ err, txid }, "ARC says nothing about a transaction");
      return undefined;
    }
  };

  return {
    async isRootAt(root: string, height: number): Promise<boolean> {
      return (await headerAt(height))?.merkleRoot === root;
    },

    /** ARC's path against WhatsOnChain's header; else WhatsOnChain's path, unless ARC names another block. */
    async proof(txid: string): Promise<TxProof | undefined> {
      const bump = await arcSays(arc.merklePath(txid), txid);
      const proven = bump === undefined ? undefined : await checked("arc", txid, bump);
      if (proven) return proven;
      const tsc = await woc.tscProof(txid);
      const header = tsc && (await woc.header(tsc.blockHash));
      if (header === undefined || tsc === undefined) return undefined;
      const named = await arcSays(arc.status(txid), txid);
      if (named?.state === "mined" && named.blockHash !== header.hash) return undefined;
      return await checked("woc", txid, bumpOfTsc(header.height, txid, tsc.index, tsc.nodes));
    },
  };
}
