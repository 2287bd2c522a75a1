/**
 * One provider over HTTP. Owns: limits of time and size, the request rate (one for all who share the client), retries
 * of reads, and turning every trouble into one shape. Does not own: what the answers mean.
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
  /** How long a call made now would wait for its turn, ms. */
  waitMs(): number;
}

const ATTEMPTS = 4;
const FIRST_RETRY_MS = 400;
/** After a 429 nobody asks for so long. */
const PAUSE_MS = 1_000;
/** The largest transaction that nodes relay by default, in hex, and some JSON around it. */
const MAX_ANSWER_BYTES = 24_000_000;

/** At most `perSecond` turns in any second, in order of asking; a caller waits for its turn. */
export function createTokenBucket(perSecond: number, deps: Pick<HttpDeps, "now" | "sleep">) {
  const recent: number[] = [];
  let notBefore = Number.NEGATIVE_INFINITY;
  const next = (now: number): number => {
    const oldest = recent.length < perSecond ? undefined : recent[0];
    return Math.max(now, notBefore, oldest === undefined ? now : oldest + 1000);
  };
  return {
    async turn(): Promise<void> {
      const now = deps.now();
      const at = next(now);
      if (Number.isFinite(perSecond)) {
        if (recent.length >= perSecond) recent.shift();
        recent.push(at);
      }
      if (at > now) await deps.sleep(at - now);
    },
    /** Nobody gets a turn for so long, ms. */
    pause(ms: number): void {
      notBefore = Math.max(notBefore, deps.now() + ms);
    },
    waitMs: (): number => next(deps.now()) - deps.now(),
  };
}

/** The answer's text. Rejects when it is larger than anything a provider has to say. */
async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > MAX_ANSWER_BYTES) throw new RangeError("the answer is too large");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

export function createHttpClient(options: HttpClientOptions, deps: HttpDeps): HttpClient {
  const { name, timeoutMs } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, "");
  const bucket = createTokenBucket(options.requestsPerSecond, deps);

  const send: HttpClient["send"] = async (method, path, body, headers) => {
    await bucket.turn();
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
      if (response.status === 429) bucket.pause(PAUSE_MS);
      return { status: response.status, text: await textOf(response) };
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

  return { send, read, unusable, waitMs: bucket.waitMs };
}

/** The text as JSON of a schema, or undefined. */
export function parseJson<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
