/**
 * The devchain as one HTTP server. Owns: putting chain, disk, routes, callbacks and the block timer together, and
 * stopping them in order. Does not own: the environment (main.ts).
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createVerifier } from "../../src/infra/ecdsa.ts";
import { arcRoutes, arcView } from "./arc-routes.ts";
import { CallbackSender } from "./callbacks.ts";
import { DevChain } from "./chain.ts";
import { devRoutes } from "./dev-routes.ts";
import { FaultLayer, type Outcome } from "./fault-layer.ts";
import { Faults, type FaultsCall } from "./faults.ts";
import { type Answer, BadCall, type Call, notFound, type Routes, readCall, text, write } from "./http.ts";
import { RateLimit } from "./rate-limit.ts";
import { memoryStore, openStore } from "./store.ts";
import { wocRoutes } from "./woc-routes.ts";

export interface DevchainOptions {
  /** 0 takes any free port. */
  port: number;
  /** State goes to `devchain` in here; without it nothing outlives the process. */
  dataDir?: string;
  /** Seconds between blocks; 0 mines only on command. Default 10. */
  blockSeconds?: number;
  /** Default 100. */
  feeSatPerKb?: number;
  /** Faults from the start; see faults.ts. */
  faults?: FaultsCall;
  /** Milliseconds since the unix epoch. */
  now?: () => number;
  /** Told of failures that no caller sees. */
  onError?: (error: unknown, what: string) => void;
}

export interface Devchain {
  url: string;
  chain: DevChain;
  faults: Faults;
  close(): Promise<void>;
}

/** What a node asks by default: BSV's own figures where they have any. */
const POLICY = {
  dustSats: 1,
  maxAncestors: 1_000,
  mempoolExpiryMs: 336 * 3_600_000,
  maxTxBytes: 10_000_000,
  maxScriptBytes: 500_000,
};

/** A page may read WhatsOnChain from anywhere; ARC is for servers. */
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, POST, OPTIONS",
  "access-control-allow-headers": "authorization, content-type",
};
const isWoc = (path: string): boolean => path.startsWith("/v1/bsv/");

async function firstAnswer(routes: readonly Routes[], call: Call): Promise<Answer> {
  try {
    for (const route of routes) {
      const found = await route(call);
      if (found) return found;
    }
    return notFound();
  } catch (error) {
    if (error instanceof BadCall) return text(error.status, error.message);
    throw error;
  }
}

/** Starts a devchain on 127.0.0.1. Rejects when the port is taken or the log is damaged. */
export async function startDevchain(options: DevchainOptions): Promise<Devchain> {
  const { port, dataDir, blockSeconds = 10, feeSatPerKb = 100, now = Date.now } = options;
  const report = options.onError ?? (() => undefined);
  const stop = new AbortController();
  const silent = new Set<ServerResponse>();
  let answerTo: ((call: Call) => Promise<Outcome>) | undefined;

  const send = (response: ServerResponse, outcome: Outcome, path: string): void => {
    if (outcome === "close") response.destroy();
    else if (outcome === "hang") {
      silent.add(response);
      response.once("close", () => silent.delete(response));
    } else write(response, isWoc(path) ? { ...outcome, headers: CORS } : outcome);
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let path = "";
    try {
      const call = await readCall(request);
      path = call.path;
      if (call.method === "OPTIONS" && isWoc(path)) return send(response, text(204, ""), path);
      send(response, answerTo ? await answerTo(call) : text(503, "starting"), path);
    } catch (error) {
      if (stop.signal.aborted) return send(response, "close", path);
      if (error instanceof BadCall) return send(response, text(error.status, error.message), path);
      report(error, "request");
      send(response, text(500, "Internal Server Error"), path);
    }
  };

  // The port is taken before the log is opened: two devchains never write one log.
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const closeServer = async (): Promise<void> => {
    stop.abort();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const response of silent) response.destroy();
    server.closeIdleConnections();
    await closed;
  };

  try {
    const { store, events } = dataDir
      ? await openStore(join(dataDir, "devchain"))
      : { store: memoryStore(), events: [] };
    const callbacks = new CallbackSender({
      fetch,
      sleep: (ms, signal) => delay(ms, undefined, { signal, ref: false }),
      onGiveUp: (txid, error) => report(error, `callback for ${txid}`),
    });
    const chain: DevChain = new DevChain({ ...POLICY, feeSatPerKb }, events, {
      store,
      now,
      native: createVerifier(),
      onStatus: (row) => {
        if (!row.callback) return;
        for (const { callback, body } of layer.callbacks(row.callback, arcView(row, chain.now())))
          callbacks.send(row.tx.txid, row.status, callback, body);
      },
    });
    const faults = new Faults(options.faults);
    const sleep = (ms: number) => delay(ms, undefined, { signal: stop.signal, ref: false });
    const layer = new FaultLayer({
      faults,
      chain,
      sleep,
      later: (ms, work) => {
        const stopped = () => undefined;
        sleep(ms)
          .then(work, stopped)
          .catch((error: unknown) => report(error, "fault"));
      },
    });
    const limit = new RateLimit(now);
    const durable = () => store.flushed();
    await durable();
    const routes = [
      arcRoutes(chain, durable),
      wocRoutes(chain, durable),
      devRoutes(chain, { durable, faults, limit }),
    ];
    answerTo = async (call) =>
      limit.lets(call) ? layer.around(call, () => firstAnswer(routes, call)) : text(429, "Too Many Requests");
    const mine = () => {
      chain.mine();
      durable().catch((error: unknown) => report(error, "block"));
    };
    const timer = blockSeconds > 0 ? setInterval(mine, blockSeconds * 1000) : undefined;
    const address = server.address();
    const actual = typeof address === "object" && address !== null ? address.port : port;
    const close = async (): Promise<void> => {
      clearInterval(timer);
      await closeServer();
      await callbacks.close();
      await store.close();
    };
    return { url: `http://127.0.0.1:${actual}`, chain, faults, close };
  } catch (error) {
    await closeServer();
    throw error;
  }
}
