/** WhatsOnChain: facts, and a second broadcaster. Owns: its calls, pages, quotes and odd answers. */
import { fromHex, toHex } from "@meme-rounds/shared-schema/bytes";
import { hash256, sha256 } from "@meme-rounds/shared-schema/hash";
import { z } from "zod";
import { resultOfWords } from "./arc-answers.ts";
import { type HttpClient, parseJson } from "./http-client.ts";
import type { BroadcastResult, TxStatus, Utxo } from "./port.ts";

/** Every call throws CodedError UNAVAILABLE when there is no usable answer. */
export interface WocClient {
  status(txid: string): Promise<TxStatus>;
  rawTx(txid: string): Promise<string | undefined>;
  utxosOfAddress(address: string): Promise<Utxo[]>;
  utxosOfScript(scriptHex: string): Promise<Utxo[]>;
  spentBy(txid: string, vout: number): Promise<string | undefined>;
  tip(): Promise<{ height: number; mtp: number }>;
  /** Many at once. */
  statuses(txids: readonly string[]): Promise<Map<string, TxStatus>>;
  /** Sends raw bytes (hex). Trouble of any kind is `pending`. */
  broadcast(txid: string, rawHex: string): Promise<BroadcastResult>;
  /** How long a call made now would wait for its turn, ms. */
  waitMs(): number;
  /** A block's header by height or hash; undefined when there is none. */
  header(block: number | string): Promise<Header | undefined>;
  /** Where a transaction stands in its block, unchecked; undefined while unmined. */
  tscProof(txid: string): Promise<{ index: number; blockHash: string; nodes: string[] } | undefined>;
  /** Oldest first. */
  historyOfAddress(address: string): Promise<{ txid: string; height?: number }[]>;
}

export interface Header {
  hash: string;
  height: number;
  /** Of the transactions, as shown. */
  merkleRoot: string;
}

const txidText = z.string().regex(/^[0-9a-f]{64}$/);
const unspentPage = z.looseObject({
  result: z.array(
    z.looseObject({
      tx_hash: txidText,
      tx_pos: z.number().int().nonnegative(),
      value: z.number().int().nonnegative(),
      height: z.number().int().nullish(),
      isSpentInMempoolTx: z.boolean().nullish(),
    }),
  ),
  error: z.string().nullish(),
  nextPageToken: z.string().nullish(),
});
const statusAnswer = z.array(
  z.looseObject({
    txid: z.string(),
    blockhash: z.string().nullish(),
    blockheight: z.number().int().nullish(),
    error: z.string().nullish(),
  }),
);
const spentAnswer = z.looseObject({ txid: txidText });
const infoAnswer = z.looseObject({ blocks: z.number().int(), mediantime: z.number().int() });

const height = z.number().int().min(0).max(0xffffffff);
const headerAnswer = z.looseObject({ hash: txidText, height, merkleroot: txidText });
const tscAnswer = z
  .array(
    z.looseObject({
      index: z.number().int().min(0).max(0xffffffff),
      target: txidText,
      nodes: z.array(z.union([txidText, z.literal("*")])).max(64),
    }),
  )
  .nullable();
const historyAnswer = z.array(z.looseObject({ tx_hash: txidText, height: z.number().int().nullish() }));
/** txids in one question. */
const BULK = 20;

/** No address of ours has so many coins; a provider that goes on for ever is not followed. */
const MAX_PAGES = 100;

/** The txid of raw transaction bytes: displayed byte order. */
const txidOf = (raw: Uint8Array): string => toHex(hash256(raw).reverse());

/** A text answer may come as a JSON string. */
const unquote = (text: string): string => text.trim().replace(/^"(.*)"$/, "$1");

const isHex = (text: string): boolean => text.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(text);

