/**
 * Calls to /api (design.md section 8). Owns: one fetch, its time limit, problem documents turned into outcomes.
 * Does not own: tokens (session.ts) or which calls there are (api.ts). Answers are our own server's and are trusted
 * to have the promised shape: checking them here would put the schema library into the first load.
 */
import { ERRORS, isErrorCode } from "@meme-rounds/shared-schema/errors";
import type { Problem } from "@meme-rounds/shared-schema/rest";
import { type Failure, failure } from "../app/model.ts";

export type Answered<T> = { ok: true; data: T } | Failure;

export interface Call {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Below /api, with its query. */
  path: string;
  /** Sent as JSON. */
  body?: unknown;
  form?: FormData;
  token?: string;
  /** ms; default 15,000. */
  timeoutMs?: number;
  /** Past the browser's own cache. */
  fresh?: boolean;
}

export interface Http {
  /** Never throws: what does not arrive is OFFLINE. */
  request<T>(call: Call): Promise<Answered<T>>;
}

const TIMEOUT_MS = 15_000;

export function createHttp(options: { base: string }, deps: { fetch: typeof fetch }): Http {
  return {
    async request<T>(call: Call): Promise<Answered<T>> {
      const headers = new Headers({ Accept: "application/json" });
      if (call.token !== undefined) headers.set("Authorization", `Bearer ${call.token}`);
      if (call.body !== undefined) headers.set("Content-Type", "application/json");
      const body = call.form ?? (call.body === undefined ? null : JSON.stringify(call.body));
      try {
        const response = await deps.fetch(`${options.base}${call.path}`, {
          method: call.method,
          headers,
          body,
          ...(call.fresh ? { cache: "no-store" as const } : {}),
          signal: AbortSignal.timeout(call.timeoutMs ?? TIMEOUT_MS),
        });
        if (!response.ok) return await failureOf(response);
        return { ok: true, data: (await response.json()) as T };
      } catch {
        // No connection, a time-out, or half an answer: whether it arrived is not known.
        return failure("OFFLINE", "The server cannot be reached.");
      }
    },
  };
}

async function failureOf(response: Response): Promise<Failure> {
  const what = await refusalOf(response);
  // Ours is in seconds; a date would be some proxy's.
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return seconds > 0 ? { ...what, retryAfterMs: seconds * 1_000 } : what;
}

async function refusalOf(response: Response): Promise<Failure> {
  const text = await response.text();
  const problem = readProblem(text);
  if (problem?.code !== undefined && isErrorCode(problem.code))
    return failure(problem.code, problem.detail ?? ERRORS[problem.code].sentence);
  // Not ours: a proxy in between answered.
  return response.status >= 500
    ? failure("UNAVAILABLE", ERRORS.UNAVAILABLE.sentence)
    : failure("INTERNAL", `The server answered ${response.status}.`);
}

function readProblem(text: string): Partial<Problem> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined; // Not JSON: the caller goes by the status.
  }
}
