/**
 * The BSV network's public file: the one way services reach the chain. Owns: composing ARC (broadcast, status, policy)
 * with WhatsOnChain (coins, raw transactions, tip). Does not own: what to send or when to send it again.
 */
import { Transaction } from "@bsv/sdk";
import { fromHex } from "@meme-rounds/shared-schema/bytes";
import { createArcClient } from "./arc-client.ts";
import { createFeeRate } from "./fee-rate.ts";
import { createHttpClient, type HttpDeps, withDefaults } from "./http-client.ts";
import type { ChainLogger, ChainPort, RawTx, TxStatus } from "./port.ts";
import { createWocClient, txidOf } from "./woc-client.ts";

export { createDevFaucet, type FaucetPayment } from "./dev-faucet.ts";
export {
  generateKeys,
  type KeyName,
  type KeyPurpose,
  type Keystore,
  withNewGeneration,
} from "./keystore.ts";
export { changeKeystore, createKeystore, openKeystore } from "./keystore-file.ts";
export type { KeystoreDeps } from "./keystore-format.ts";
export type { BroadcastResult, ChainLogger, ChainPort, RawTx, RejectCode, TxStatus, Utxo } from "./port.ts";
export { type ScriptVerdict, type SourceOutput, verifyInputScripts } from "./tx-verify.ts";

export interface ChainOptions {
  network: "devchain" | "test" | "main";
  /** Without a path. */
  arcUrl: string;
  arcApiKey?: string;
  /** `/v1` (default) for ARC, empty for Arcade. */
  arcBasePath?: string;
  /** Without a path. */
  wocUrl: string;
  wocApiKey?: string;
  /** Default: 3 (the free tier), without limit on the devchain. */
  wocRequestsPerSecond?: number;
  /** Of one request. */
  timeoutMs: number;
}

export interface ChainDeps extends Partial<HttpDeps> {
  logger?: ChainLogger;
}

const WOC_FREE_TIER = 3;

/** The bytes to send and the txid we compute ourselves; undefined for what is no transaction at all. */
function bytesOf(tx: Transaction | RawTx): { txid: string; bytes: Uint8Array } | undefined {
  try {
    if (!(tx instanceof Transaction)) {
      return { txid: txidOf(fromHex(tx.rawHex)), bytes: fromHex(tx.efHex ?? tx.rawHex) };
    }
    const hasParents = tx.inputs.every(({ sourceTransaction }) => sourceTransaction !== undefined);
    const raw = Uint8Array.from(tx.toBinary());
    return { txid: txidOf(raw), bytes: hasParents ? Uint8Array.from(tx.toEF()) : raw };
  } catch {
    return undefined;
  }
}

/** The chain of one network. */
export function createChain(options: ChainOptions, deps: ChainDeps = {}): ChainPort {
  const { network, timeoutMs } = options;
  const http = withDefaults(deps);
  const arcHttp = createHttpClient(
    {
      name: "ARC",
      baseUrl: options.arcUrl,
      headers: options.arcApiKey ? { authorization: `Bearer ${options.arcApiKey}` } : {},
      timeoutMs,
      requestsPerSecond: Number.POSITIVE_INFINITY,
    },
    http,
  );
  const wocHttp = createHttpClient(
    {
      name: "WhatsOnChain",
      baseUrl: `${options.wocUrl.replace(/\/+$/, "")}/v1/bsv/${network === "test" ? "test" : "main"}`,
      headers: options.wocApiKey ? { authorization: options.wocApiKey } : {},
      timeoutMs,
      requestsPerSecond:
        options.wocRequestsPerSecond ?? (network === "devchain" ? Number.POSITIVE_INFINITY : WOC_FREE_TIER),
    },
    http,
  );
  const arc = createArcClient(options.arcBasePath ?? "/v1", arcHttp);
  const woc = createWocClient(wocHttp);
  const feeRate = createFeeRate(() => arc.policyFee(), {
    now: http.now,
    ...(deps.logger ? { logger: deps.logger } : {}),
  });

  /** ARC's word, except where it is known to stay behind: unknown to it, or a conflict that a block has settled. */
  const status = async (txid: string): Promise<TxStatus> => {
    let first: TxStatus;
    try {
      first = await arc.status(txid);
    } catch (error) {
      deps.logger?.warn({ err: error, txid }, "ARC gives no status, asking WhatsOnChain");
      return woc.status(txid);
    }
    if (first.state !== "unknown" && first.state !== "conflict") return first;
    const second = await woc.status(txid);
    return first.state === "unknown" || second.state === "mined" ? second : first;
  };

  return {
    async broadcast(tx) {
      const sent = bytesOf(tx);
      if (!sent)
        return { outcome: "rejected", txid: "", code: "MALFORMED", reason: "not a transaction's hex" };
      return arc.broadcast(sent.txid, sent.bytes);
    },
    status,
    rawTx: woc.rawTx,
    utxosOfAddress: woc.utxosOfAddress,
    utxosOfScript: woc.utxosOfScript,
    spentBy: woc.spentBy,
    feeRate,
    tip: woc.tip,
  };
}
