/**
 * The BSV network's public file: the one way services reach the chain. Owns: composing ARC (broadcast, status, policy)
 * with WhatsOnChain (coins, raw transactions, headers, tip) and a second broadcaster. Does not own: what to send or
 * when to send it again.
 */
import { Transaction } from "@bsv/sdk";
import { fromHex, toHex } from "@meme-rounds/shared-schema/bytes";
import { createArcClient } from "./arc-client.ts";
import { createFeeRate } from "./fee-rate.ts";
import { createHttpClient, type HttpDeps, withDefaults } from "./http-client.ts";
import type { ChainLogger, ChainPort, RawTx, TxStatus } from "./port.ts";
import { createProofs } from "./proofs.ts";
import { bothSaid } from "./two-broadcasters.ts";
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
export { bumpOfTsc, type MerklePath, parseBump, readPath, rootOf } from "./merkle-path.ts";
export type {
  BroadcastResult,
  ChainLogger,
  ChainPort,
  RawTx,
  RejectCode,
  TxProof,
  TxStatus,
  Utxo,
} from "./port.ts";
export { Reader, type ReadOutput, type ReadTransaction, readOne } from "./tx-reader.ts";
export { type ScriptVerdict, type SourceOutput, verifyInputScripts } from "./tx-verify.ts";

export interface ChainOptions {
  network: "devchain" | "test" | "main";
  /** Without a path. */
  arcUrl: string;
  arcApiKey?: string;
  /** `/v1` (default) for ARC, empty for Arcade. */
  arcBasePath?: string;
  /** A second broadcaster in ARC's dialect; WhatsOnChain where there is none. */
  arc2Url?: string;
  arc2ApiKey?: string;
  arc2BasePath?: string;
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
function bytesOf(tx: Transaction | RawTx): { txid: string; bytes: Uint8Array; rawHex: string } | undefined {
  try {
    if (!(tx instanceof Transaction)) {
      const { rawHex, efHex = rawHex } = tx;
      return { txid: txidOf(fromHex(rawHex)), bytes: fromHex(efHex), rawHex };
    }
    const hasParents = tx.inputs.every(({ sourceTransaction }) => sourceTransaction !== undefined);
    const raw = Uint8Array.from(tx.toBinary());
    const bytes = hasParents ? Uint8Array.from(tx.toEF()) : raw;
    return { txid: txidOf(raw), bytes, rawHex: toHex(raw) };
  } catch {
    return undefined;
  }
}

/** The chain of one network. */
export function createChain(options: ChainOptions, deps: ChainDeps = {}): ChainPort {
  const { network, timeoutMs } = options;
  const http = withDefaults(deps);
  const arcHttp = (name: string, baseUrl: string, apiKey: string | undefined) =>
    createHttpClient(
      {
        name,
        baseUrl,
        headers: apiKey ? { authorization: `Bearer ${apiKey}` } : {},
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
  const arc = createArcClient(
    options.arcBasePath ?? "/v1",
    arcHttp("ARC", options.arcUrl, options.arcApiKey),
  );
  const woc = createWocClient(wocHttp);
  const arc2 =
    options.arc2Url === undefined
      ? undefined
      : createArcClient(
          options.arc2BasePath ?? "/v1",
          arcHttp("the second ARC", options.arc2Url, options.arc2ApiKey),
        );
  const proofs = createProofs({ arc, woc });
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
    async broadcast(tx, how = {}) {
      const sent = bytesOf(tx);
      if (!sent)
        return { outcome: "rejected", txid: "", code: "MALFORMED", reason: "not a transaction's hex" };
      const { txid, bytes, rawHex } = sent;
      const second = () => (arc2 ? arc2.broadcast(txid, bytes) : woc.broadcast(txid, rawHex));
      const first = arc.broadcast(txid, bytes);
      // A second ARC costs nothing to ask; WhatsOnChain's few requests a second are kept for when they are needed.
      if (how.witnesses === 2 || arc2) return bothSaid(await first, await second());
      const said = await first;
      return said.outcome === "pending" ? bothSaid(said, await second()) : said;
    },
    status,
    async statuses(txids) {
      const found = await woc.statuses(txids);
      for (const txid of txids) {
        if ((found.get(txid)?.state ?? "unknown") !== "unknown") continue;
        const single = await status(txid).catch((err: unknown) => {
          deps.logger?.warn({ err, txid }, "no status");
          return undefined;
        });
        if (single) found.set(txid, single);
      }
      return found;
    },
    proof: proofs.proof,
    isRootAt: proofs.isRootAt,
    historyOfAddress: woc.historyOfAddress,
    rawTx: woc.rawTx,
    utxosOfAddress: woc.utxosOfAddress,
    utxosOfScript: woc.utxosOfScript,
    spentBy: woc.spentBy,
    feeRate,
    tip: woc.tip,
  };
}
