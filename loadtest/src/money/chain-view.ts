/**
 * Reading the chain, for players' coins and for the proof. Owns: the node's HTTP calls. Does not own: what follows from
 * them (proof.ts). It speaks to the devchain's WhatsOnChain face only: what it says has not passed through our code.
 */
import { type RawTransaction, readRawTx } from "@meme-rounds/shared-schema/tx-read";
import { z } from "zod";
import { loopback } from "./ports.ts";

export interface SeenTx extends RawTransaction {
  /** Absent while it is in the mempool only. */
  height?: number;
}

/** What the proof asks of a chain. */
export interface ChainView {
  /** Undefined for one the chain does not hold: neither mempool nor block. */
  tx(txid: string): Promise<SeenTx | undefined>;
  /** txid of what spends the outpoint. */
  spentBy(txid: string, vout: number): Promise<string | undefined>;
  tip(): Promise<number>;
  /** Every transaction that pays to or spends from the address. */
  history(address: string): Promise<string[]>;
}

const txSchema = z.object({ blockheight: z.number().optional() });
const spentSchema = z.object({ txid: z.string() });
const infoSchema = z.object({ blocks: z.number() });
const historySchema = z.array(z.object({ tx_hash: z.string() }));
const unspentSchema = z.object({
  result: z.array(
    z.object({
      tx_hash: z.string(),
      tx_pos: z.number(),
      value: z.number(),
      isSpentInMempoolTx: z.boolean(),
    }),
  ),
});
const minedSchema = z.object({ height: z.number() });
const faucetSchema = z.object({ txid: z.string(), vout: z.number(), sats: z.number() });

const TIMEOUT_MS = 10_000;

export class DevchainView implements ChainView {
  readonly url: string;

  constructor(url: string) {
    this.url = loopback(url);
  }

  async tx(txid: string): Promise<SeenTx | undefined> {
    const [found, raw] = await Promise.all([this.read(`/tx/hash/${txid}`), this.read(`/tx/${txid}/hex`)]);
    if (found === undefined || raw === undefined) return undefined;
    const { blockheight } = txSchema.parse(JSON.parse(found));
    const tx = readRawTx(raw.trim());
    if (tx?.txid !== txid) throw new Error(`the chain gives other bytes for ${txid}`);
    return { ...tx, ...(blockheight === undefined ? {} : { height: blockheight }) };
  }

  async spentBy(txid: string, vout: number): Promise<string | undefined> {
    const text = await this.read(`/tx/${txid}/${vout}/spent`);
    return text === undefined ? undefined : spentSchema.parse(JSON.parse(text)).txid;
  }

  async tip(): Promise<number> {
    return infoSchema.parse(JSON.parse((await this.read("/chain/info")) ?? "")).blocks;
  }

  async history(address: string): Promise<string[]> {
    const text = (await this.read(`/address/${address}/history`)) ?? "[]";
    return historySchema.parse(JSON.parse(text)).map(({ tx_hash }) => tx_hash);
  }

  /** Coins of the address that nothing spends, mined or not. */
  async unspent(address: string): Promise<{ txid: string; vout: number; sats: number }[]> {
    const text = (await this.read(`/address/${address}/unspent/all`)) ?? '{"result":[]}';
    return unspentSchema
      .parse(JSON.parse(text))
      .result.filter(({ isSpentInMempoolTx }) => !isSpentInMempoolTx)
      .map(({ tx_hash: txid, tx_pos: vout, value: sats }) => ({ txid, vout, sats }));
  }

  /** Mines blocks; returns the new height. */
  async mine(blocks = 1): Promise<number> {
    return minedSchema.parse(await this.dev("mine", { blocks })).height;
  }

  async faucet(address: string, sats: number): Promise<{ txid: string; vout: number; sats: number }> {
    return faucetSchema.parse(await this.dev("faucet", { address, sats }));
  }

  /** A call only a development chain has. Throws with its words when it refuses. */
  async dev(name: string, body: object): Promise<unknown> {
    const response = await fetch(`${this.url}/dev/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`/dev/${name}: ${response.status} ${text}`);
    return JSON.parse(text);
  }

  /** The faults it has, with how often each has struck. */
  async faultHits(): Promise<unknown> {
    const response = await fetch(`${this.url}/dev/faults`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return await response.json();
  }

  /** Throws with the node's words when it takes the transaction neither now nor had it before. */
  async broadcast(rawHex: string): Promise<void> {
    const response = await fetch(`${this.url}/v1/bsv/main/tx/raw`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ txhex: rawHex }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok && !text.includes("already in the")) throw new Error(`broadcast: ${text}`);
  }

  /** The answer's text; undefined for 404. */
  private async read(path: string): Promise<string | undefined> {
    const response = await fetch(`${this.url}/v1/bsv/main${path}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (response.status === 404) return undefined;
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return text;
  }
}

/** A view that asks for what cannot change any more only once: during the proof nothing moves. */
export function remembering(view: ChainView): ChainView {
  const txs = new Map<string, Promise<SeenTx | undefined>>();
  return {
    tx(txid) {
      const had = txs.get(txid);
      if (had) return had;
      const asked = view.tx(txid);
      txs.set(txid, asked);
      return asked;
    },
    spentBy: (txid, vout) => view.spentBy(txid, vout),
    tip: () => view.tip(),
    history: (address) => view.history(address),
  };
}
