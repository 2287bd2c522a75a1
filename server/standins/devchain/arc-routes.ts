/**
 * The ARC face of the devchain, and Arcade's beside it: the same without /v1, with words of its own. Owns: paths, answers
 * and error documents. A transaction is judged and relayed before it is answered, so that whatever X-WaitFor asks for has
 * already come; only the fault `late` (faults.ts) makes anybody wait.
 */
import { bumpHex } from "./block.ts";
import { broadcastOf, transactionsIn } from "./bodies.ts";
import type { DevChain } from "./chain.ts";
import { type Answer, BadCall, type Call, header, json, type Routes, text } from "./http.ts";
import type { Row } from "./state.ts";
import type { Callback } from "./store.ts";
import { Refusal } from "./validate.ts";

/** A transaction as ARC describes it. */
export function arcView(row: Row, now: number) {
  return {
    timestamp: new Date(now).toISOString(),
    txid: row.tx.txid,
    txStatus: row.status as string,
    blockHash: row.mined?.block.hash ?? "",
    blockHeight: row.mined?.block.height ?? 0,
    merklePath: row.mined ? bumpHex(row.mined.block, row.mined.index) : "",
    extraInfo: row.extraInfo ?? "",
    competingTxs: row.competing.length > 0 ? row.competing : null,
  };
}

const ARCADE_WORDS: Record<string, string> = {
  SEEN_ON_NETWORK: "SEEN_MULTIPLE_NODES",
  SEEN_IN_ORPHAN_MEMPOOL: "PENDING_RETRY",
};
/** So many blocks make a mined transaction IMMUTABLE in Arcade's words. */
const IMMUTABLE_DEPTH = 100;

const problem = (status: number, title: string, detail: string, extraInfo: string) => ({
  type: `https://bitcoin-sv.github.io/arc/#/errors?id=_${status}`,
  title,
  status,
  detail,
  instance: null,
  txid: null,
  extraInfo,
});

function callbackOf(call: Call): Callback | undefined {
  const url = header(call, "x-callbackurl");
  if (url === undefined) return undefined;
  if (!URL.canParse(url)) throw new BadCall("X-CallbackUrl is not a URL");
  const token = header(call, "x-callbacktoken");
  const full = header(call, "x-fullstatusupdates") === "true";
  return { url, full, ...(token === undefined ? {} : { token }) };
}

const PROBLEM = "application/problem+json";

/** The answers wait until the accepted transactions are on disk (`durable`). */
export function arcRoutes(chain: DevChain, durable: () => Promise<void>): Routes {
  const view = (row: Row, arcade: boolean) => {
    const said = arcView(row, chain.now());
    if (!arcade) return said;
    const depth = row.mined ? chain.state.height - row.mined.block.height + 1 : 0;
    const txStatus = depth >= IMMUTABLE_DEPTH ? "IMMUTABLE" : (ARCADE_WORDS[said.txStatus] ?? said.txStatus);
    return { ...said, txStatus };
  };

  const submit = (bytes: Uint8Array, callback: Callback | undefined, arcade: boolean) => {
    try {
      const { row } = chain.submit(bytes, callback);
      return { ...view(row, arcade), status: 200, title: "OK" };
    } catch (error) {
      if (error instanceof Refusal)
        return problem(error.status, error.title, error.message, error.nodeMessage);
      throw error;
    }
  };

  const post = async (call: Call): Promise<Answer | undefined> => {
    const broadcast = broadcastOf(call);
    if (!broadcast || broadcast.face === "woc") return undefined;
    try {
      const callback = callbackOf(call);
      const arcade = broadcast.face === "arcade";
      const views = transactionsIn(call, broadcast).map((bytes) => submit(bytes, callback, arcade));
      await durable();
      const [one] = views;
      if (broadcast.list || !one) return json(200, { transactions: views });
      return json(one.status, one, one.status === 200 ? undefined : PROBLEM);
    } catch (error) {
      if (!(error instanceof BadCall)) throw error;
      return json(400, problem(400, "Bad request", error.message, ""), PROBLEM);
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
    const [, version, path = ""] =
      /^(\/v1)?(\/(?:tx\/[0-9a-f]{64}|policy|health|ready))$/.exec(call.path) ?? [];
    const arcade = version === undefined;
    if (path === "/policy") return json(200, policy());
    if (path === "/health") return json(200, { healthy: true, version: "devchain", reason: "" });
    if (path === "/ready") return arcade ? text(200, "OK") : undefined;
    if (path === "") return undefined;
    const row = chain.find(path.slice("/tx/".length));
    if (row) return json(200, view(row, arcade));
    const detail = "The requested resource could not be found";
    return json(404, problem(404, "Not found", detail, "transaction not found"), PROBLEM);
  };
}
