/**
 * One provider over HTTP. Owns: time limits, the request rate, retries of reads, and turning every trouble into one
 * shape. Does not own: what the answers mean.
 */
import { setTimeout as delay } from "node:timers/promises";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { z } from "zod";

export interface HttpDeps {
  fetch: typeof fetch;
  /** Milliseconds. */
  sleep: (ms: number) => Promise<void>;
  now: () => number;
}

/** The real network and clock where a test gives none. */
export const withDefaults = (deps: Partial<HttpDeps>): HttpDeps => ({
  fetch: deps.fetch ?? fetch,
  now: deps.now ?? Date.now,
  sleep: deps.sleep ?? ((ms) => delay(ms)),
});

export interface HttpClientOptions {
  /** How the provider is called in errors. */
  name: string;
  baseUrl: string;
  headers: Record<string, string>;
  timeoutMs: number;
  /** A whole number, or Infinity for no limit. */
  requestsPerSecond: number;
}

interface HttpAnswer {
  status: number;
  text: string;
}

interface HttpBody {
  type: string;
  bytes: Uint8Array | string;
}

export interface HttpClient {
  /** One attempt. Throws CodedError UNAVAILABLE only when there is no answer at all. */
  send(
    method: "GET" | "POST",
    path: string,
    body?: HttpBody,
    headers?: Record<string, string>,
  ): Promise<HttpAnswer>;
  /** Reads with up to 4 attempts on 429, 5xx and no answer; then throws CodedError UNAVAILABLE. */
  read(path: string, body?: HttpBody): Promise<HttpAnswer>;
  /** The UNAVAILABLE error for an answer that makes no sense. */
  unusable(path: string, answer: HttpAnswer): CodedError;
}

const ATTEMPTS = 4;
const FIRST_RETRY_MS = 400;

/** At most `perSecond` turns in any second, in order of asking; a caller waits for its turn. */
export function createTokenBucket(perSecond: number, deps: Pick<HttpDeps, "now" | "sleep">) {
  const recent: number[] = [];
  return async (): Promise<void> => {
    if (!Number.isFinite(perSecond)) return;
    const now = deps.now();
    const oldest = recent.length < perSecond ? undefined : recent.shift();
    const at = oldest === undefined ? now : Math.max(now, oldest + 1000);
    recent.push(at);
    if (at > now) await deps.sleep(at - now);
  };
}

export function createHttpClient(options: HttpClientOptions, deps: HttpDeps): HttpClient {
  const { name, timeoutMs } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, "");
  const turn = createTokenBucket(options.requestsPerSecond, deps);

  const send: HttpClient["send"] = async (method, path, body, headers) => {
    await turn();
    try {
      const response = await deps.fetch(baseUrl + path, {
        method,
        headers: {
          ...options.headers,
          ...(body ? { "content-type": body.type } : {}),
          ...headers,
        },
        signal: AbortSignal.timeout(timeoutMs),
        ...(body ? { body: body.bytes } : {}),
      });
      return { status: response.status, text: await response.text() };
    } catch (cause) {
      throw new CodedError("UNAVAILABLE", `${name} did not answer ${method} ${path}`, { cause });
    }
  };

  const unusable: HttpClient["unusable"] = (path, { status, text }) =>
    new CodedError("UNAVAILABLE", `${name} answered ${path} with ${status}: ${text.slice(0, 200)}`);

  const read: HttpClient["read"] = async (path, body) => {
    for (let attempt = 1; ; attempt++) {
      let trouble: unknown;
      try {
        const answer = await send(body ? "POST" : "GET", path, body);
        if (answer.status !== 429 && answer.status < 500) return answer;
        trouble = unusable(path, answer);
      } catch (error) {
        trouble = error;
      }
      if (attempt >= ATTEMPTS) throw trouble;
      await deps.sleep(FIRST_RETRY_MS * 2 ** (attempt - 1));
    }
  };

  return { send, read, unusable };
}

/** The text as JSON of a schema, or undefined. */
export function parseJson<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