/** `http` has the base `<url>/v1/bsv/<main|test>`. */
export function createWocClient(http: HttpClient): WocClient {
  const get = async <T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> => {
    const answer = await http.read(path);
    if (answer.status === 404) return undefined;
    const value = answer.status === 200 ? parseJson(schema, answer.text) : undefined;
    if (value === undefined) throw http.unusable(path, answer);
    return value;
  };

  const unspent = async (path: string): Promise<Utxo[]> => {
    const found = new Map<string, Utxo>();
    let token: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const url = token === undefined ? path : `${path}?token=${encodeURIComponent(token)}`;
      const answer = await get(url, unspentPage);
      if (!answer) break;
      if (answer.error) throw http.unusable(path, { status: 200, text: answer.error });
      for (const { tx_hash, tx_pos, value, height, isSpentInMempoolTx } of answer.result) {
        if (isSpentInMempoolTx) continue;
        const utxo: Utxo = { txid: tx_hash, vout: tx_pos, sats: value };
        if (height && height > 0) utxo.height = height;
        found.set(`${tx_hash}:${tx_pos}`, utxo);
      }
      if (!answer.nextPageToken) return [...found.values()];
      token = answer.nextPageToken;
    }
    return [...found.values()];
  };

  const bulk = async (txids: readonly string[]): Promise<Map<string, TxStatus>> => {
    const path = "/txs/status";
    const answer = await http.read(path, { type: "application/json", bytes: JSON.stringify({ txids }) });
    const rows = answer.status === 200 ? parseJson(statusAnswer, answer.text) : undefined;
    if (!rows) throw http.unusable(path, answer);
    const found = new Map<string, TxStatus>();
    for (const { txid, error, blockhash, blockheight } of rows) {
      if (error) found.set(txid, { state: "unknown" });
      else if (blockhash && blockheight)
        found.set(txid, { state: "mined", height: blockheight, blockHash: blockhash });
      else found.set(txid, { state: "seen" });
    }
    return found;
  };

  return {
    async status(txid) {
      const status = (await bulk([txid])).get(txid);
      if (!status) throw http.unusable("/txs/status", { status: 200, text: "it left the transaction out" });
      return status;
    },

    async statuses(txids) {
      const found = new Map<string, TxStatus>();
      for (let from = 0; from < txids.length; from += BULK)
        for (const [txid, status] of await bulk(txids.slice(from, from + BULK))) found.set(txid, status);
      return found;
    },

    async broadcast(txid, rawHex) {
      const path = "/tx/raw";
      const pending = (reason: string): BroadcastResult => ({ outcome: "pending", txid, reason });
      try {
        const body = { type: "application/json", bytes: JSON.stringify({ txhex: rawHex }) };
        const answer = await http.send("POST", path, body);
        // The txid follows from the bytes; an answer that names none, or another, may be anybody's page.
        if (answer.status === 200 && unquote(answer.text).toLowerCase() === txid)
          return { outcome: "seen", txid, witnesses: 1 };
        const isVerdict = answer.status >= 400 && answer.status !== 429 && answer.status < 502;
        const read = isVerdict ? resultOfWords(txid, unquote(answer.text).slice(0, 500)) : undefined;
        return read ?? pending(http.unusable(path, answer).message);
      } catch (error) {
        return pending(error instanceof Error ? error.message : String(error));
      }
    },

    waitMs: http.waitMs,

    async header(block) {
      const found = await get(`/block/${block}/header`, headerAnswer);
      return found && { hash: found.hash, height: found.height, merkleRoot: found.merkleroot };
    },

    async tscProof(txid) {
      const found = (await get(`/tx/${txid}/proof/tsc`, tscAnswer))?.[0];
      return found && { index: found.index, blockHash: found.target, nodes: found.nodes };
    },

    async historyOfAddress(address) {
      const rows = (await get(`/address/${encodeURIComponent(address)}/history`, historyAnswer)) ?? [];
      const isMined = (height: number | null | undefined): height is number => (height ?? 0) > 0;
      return rows
        .map(({ tx_hash, height }) => ({ txid: tx_hash, ...(isMined(height) ? { height } : {}) }))
        .sort((a, b) => (a.height ?? Infinity) - (b.height ?? Infinity) || 0);
    },

    async rawTx(txid) {
      const path = `/tx/${txid}/hex`;
      const answer = await http.read(path);
      if (answer.status === 404) return undefined;
      const hex = unquote(answer.text).toLowerCase();
      const isIt = answer.status === 200 && isHex(hex) && txidOf(fromHex(hex)) === txid;
      if (!isIt) throw http.unusable(path, answer);
      return hex;
    },

    utxosOfAddress: (address) => unspent(`/address/${encodeURIComponent(address)}/unspent/all`),

    utxosOfScript: (scriptHex) =>
      unspent(`/script/${toHex(sha256(fromHex(scriptHex)).reverse())}/unspent/all`),

    async spentBy(txid, vout) {
      return (await get(`/tx/${txid}/${vout}/spent`, spentAnswer))?.txid;
    },

    async tip() {
      const path = "/chain/info";
      const info = await get(path, infoAnswer);
      if (!info) throw http.unusable(path, { status: 404, text: "" });
      return { height: info.blocks, mtp: info.mediantime };
    },
  };
}
