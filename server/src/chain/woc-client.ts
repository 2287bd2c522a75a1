/** WhatsOnChain as a source of facts. Owns: its calls, pages, quotes and odd answers. Does not own: broadcasting. */
import { fromHex, toHex } from "@meme-rounds/shared-schema/bytes";
import { hash256, sha256 } from "@meme-rounds/shared-schema/hash";
import { z } from "zod";
import { type HttpClient, parseJson } from "./http-client.ts";
import type { TxStatus, Utxo } from "./port.ts";

/** Every call throws CodedError UNAVAILABLE when there is no usable answer. */
export interface WocClient {
  status(txid: string): Promise<TxStatus>;
  rawTx(txid: string): Promise<string | undefined>;
  utxosOfAddress(address: string): Promise<Utxo[]>;
  utxosOfScript(scriptHex: string): Promise<Utxo[]>;
  spentBy(txid: string, vout: number): Promise<string | undefined>;
  tip(): Promise<{ height: number; mtp: number }>;
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

/** No address of ours has so many coins; a provider that goes on for ever is not followed. */
const MAX_PAGES = 100;

/** The txid of raw transaction bytes: displayed byte order. */
export const txidOf = (raw: Uint8Array): string => toHex(hash256(raw).reverse());

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

  return {
    async status(txid) {
      const path = "/txs/status";
      const body = { type: "application/json", bytes: JSON.stringify({ txids: [txid] }) };
      const answer = await http.read(path, body);
      const rows = answer.status === 200 ? parseJson(statusAnswer, answer.text) : undefined;
      const row = rows?.find((item) => item.txid === txid);
      if (!row) throw http.unusable(path, answer);
      if (row.error) return { state: "unknown" };
      if (row.blockhash && row.blockheight) {
        return { state: "mined", height: row.blockheight, blockHash: row.blockhash };
      }
      return { state: "seen" };
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
