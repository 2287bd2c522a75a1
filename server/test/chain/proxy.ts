/**
 * A proxy before a provider, for the chain's tests: it counts what is asked, and may answer otherwise. Owns no assertion.
 */
import { createServer } from "node:http";

export interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

export interface Said {
  status: number;
  body: string;
  type?: string;
}

export interface ProxyServer {
  url: string;
  /** Every request so far, as it came. */
  asked: Asked[];
  close(): Promise<void>;
}

export interface ProxyRules {
  /** An answer of the proxy's own; undefined lets the call through. */
  before?: (asked: Asked) => Said | undefined;
  /** What path the target is asked for. */
  path?: (asked: Asked) => string;
  /** What becomes of the target's answer. */
  after?: (asked: Asked, said: Said) => Said;
}

/** Without a `target` every call that `before` leaves alone is answered 404. */
export async function startProxy(target: string | undefined, rules: ProxyRules = {}): Promise<ProxyServer> {
  const asked: Asked[] = [];
  const pass = async (one: Asked): Promise<Said> => {
    if (target === undefined) return { status: 404, body: "Not Found" };
    const { "content-type": type } = one.headers;
    const answer = await fetch(target + (rules.path?.(one) ?? one.path), {
      method: one.method,
      headers: type === undefined ? {} : { "content-type": type },
      ...(one.method === "POST" ? { body: new Uint8Array(one.body) } : {}),
    });
    return {
      status: answer.status,
      body: await answer.text(),
      type: answer.headers.get("content-type") ?? "text/plain",
    };
  };
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) if (Buffer.isBuffer(part)) parts.push(part);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const one = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers,
      body: Buffer.concat(parts),
    };
    asked.push(one);
    const own = rules.before?.(one);
    const said = own ?? (await pass(one));
    const {
      status,
      body,
      type = "text/plain",
    } = own === undefined ? (rules.after?.(one, said) ?? said) : own;
    response.writeHead(status, { "content-type": type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const ARCADE_WORDS: [string, string][] = [
  ['"SEEN_ON_NETWORK"', '"SEEN_MULTIPLE_NODES"'],
  ['"MINED"', '"IMMUTABLE"'],
  ['"SEEN_IN_ORPHAN_MEMPOOL"', '"PENDING_RETRY"'],
];

/**
 * Arcade as its source describes it, over an ARC: no /v1, bytes only, words of its own. Whatever still comes with /v1 is
 * not found here.
 */
export const startArcade = (arcUrl: string): Promise<ProxyServer> =>
  startProxy(arcUrl, {
    before: ({ method, path, headers }) => {
      if (!/^\/(tx|policy|health)(\/|$)/.test(path)) return { status: 404, body: "404 page not found" };
      const isBytes = headers["content-type"]?.includes("octet-stream");
      return method === "POST" && !isBytes ? { status: 400, body: "failed to parse transaction" } : undefined;
    },
    path: ({ path }) => `/v1${path}`,
    after: (_, said) => ({
      ...said,
      body: ARCADE_WORDS.reduce((text, [arc, arcade]) => text.replaceAll(arc, arcade), said.body),
    }),
  });
