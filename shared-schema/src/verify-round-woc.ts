/**
 * Reading a chain in WhatsOnChain's words (M10). Owns: its paths and answers, and that a block is only believed with a
 * merkle path from the transaction to the block's header. Does not own: sending requests (passed in), their rate.
 */
import { z } from "zod";
import { concat, fromHex, toHex } from "./bytes.ts";
import { hash256 } from "./hash.ts";
import type { ChainReader } from "./verify-round-gather.ts";

/** One GET below the API's base path. Rejects when there is no answer; 429 and 5xx are its own to try again. */
export type WocGet = (path: string) => Promise<{ status: number; text: string }>;

const txidText = z.string().regex(/^[0-9a-f]{64}$/);
const spentAnswer = z.looseObject({ txid: txidText });
const tscAnswer = z
  .array(
    z.looseObject({
      index: z.number().int().nonnegative(),
      target: txidText,
      nodes: z.array(z.union([txidText, z.literal("*")])).max(64),
    }),
  )
  .nullable();
const headerAnswer = z.looseObject({ hash: txidText, height: z.number().int(), merkleroot: txidText });
const historyAnswer = z.array(z.looseObject({ tx_hash: txidText }));

const flipped = (hex: string): Uint8Array => fromHex(hex).reverse();

/** The merkle root (as shown) over a transaction at `index`, with the nodes beside its path, bottom first. */
export function rootOfPath(txid: string, index: number, nodes: readonly string[]): string {
  let hash = flipped(txid);
  let at = index;
  for (const node of nodes) {
    const beside = node === "*" ? hash : flipped(node);
    hash = hash256(at % 2 === 0 ? concat(hash, beside) : concat(beside, hash));
    at = Math.floor(at / 2);
  }
  return toHex(hash.reverse());
}

function parsed<T>(schema: z.ZodType<T>, path: string, text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`the chain API's answer to ${path} is no JSON`);
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new Error(`the chain API's answer to ${path} is not what it should be`);
  return result.data;
}

/** Whatever it says is checked by who asks: raw bytes against their txid, blocks by their merkle path. */
export function createWocReader(get: WocGet): ChainReader {
  const ask = async (path: string): Promise<string | undefined> => {
    const { status, text } = await get(path);
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`the chain API answered ${path} with ${status}`);
    return text;
  };
  return {
    async rawTx(txid) {
      const text = await ask(`/tx/${txid}/hex`);
      return text
        ?.trim()
        .replace(/^"(.*)"$/, "$1")
        .toLowerCase();
    },
    async spentBy(txid, vout) {
      const path = `/tx/${txid}/${vout}/spent`;
      const text = await ask(path);
      return text === undefined ? undefined : parsed(spentAnswer, path, text).txid;
    },
    async heightOf(txid) {
      const path = `/tx/${txid}/proof/tsc`;
      const text = await ask(path);
      const proof = text === undefined ? undefined : parsed(tscAnswer, path, text)?.[0];
      if (proof === undefined) return undefined;
      const headerPath = `/block/${proof.target}/header`;
      const found = await ask(headerPath);
      const header = found === undefined ? undefined : parsed(headerAnswer, headerPath, found);
      return header?.merkleroot === rootOfPath(txid, proof.index, proof.nodes) ? header.height : undefined;
    },
    async historyOf(address) {
      const path = `/address/${encodeURIComponent(address)}/history`;
      const text = await ask(path);
      return text === undefined ? [] : parsed(historyAnswer, path, text).map(({ tx_hash }) => tx_hash);
    },
  };
}
