/**
 * The BSV network's public file: the one way services reach the chain. Owns: composing ARC (broadcast, status, policy)
 * with WhatsOnChain (coins, raw transactions, headers, tip) and a second broadcaster, on the network of the settings.
 * Does not own: what to send or when to send it again.
 */
import { Transaction } from "@bsv/sdk";
import { fromHex } from "@meme-rounds/shared-schema/bytes";
import { type ArcCallback, type ArcDialect, createArcClient } from "./arc-client.ts";
import { createBroadcaster, type Sent } from "./broadcaster.ts";
import { createFeeRate } from "./fee-rate.ts";
import { createHttpClient, type HttpDeps, withDefaults } from "./http-client.ts";
import type { ChainLogger, ChainPort, RawTx } from "./port.ts";
import { createProofs } from "./proofs.ts";
import { createRivals } from "./rivals.ts";
import { createStatuses } from "./statuses.ts";
import { Reader, readOne } from "./tx-reader.ts";
import { createWocClient } from "./woc-client.ts";

export {
  type CallbackHub,
  callbackRoutes,
  createCallbackHub,
} from "./callbacks.ts";
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
  MinedRival,
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
  /** Default: `arc`. */
  arcDialect?: ArcDialect;
  /** A second broadcaster in ARC's dialect; WhatsOnChain where there is none. */
  arc2Url?: string;
  arc2ApiKey?: string;
  arc2Dialect?: ArcDialect;
  /** Where ARC tells of changes. A hint and no more: what it says is asked for again before anybody believes it. */
  callback?: ArcCallback;
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
/** WhatsOnChain's name of each network; the devchain speaks as main. */
const WOC_NETWORKS = { devchain: "main", test: "test", main: "main" } as const;

/** One whole transaction, raw or extended. Throws a RangeError or a TypeError. */
function readWhole(bytes: Uint8Array) {
  const reader = new Reader(Buffer.from(bytes));
  const read = readOne(reader);
  if (reader.at !== bytes.length) throw new RangeError("bytes after the transaction's end");
  return read;
}

/** What to send and the txid we compute ourselves; undefined for what is no transaction at all. */
function sentOf(tx: Transaction | RawTx): Sent | undefined {
  try {
    const raw = tx instanceof Transaction ? Uint8Array.from(tx.toBinary()) : fromHex(tx.rawHex);
    const { txid, inputs, rawHex } = readWhole(raw);
    const hasParents = tx instanceof Transaction && tx.inputs.every((input) => input.sourceTransaction);
    const given = tx instanceof Transaction || tx.efHex === undefined ? raw : fromHex(tx.efHex);
    if (given !== raw && readWhole(given).txid !== txid) return undefined;
    return { txid, rawHex, inputs, bytes: hasParents ? Uint8Array.from(tx.toEF()) : given };
  } catch {
    return undefined; // the caller is told: MALFORMED
  }
}

/** The chain of one network. One is enough for a process: WhatsOnChain's request limit is the port's. */
export function createChain(options: ChainOptions, deps: ChainDeps = {}): ChainPort {
  const { network, timeoutMs, callback } = options;
  const http = withDefaults(deps);
  const logged = deps.logger ? { logger: deps.logger } : {};
  const arcOf = (name: string, baseUrl: string, apiKey: string | undefined, dialect: ArcDialect = "arc") => {
    const headers: Record<string, string> = apiKey ? { authorization: `Bearer ${apiKey}` } : {};
    const limits = { timeoutMs, requestsPerSecond: Number.POSITIVE_INFINITY };
    return createArcClient(dialect, createHttpClient({ name, baseUrl, headers, ...limits }, http), callback);
  };
  const limit = network === "devchain" ? Number.POSITIVE_INFINITY : WOC_FREE_TIER;
  const wocHttp = createHttpClient(
    {
      name: "WhatsOnChain",
      baseUrl: `${options.wocUrl.replace(/\/+$/, "")}/v1/bsv/${WOC_NETWORKS[network]}`,
      headers: options.wocApiKey ? { authorization: options.wocApiKey } : {},
      timeoutMs,
      requestsPerSecond: options.wocRequestsPerSecond ?? limit,
    },
    http,
  );
  const arc = arcOf("ARC", options.arcUrl, options.arcApiKey, options.arcDialect);
  const arc2 =
    options.arc2Url === undefined
      ? undefined
      : arcOf("the second ARC", options.arc2Url, options.arc2ApiKey, options.arc2Dialect);
  const arcs = arc2 ? [arc, arc2] : [arc];
  const woc = createWocClient(wocHttp);
  const proofs = createProofs({ arc, woc, ...logged });
  const send = createBroadcaster({
    arc,
    arc2,
    woc,
    rivalsOf: createRivals({ woc, ...logged }),
    sleep: http.sleep,
    ...logged,
  });
  const { status, statuses } = createStatuses({ arcs, woc, ...logged });

  return {
    async broadcast(tx, how = {}) {
      const sent = sentOf(tx);
      if (sent) return await send(sent, how.witnesses);
      return { outcome: "rejected", txid: "", code: "MALFORMED", reason: "not a transaction's hex" };
    },
    status,
    statuses,
    proof: proofs.proof,
    isRootAt: proofs.isRootAt,
    historyOfAddress: woc.historyOfAddress,
    rawTx: woc.rawTx,
    utxosOfAddress: woc.utxosOfAddress,
    utxosOfScript: woc.utxosOfScript,
    spentBy: woc.spentBy,
    feeRate: createFeeRate(
      arcs.map((one) => one.policyFee),
      { now: http.now, ...logged },
    ),
    tip: woc.tip,
  };
}
