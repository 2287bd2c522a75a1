/**
 * AITubo over HTTP: submit a picture, ask about the job, fetch what came of it.
 * Owns: requests to the API, time and size limits. Does not own: retries, the submit ledger (ledger.ts), the breaker
 * (breaker.ts), what answers mean (answers.ts), fetching results (download.ts).
 */
import { z } from "zod";
import type { Resolve } from "./addresses.ts";
import { AituboError, type AituboState, created, envelope, job, refusal, stateOf } from "./answers.ts";
import { download } from "./download.ts";

export { AituboError, type AituboOutput, type AituboState } from "./answers.ts";

export interface AituboOptions {
  /** E.g. https://api.aitubo.ai; it has moved before, so it is configuration. */
  baseUrl: string;
  apiKey: string;
  /** For one whole exchange, body included, ms. */
  timeoutMs: number;
  /** A model of AITubo's own (24 hex) instead of its default. */
  modelId?: string;
  /** Development and tests: results may come from this machine. Never in production. */
  allowPrivate?: boolean;
}

export interface AituboInput {
  prompt: string;
  /** Where AITubo fetches the picture from: public, https with the real one. */
  imageUrl: string;
  /** 0 < strength <= 1: how far the result may leave the picture. */
  strength: number;
  /** What is asked for, pixels (sizeFor). */
  width: number;
  height: number;
}

/** Every method throws AituboError and nothing else. */
export interface AituboClient {
  /**
   * Starts a job. There is no idempotency key: after an error that is `unclear` nobody knows whether AITubo took it.
   */
  submit(input: AituboInput): Promise<{ remoteId: string }>;
  poll(remoteId: string): Promise<AituboState>;
  /** A result's bytes: a JPEG, PNG, WebP or GIF of at most `maxBytes`. The URL is one that `poll` gave. */
  download(url: string, limits: { maxBytes: number }): Promise<Uint8Array>;
}

export interface AituboDeps {
  fetch?: typeof globalThis.fetch;
  /** How the hosts of results are looked up; the system's way by default. */
  resolve?: Resolve;
  now?: () => number;
}

const MAX_ANSWER_BYTES = 1_000_000;
const MAX_SIDE = 1_024;
/** Diffusion models work on blocks of 8 pixels. */
const BLOCK = 8;

export function createAitubo(
  options: AituboOptions,
  { fetch = globalThis.fetch, resolve, now = Date.now }: AituboDeps = {},
): AituboClient {
  const base = new URL(options.baseUrl);
  const { timeoutMs, allowPrivate = false } = options;

  /** One exchange within the time limit; a network failure becomes `retry`. Redirects are answers, never followed. */
  const exchange = async <S extends z.ZodType>(
    what: string,
    path: string,
    init: RequestInit,
    data: S,
  ): Promise<z.infer<S>> => {
    const headers = { authorization: `Bearer ${options.apiKey}`, "content-type": "application/json" };
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(new URL(path, base), { ...init, headers, redirect: "manual", signal });
      return await answerOf(response, what, data, now());
    } catch (error) {
      if (error instanceof AituboError) throw error;
      throw new AituboError("retry", `AITubo did not answer ${what}`, {
        cause: error,
        unclear: !neverSent(error),
      });
    }
  };

  return {
    async submit({ prompt, imageUrl, strength, width, height }) {
      const body = {
        prompt,
        imagePath: imageUrl,
        strength,
        width,
        height,
        count: 1,
        imageFormat: "jpg",
        safetyChecker: true,
        ...(options.modelId === undefined ? {} : { modelId: options.modelId }),
      };
      const init = { method: "POST", body: JSON.stringify(body) };
      return { remoteId: (await exchange("a job", "/api/job/create", init, created)).id };
    },

    async poll(remoteId) {
      const path = `/api/job/get?id=${encodeURIComponent(remoteId)}`;
      return stateOf(await exchange("a question about a job", path, { method: "GET" }, job));
    },

    download: (url, { maxBytes }) =>
      download(
        url,
        maxBytes,
        { protocol: base.protocol, allowPrivate, timeoutMs },
        { now, ...(resolve ? { resolve } : {}) },
      ),
  };
}

/** The data of an answer that is AITubo's own and says success; anything else is thrown as AituboError. */
async function answerOf<S extends z.ZodType>(
  response: Response,
  what: string,
  data: S,
  now: number,
): Promise<z.infer<S>> {
  const bytes = await readLimited(response, what);
  const answer = envelope.safeParse(parsed(bytes));
  const text = answer.data?.info ?? answer.data?.message ?? undefined;
  const retryAfter = response.headers.get("retry-after");
  if (!response.ok) throw refusal({ code: response.status, what, text, retryAfter, now });
  // A 200 that is not theirs: a proxy's page.
  if (!answer.success)
    throw new AituboError("retry", `AITubo's answer to ${what} cannot be read`, { unclear: true });
  if (answer.data.code !== 0) throw refusal({ code: answer.data.code, what, text, retryAfter, now });
  const known = data.safeParse(answer.data.data);
  if (known.success) return known.data;
  throw new AituboError("permanent", `AITubo's answer to ${what} has another shape`, {
    cause: known.error,
    unclear: true,
  });
}

/** The picture's shape within 1,024 px a side, in whole blocks: what to ask for, pixels. */
export function sizeFor(width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
  const whole = (side: number): number => Math.max(BLOCK, Math.round((side * scale) / BLOCK) * BLOCK);
  return { width: whole(width), height: whole(height) };
}

/** Failures of a connection that was never made: nothing was sent. */
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);
const withCode = z.object({ code: z.string() });

function neverSent(error: unknown): boolean {
  const cause = withCode.safeParse(error instanceof Error ? error.cause : undefined);
  return cause.success && NEVER_SENT.has(cause.data.code);
}

/** The body, counted while it comes in. Throws `permanent` beyond 1 MB. */
async function readLimited(response: Response, what: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early cancels the body, and with it the connection.
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > MAX_ANSWER_BYTES)
      throw new AituboError("permanent", `AITubo's answer to ${what} is too large`, { unclear: true });
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The bytes as JSON; undefined when they are none. */
function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}
