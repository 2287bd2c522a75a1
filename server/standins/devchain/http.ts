/** HTTP plumbing of the devchain: reading bodies, matching paths, writing answers. Does not own: what is answered. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";

export interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Answer {
  status: number;
  type: string;
  body: string | Uint8Array;
  headers?: Record<string, string>;
}

/** A route answers, or leaves the call to the next one. */
export type Routes = (call: Call) => Promise<Answer | undefined> | Answer | undefined;

export const json = (status: number, value: unknown, type = "application/json"): Answer => ({
  status,
  type,
  body: JSON.stringify(value),
});
export const text = (status: number, body: string): Answer => ({ status, type: "text/plain", body });
export const notFound = (): Answer => text(404, "Not Found");

/** A call that cannot be understood; its message is shown to the caller. */
export class BadCall extends Error {
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

/** The first value of a header. */
export const header = (call: Pick<Call, "headers">, name: string): string | undefined => {
  const value = call.headers[name];
  return Array.isArray(value) ? value[0] : value;
};

/** A hex transaction is twice its size. */
const MAX_BODY_BYTES = 48_000_000;

/** Reads the whole call. Throws BadCall beyond 48 MB. */
export async function readCall(request: IncomingMessage): Promise<Call> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    if (!Buffer.isBuffer(part)) continue;
    size += part.length;
    if (size > MAX_BODY_BYTES) throw new BadCall("the body is too large", 413);
    parts.push(part);
  }
  const url = new URL(request.url ?? "/", "http://devchain");
  return {
    method: request.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: Buffer.concat(parts),
  };
}

export function write(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, {
    ...answer.headers,
    "content-type": answer.type,
    "content-length": Buffer.byteLength(answer.body),
  });
  response.end(answer.body);
}

/** The body as JSON. Throws BadCall when it is none. */
export function jsonBody(call: Call): unknown {
  try {
    return JSON.parse(call.body.toString("utf8"));
  } catch {
    throw new BadCall("the body is not JSON");
  }
}

/** The bytes of a hex string. Throws BadCall when it is none. */
export function hexBytes(hex: string): Buffer {
  if (hex.length === 0 || hex.length % 2 !== 0 || !/^[0-9a-fA-F]+$/.test(hex)) throw new BadCall("not hex");
  return Buffer.from(hex, "hex");
}
