/** The ARC face of the devchain. Owns: paths, bodies and error documents. */
import { z } from "zod";
import { bumpHex } from "./block.ts";
import type { DevChain } from "./chain.ts";
import { type Answer, BadCall, type Call, hexBytes, json, jsonBody, type Routes } from "./http.ts";
import type { Row } from "./state.ts";
import type { Callback } from "./store.ts";
import { Refusal } from "./validate.ts";

const rawTxBody = z.object({ rawTx: z.string() });
const rawTxsBody = z.array(rawTxBody);

/** A transaction as ARC describes it. */
export function arcView(row: Row, now: number) {
  return {
    timestamp: new Date(now).toISOString(),
    txid: row.tx.txid,
    txStatus: row.status,
    blockHash: row.mined?.block.hash ?? "",
    blockHeight: row.mined?.block.height ?? 0,
    merklePath: row.mined ? bumpHex(row.mined.block, row.mined.index) : "",
    extraInfo: row.extraInfo ?? "",
    competingTxs: row.competing.length > 0 ? row.competing : null,
  };
}

const problem = (status: number, title: string, detail: string, extraInfo: string) => ({
  type: `https://bitcoin-sv.github.io/arc/#/errors?id=_${status}`,
  title,
  status,
  detail,
  instance: null,
  txid: null,
  extraInfo,
});

const isType = (call: Call, type: string): boolean => call.headers["content-type"]?.includes(type) ?? false;
const header = (call: Call, name: string): string | undefined => {
  const value = call.headers[name];
  return Array.isArray(value) ? value[0] : value;
};

function callbackOf(call: Call): Callback | undefined {
  const url = header(call, "x-callbackurl");
  if (url === undefined) return undefined;
  if (!URL.canParse(url)) throw new BadCall("X-CallbackUrl is not a URL");
  const token = header(call, "x-callbacktoken");
  const full = header(call, "x-fullstatusupdates") === "true";
  return { url, full, ...(token === undefined ? {} : { token }) };
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw new BadCall(z.prettifyError(result.error));
  return result.data;
}

function txBytes(call: Call): Uint8Array {
  if (isType(call, "octet-stream")) return call.body;
  if (isType(call, "json")) return hexBytes(parsed(rawTxBody, jsonBody(call)).rawTx);
  return hexBytes(call.body.toString("utf8").trim());
}

function txsBytes(call: Call): Uint8Array[] {
  if (isType(call, "json")) return parsed(rawTxsBody, jsonBody(call)).map(({ rawTx }) => hexBytes(rawTx));
  return call.body.toString("utf8").trim().split(/\s+/).map(hexBytes);
}

/** The answers wait until the accepted transactions are on disk (`durable`). */
export function arcRoutes(chain: DevChain, durable: () => Promise<void>): Routes {
  const submit = (bytes: Uint8Array, callback: Callback | undefined) => {
    try {
      const { row } = chain.submit(bytes, callback);
      return { ...arcView(row, chain.now()), status: 200, title: "OK" };
    } catch (error) {
      if (error instanceof Refusal)
        return problem(error.status, error.title, error.message, error.nodeMessage);
      throw error;
    }
  };

  const post = async (call: Call): Promise<Answer | undefined> => {
    if (call.path !== "/v1/tx" && call.path !== "/v1/txs") return undefined;
    try {
      const callback = callbackOf(call);
      if (call.path === "/v1/tx") {
        const view = submit(txBytes(call), callback);
        await durable();
        return json(view.status, view, view.status === 200 ? undefined : "application/problem+json");
      }
      const transactions = txsBytes(call).map((bytes) => submit(bytes, callback));
      await durable();
      return json(200, { transactions });
    } catch (error) {
      if (!(error instanceof BadCall)) throw error;
      return json(400, problem(400, "Bad request", error.message, ""), "application/problem+json");
    }
  };

  const policy = () => ({
    timestamp: new Date(chain.now()).toISOString(),
    policy: {
      maxscriptsizepolicy: chain.policy.maxScriptBytes,
      maxtxsigopscountspolicy: 4294967295,
      maxtxsizepolicy: chain.policy.maxTxBytes,
      miningFee: { satoshis: chain.policy.feeSatPerKb, bytes: 1000 },
      standardFormatSupported: true,
    },
  });

  return (call) => {
    if (call.method === "POST") return post(call);
    if (call.path === "/v1/policy") return json(200, policy());
    if (call.path === "/v1/health") return json(200, { healthy: true, version: "devchain", reason: "" });
    const txid = /^\/v1\/tx\/([0-9a-f]{64})$/.exec(call.path)?.[1];
    if (txid === undefined) return undefined;
    const row = chain.find(txid);
    if (row) return json(200, arcView(row, chain.now()));
    const detail = "The requested resource could not be found";
    return json(404, problem(404, "Not found", detail, "transaction not found"), "application/problem+json");
  };
}
