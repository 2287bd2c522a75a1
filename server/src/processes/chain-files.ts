/**
 * Stored media on the chain, for those who lost or want to forget them (C6, M6). Owns: from a sha256 to the record's file, and
 * whether that record is final. Does not own: checking the bytes against the hash (content), publishing (payment).
 */
import { readChainRecord } from "@meme-rounds/shared-schema/map-record-kinds";
import type { Network } from "@meme-rounds/shared-schema/records";
import { readRawTx } from "@meme-rounds/shared-schema/tx-read";
import type { ChainPort } from "../chain/index.ts";
import type { Redis } from "../infra/redis.ts";
import { createRecordQueue } from "../payment/index.ts";

/** M5: under so many blocks nothing is final. */
const FINAL_BLOCKS = 6;

export interface ChainFiles {
  /** Undefined when no record of ours carries it. Throws UNAVAILABLE when the chain cannot be read. */
  fetch(sha256: string): Promise<{ bytes: Uint8Array; type: string } | undefined>;
  /** Which of these are on the chain for good. Throws UNAVAILABLE. */
  finalOf(sha256s: readonly string[]): Promise<Set<string>>;
}

export function createChainFiles(
  { network }: { network: Network },
  { redis, chain }: { redis: Redis; chain: Pick<ChainPort, "rawTx" | "statuses" | "tip"> },
): ChainFiles {
  const records = createRecordQueue(redis);
  return {
    async fetch(sha256) {
      const txid = await records.mediaTxid(sha256);
      const raw = txid === undefined ? undefined : await chain.rawTx(txid);
      const script = raw === undefined ? undefined : readRawTx(raw)?.outputs[0]?.script;
      const found = script === undefined ? undefined : readChainRecord(script, network);
      if (found === undefined || !("file" in found.record)) return undefined;
      const { data, mime } = found.record.file;
      return { bytes: data, type: mime };
    },
    async finalOf(sha256s) {
      const txids = new Map<string, string>();
      for (const sha256 of sha256s) {
        const txid = await records.mediaTxid(sha256);
        if (txid !== undefined) txids.set(sha256, txid);
      }
      if (txids.size === 0) return new Set();
      const standing = await chain.statuses([...new Set(txids.values())]);
      const { height } = await chain.tip();
      const isFinal = (txid: string): boolean => {
        const status = standing.get(txid);
        return status?.state === "mined" && height - status.height + 1 >= FINAL_BLOCKS;
      };
      return new Set([...txids].filter(([, txid]) => isFinal(txid)).map(([sha256]) => sha256));
    },
  };
}
