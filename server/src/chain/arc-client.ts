/** ARC and Arcade as a broadcaster. Owns: its calls and headers. Does not own: what its words mean (arc-answers.ts). */
import { z } from "zod";
import { type ArcTx, arcProblem, arcTx, resultOfProblem, resultOfTx, statusOfTx } from "./arc-answers.ts";
import { type HttpClient, parseJson } from "./http-client.ts";
import type { BroadcastResult, TxStatus } from "./port.ts";

export interface ArcClient {
  /** Sends raw or EF bytes of the transaction `txid`. Trouble of any kind is `pending`. */
  broadcast(txid: string, bytes: Uint8Array): Promise<BroadcastResult>;
  /** `unknown` when this provider has never heard of it. Throws CodedError UNAVAILABLE. */
  status(txid: string): Promise<TxStatus>;
  /** The merkle path it names for a transaction, unchecked. Throws CodedError UNAVAILABLE. */
  merklePath(txid: string): Promise<string | undefined>;
  /** Satoshis per 1,000 bytes, unclamped. Throws CodedError UNAVAILABLE. */
  policyFee(): Promise<number>;
}

const policyAnswer = z.looseObject({
  policy: z.looseObject({
    miningFee: z.looseObject({ satoshis: z.number().nonnegative(), bytes: z.number().positive() }),
  }),
});

/** Our own limit is on the whole call; ARC is asked to answer well within its 5 s default. */
const BROADCAST_HEADERS = { "X-WaitFor": "SEEN_ON_NETWORK", "X-MaxTimeout": "4" };

/** Arcade is ARC's successor: the same words and some more, without `/v1` in its paths. */
export type ArcDialect = "arc" | "arcade";

const BASE_PATHS: Record<ArcDialect, string> = { arc: "/v1", arcade: "" };

/** Where the provider tells of changes, and the bearer token it brings along. */
export interface ArcCallback {
  url: string;
  token: string;
}

/** With a `callback` the provider is asked to tell every change of what is sent; without one it tells nothing. */
export function createArcClient(dialect: ArcDialect, http: HttpClient, callback?: ArcCallback): ArcClient {
  const basePath = BASE_PATHS[dialect];
  const headers = {
    ...BROADCAST_HEADERS,
    ...(callback && {
      "X-CallbackUrl": callback.url,
      "X-CallbackToken": callback.token,
      "X-FullStatusUpdates": "true",
    }),
  };
  const find = async (txid: string): Promise<ArcTx | undefined> => {
    const path = `${basePath}/tx/${txid}`;
    const answer = await http.read(path);
    if (answer.status === 404) return undefined;
    const tx = answer.status === 200 ? parseJson(arcTx, answer.text) : undefined;
    if (!tx) throw http.unusable(path, answer);
    return tx;
  };

  return {
    async broadcast(txid, bytes) {
      const path = `${basePath}/tx`;
      try {
        const body = { type: "application/octet-stream", bytes };
        const answer = await http.send("POST", path, body, headers);
        const ok = answer.status >= 200 && answer.status < 300;
        const tx = ok ? parseJson(arcTx, answer.text) : undefined;
        if (tx) return resultOfTx(txid, tx);
        const isVerdict = answer.status >= 400 && answer.status < 500;
        const problem = isVerdict ? parseJson(arcProblem, answer.text) : undefined;
        if (problem?.status === answer.status) return resultOfProblem(txid, problem);
        return { outcome: "pending", txid, reason: http.unusable(path, answer).message };
      } catch (error) {
        return { outcome: "pending", txid, reason: error instanceof Error ? error.message : String(error) };
      }
    },

    async status(txid) {
      const tx = await find(txid);
      return tx ? statusOfTx(txid, tx) : { state: "unknown" };
    },

    async merklePath(txid) {
      return (await find(txid))?.merklePath || undefined; // empty while it is in no block
    },

    async policyFee() {
      const path = `${basePath}/policy`;
      const answer = await http.read(path);
      const parsed = answer.status === 200 ? parseJson(policyAnswer, answer.text) : undefined;
      if (!parsed) throw http.unusable(path, answer);
      const { satoshis, bytes } = parsed.policy.miningFee;
      return (satoshis / bytes) * 1000;
    },
  };
}
