/**
 * /wallet: what a play wallet needs of the network (design.md section 8, protocol.md 9).
 * Owns: the routes and their limits. Does not own: the chain, or anybody's coins.
 */
import { readAddress } from "@meme-rounds/shared-schema/address";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { hash32, type Network } from "@meme-rounds/shared-schema/records";
import {
  broadcastAnswer,
  broadcastBody,
  faucetAnswer,
  faucetBody,
  feeAnswer,
  networkAnswer,
  txAnswer,
  utxosAnswer,
} from "@meme-rounds/shared-schema/rest";
import { z } from "zod";
import type { ChainPort } from "../chain/index.ts";
import { LARGE_BODY_BYTES, type Route, route } from "../infra/http.ts";
import { LIMITS } from "../infra/limits.ts";
import { readTransaction } from "./transaction.ts";

export interface WalletRouteOptions {
  network: Network;
  /** The devchain's base URL; never used on another network. */
  faucetUrl?: string;
}

/** What pages read: never our own provider, whose address may carry a key. */
const PUBLIC_WOC_URL = "https://api.whatsonchain.com";

const addressSchema = z.string().min(25).max(62);

export function walletRoutes(options: WalletRouteOptions, deps: { chain: ChainPort }): Route[] {
  const { chain } = deps;
  const mustBeOurs = (address: string): void => {
    const read = readAddress(address, options.network);
    if (!read.ok) throw new CodedError("ADDRESS_WRONG", `${address}: ${read.reason}.`);
  };
  const askFaucet = async (address: string, sats: number): Promise<z.infer<typeof faucetAnswer>> => {
    if (options.network !== "devchain" || options.faucetUrl === undefined) throw new CodedError("FAUCET_OFF");
    const url = new URL("/dev/faucet", options.faucetUrl);
    url.searchParams.set("address", address);
    url.searchParams.set("sats", String(sats));
    const response = await fetch(url, { method: "POST", signal: AbortSignal.timeout(10_000) }).catch(
      (cause: unknown) => {
        throw new CodedError("UNAVAILABLE", "The faucet does not answer.", { cause });
      },
    );
    if (response.status === 400) throw new CodedError("BAD_REQUEST", await response.text());
    if (!response.ok) throw new CodedError("UNAVAILABLE", `The faucet answered ${response.status}.`);
    return faucetAnswer.parse(await response.json());
  };

  return [
    route({
      method: "get",
      path: "/network",
      summary: "Which network this is, and a chain API to read it without us (M9, M10)",
      auth: "none",
      answer: networkAnswer,
      errors: ["RATE_LIMITED"],
      limit: LIMITS.walletRead,
      cache: "public, max-age=300",
      handler: async () => {
        const { network, faucetUrl } = options;
        return { network, wocUrl: network === "devchain" && faucetUrl ? faucetUrl : PUBLIC_WOC_URL };
      },
    }),
    route({
      method: "get",
      path: "/wallet/fee",
      summary: "Fee rate in force, sat per 1,000 bytes (M8)",
      auth: "none",
      answer: feeAnswer,
      errors: ["RATE_LIMITED"],
      limit: LIMITS.walletRead,
      handler: async () => ({ satPerKb: await chain.feeRate() }),
    }),
    route({
      method: "get",
      path: "/wallet/tx/:txid",
      summary: "A transaction's bytes and standing",
      auth: "none",
      params: z.object({ txid: hash32 }),
      answer: txAnswer,
      errors: ["BAD_REQUEST", "NOT_FOUND", "RATE_LIMITED", "UNAVAILABLE"],
      limit: LIMITS.walletRead,
      handler: async ({ params: { txid } }) => {
        const tx = await chain.rawTx(txid);
        if (tx === undefined)
          throw new CodedError("NOT_FOUND", "The network does not know this transaction.");
        const status = await chain.status(txid);
        return {
          tx,
          status: status.state,
          ...(status.state === "mined" ? { height: status.height } : {}),
        };
      },
    }),
    route({
      method: "get",
      path: "/wallet/:address/utxos",
      summary: "Unspent outputs of an address",
      auth: "none",
      params: z.object({ address: addressSchema }),
      answer: utxosAnswer,
      errors: ["ADDRESS_WRONG", "BAD_REQUEST", "RATE_LIMITED", "UNAVAILABLE"],
      limit: LIMITS.walletRead,
      handler: async ({ params }) => {
        mustBeOurs(params.address);
        const utxos = await chain.utxosOfAddress(params.address);
        return {
          utxos: utxos.map(({ txid, vout, sats, height }) => ({
            txid,
            vout,
            sats,
            ...(height === undefined ? {} : { height }),
          })),
        };
      },
    }),
    route({
      method: "post",
      path: "/wallet/broadcast",
      summary: "Sends a transaction (raw, EF or BEEF) to the network",
      auth: "none",
      body: broadcastBody,
      maxBodyBytes: LARGE_BODY_BYTES,
      answer: broadcastAnswer,
      errors: ["BAD_REQUEST", "NETWORK_REFUSED", "RATE_LIMITED"],
      limit: LIMITS.broadcast,
      handler: async ({ body }) => {
        const tx = readTransaction(body.tx);
        if (tx === undefined) throw new CodedError("BAD_REQUEST", "body.tx: not a transaction");
        const sent = await chain.broadcast({ rawHex: tx.rawHex });
        if (sent.outcome === "conflict")
          throw new CodedError("NETWORK_REFUSED", "Another transaction spends the same coins.");
        if (sent.outcome === "rejected") throw new CodedError("NETWORK_REFUSED", sent.reason);
        return { txid: tx.txid, status: sent.outcome };
      },
    }),
    route({
      method: "post",
      path: "/wallet/faucet",
      summary: "Coins out of nothing; on the devchain only",
      auth: "none",
      body: faucetBody,
      answer: faucetAnswer,
      errors: ["ADDRESS_WRONG", "BAD_REQUEST", "FAUCET_OFF", "RATE_LIMITED", "UNAVAILABLE"],
      limit: LIMITS.faucet,
      handler: async ({ body }) => {
        mustBeOurs(body.address);
        return await askFaucet(body.address, body.sats);
      },
    }),
  ];
}
