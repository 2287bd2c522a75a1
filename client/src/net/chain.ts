/**
 * The chain itself, asked by this browser and not by our server (M9, M10). Owns: the chain API's address, the rate and
 * tries of requests, the few calls a refund needs. Does not own: what is read for a verification (shared schema).
 */
import { fromHex, toHex } from "@meme-rounds/shared-schema/bytes";
import { sha256 } from "@meme-rounds/shared-schema/hash";
import type { Network } from "@meme-rounds/shared-schema/records";
import type { WocGet } from "@meme-rounds/shared-schema/verify-round-woc";

export interface ChainPlace {
  network: Network;
  /** Without a path. */
  wocUrl: string;
}

export interface ChainDeps {
  fetch: typeof fetch;
  /** Resolves after so many ms. */
  sleep: (ms: number) => Promise<void>;
}

/** Where the escrow of a deposit stands. */
export type EscrowStanding = { kind: "unspent" } | { kind: "spent"; by: string } | { kind: "unknown" };

export interface RefundChain {
  /** Median time past, unix s. */
  mtp(): Promise<number>;
  standing(coin: { txid: string; vout: number; script: string }): Promise<EscrowStanding>;
  /** True when a node took it. */
  send(rawHex: string): Promise<boolean>;
}

const PLACE_KEY = "mr:chain";
const TIMEOUT_MS = 20_000;
const TRIES = 5;
const FIRST_WAIT_MS = 500;
/** What WhatsOnChain serves anybody: 3 requests a second. */
const PUBLIC_GAP_MS = 350;

/** Asks the server once which chain API to use, and remembers it for when the server is gone. */
export async function findChain(
  options: { origin: string },
  deps: Pick<ChainDeps, "fetch"> & { storage: Pick<Storage, "getItem" | "setItem"> },
): Promise<ChainPlace | undefined> {
  try {
    const answer = await deps.fetch(`${options.origin}/api/network`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (answer.ok) deps.storage.setItem(PLACE_KEY, await answer.text());
  } catch {
    // The server is down: what it said before still holds.
  }
  return readPlace(deps.storage.getItem(PLACE_KEY));
}

const isNetwork = (value: unknown): value is Network =>
  value === "devchain" || value === "test" || value === "main";

function readPlace(text: string | null): ChainPlace | undefined {
  try {
    const { network, wocUrl } = JSON.parse(text ?? "{}") as Partial<Record<keyof ChainPlace, unknown>>;
    if (!isNetwork(network) || typeof wocUrl !== "string" || !/^https?:\/\//.test(wocUrl)) return undefined;
    return { network, wocUrl };
  } catch {
    return undefined; // Written by something else.
  }
}

const baseOf = ({ network, wocUrl }: ChainPlace): string =>
  `${wocUrl}/v1/bsv/${network === "test" ? "test" : "main"}`;

/** Where a person can look at a transaction. */
export function explorerLink({ network, wocUrl }: ChainPlace, txid: string): string {
  if (network === "devchain") return `${wocUrl}/v1/bsv/main/tx/hash/${txid}`;
  return `https://${network === "test" ? "test." : ""}whatsonchain.com/tx/${txid}`;
}

/** Reads with several tries on 429, 5xx and no answer; rejects then. */
export function createWocGet(place: ChainPlace, deps: ChainDeps): WocGet {
  const gap = place.network === "devchain" ? 0 : PUBLIC_GAP_MS;
  let line: Promise<void> = Promise.resolve();
  const turn = (): Promise<void> => {
    if (gap === 0) return line;
    const mine = line;
    line = line.then(() => deps.sleep(gap));
    return mine;
  };
  return async (path) => {
    for (let attempt = 1; ; attempt++) {
      await turn();
      try {
        const answer = await deps.fetch(baseOf(place) + path, { signal: AbortSignal.timeout(TIMEOUT_MS) });
        if (answer.status !== 429 && answer.status < 500)
          return { status: answer.status, text: await answer.text() };
      } catch (error) {
        if (attempt >= TRIES)
          throw new Error(`the chain API ${place.wocUrl} cannot be reached`, { cause: error });
      }
      if (attempt >= TRIES) throw new Error(`the chain API ${place.wocUrl} does not answer`);
      await deps.sleep(FIRST_WAIT_MS * 2 ** (attempt - 1));
    }
  };
}

/** What a refund asks of the chain. Every call but `send` rejects when there is no usable answer. */
function createRefundChain(place: ChainPlace, deps: ChainDeps): RefundChain {
  const get = createWocGet(place, deps);
  const json = async <T>(path: string): Promise<T | undefined> => {
    const { status, text } = await get(path);
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`the chain API answered ${status}`);
    return JSON.parse(text) as T;
  };
  return {
    async mtp() {
      const info = await json<{ mediantime?: unknown }>("/chain/info");
      if (typeof info?.mediantime !== "number") throw new Error("the chain API gave no time");
      return info.mediantime;
    },
    async standing({ txid, vout, script }) {
      const hash = toHex(sha256(fromHex(script)).reverse());
      const page = await json<{
        result?: { tx_hash?: string; tx_pos?: number; isSpentInMempoolTx?: boolean }[];
      }>(`/script/${hash}/unspent/all`);
      const listed = page?.result?.find((one) => one.tx_hash === txid && one.tx_pos === vout);
      if (listed !== undefined && listed.isSpentInMempoolTx !== true) return { kind: "unspent" };
      const by = await json<{ txid?: unknown }>(`/tx/${txid}/${vout}/spent`);
      return typeof by?.txid === "string" ? { kind: "spent", by: by.txid } : { kind: "unknown" };
    },
    async send(rawHex) {
      try {
        const answer = await deps.fetch(`${baseOf(place)}/tx/raw`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ txhex: rawHex }),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        return answer.ok || /already in the (mempool|blockchain)/i.test(await answer.text());
      } catch {
        return false; // The caller has another way, or says so.
      }
    },
  };
}

/** The chain as far as a refund needs it. Rejects when no chain API was ever named. */
export async function openRefundChain(deps: {
  origin: string;
  fetch: typeof fetch;
  storage: Pick<Storage, "getItem" | "setItem">;
  after: (ms: number, work: () => void) => unknown;
}): Promise<RefundChain> {
  const place = await findChain(deps, deps);
  if (place === undefined) throw new Error("it is not known which chain API to ask");
  const sleep = (ms: number) => new Promise<void>((resolve) => void deps.after(ms, resolve));
  return createRefundChain(place, { fetch: deps.fetch, sleep });
}
