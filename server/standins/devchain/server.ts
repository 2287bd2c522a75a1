/**
 * The devchain as one HTTP server. Owns: putting chain, disk, routes, callbacks and the block timer together, and
 * stopping them in order. Does not own: the environment (main.ts).
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { arcRoutes, arcView } from "./arc-routes.ts";
import { CallbackSender } from "./callbacks.ts";
import { DevChain } from "./chain.ts";
import { devRoutes } from "./dev-routes.ts";
import { BadCall, notFound, type Routes, readCall, text, write } from "./http.ts";
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
  /** Milliseconds since the unix epoch. */
  now?: () => number;
  /** Told of failures that no caller sees. */
  onError?: (error: unknown, what: string) => void;
}

export interface Devchain {
  url: string;
  chain: DevChain;
  close(): Promise<void>;
}

const MAX_TX_BYTES = 10_000_000;
const MAX_SCRIPT_BYTES = 500_000;

/** Starts a devchain on 127.0.0.1. Rejects when the port is taken or the log is damaged. */
export async function startDevchain(options: DevchainOptions): Promise<Devchain> {
  const { port, dataDir, blockSeconds = 10, feeSatPerKb = 100, now = Date.now } = options;
  const report = options.onError ?? (() => undefined);
  let routes: Routes[] | undefined;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const call = await readCall(request);
      if (!routes) return write(response, text(503, "starting"));
      for (const route of routes) {
        const found = await route(call);
        if (found) return write(response, found);
      }
      write(response, notFound());
    } catch (error) {
      if (error instanceof BadCall) return write(response, text(error.status, error.message));
      report(error, "request");
      write(response, text(500, "Internal Server Error"));
    }
  };

  // The port is taken before the log is opened: two devchains never write one log.
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const closeServer = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
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
    const chain = new DevChain(
      { feeSatPerKb, maxTxBytes: MAX_TX_BYTES, maxScriptBytes: MAX_SCRIPT_BYTES },
      events,
      {
        store,
        now,
        onStatus: (row) => {
          if (row.callback) callbacks.send(row.tx.txid, row.status, row.callback, arcView(row, chain.now()));
        },
      },
    );
    const durable = () => store.flushed();
    await durable();
    routes = [arcRoutes(chain, durable), wocRoutes(chain, durable), devRoutes(chain, durable)];
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
    return { url: `http://127.0.0.1:${actual}`, chain, close };
  } catch (error) {
    await closeServer();
    throw error;
  }
}
