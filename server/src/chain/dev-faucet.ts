/** The devchain's faucet, for the development network only. Owns: the call. Does not own: who may ask for coins. */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { z } from "zod";
import { createHttpClient, type HttpDeps, parseJson, withDefaults } from "./http-client.ts";

const payment = z.looseObject({
  txid: z.string(),
  vout: z.number().int(),
  sats: z.number().int(),
  tx: z.string(),
});

export interface FaucetPayment {
  txid: string;
  vout: number;
  /** Satoshis. */
  sats: number;
  /** Raw transaction, hex. */
  tx: string;
}

/** Pays `sats` to an address. Throws CodedError BAD_REQUEST for what the faucet refuses, UNAVAILABLE for no answer. */
export function createDevFaucet(options: { url: string; timeoutMs: number }, deps: Partial<HttpDeps> = {}) {
  const http = withDefaults(deps);
  const client = createHttpClient(
    {
      name: "devchain",
      baseUrl: options.url,
      headers: {},
      timeoutMs: options.timeoutMs,
      requestsPerSecond: Infinity,
    },
    http,
  );
  return async (address: string, sats: number): Promise<FaucetPayment> => {
    const body = { type: "application/json", bytes: JSON.stringify({ address, sats }) };
    const answer = await client.send("POST", "/dev/faucet", body);
    if (answer.status === 400) throw new CodedError("BAD_REQUEST", answer.text);
    const paid = answer.status === 200 ? parseJson(payment, answer.text) : undefined;
    if (!paid) throw client.unusable("/dev/faucet", answer);
    return { txid: paid.txid, vout: paid.vout, sats: paid.sats, tx: paid.tx };
  };
}
