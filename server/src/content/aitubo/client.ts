/**
 * AITubo over HTTP: submit a picture, ask about the job, fetch what came of it.
 * Owns: requests, time and size limits, where results may be fetched from. Does not own: retries, the submit ledger
 * (look.ts), what AITubo's answers look like (answers.ts).
 */
import type { z } from "zod";
import { sniffPicture } from "../intake.ts";
import { AituboError, created, envelope, type JobAnswer, job, refusal } from "./answers.ts";

export { AituboError } from "./answers.ts";

export interface AituboOptions {
  /** E.g. https://api.aitubo.ai; it has moved before, so it is configuration. */
  baseUrl: string;
  apiKey: string;
  /** For one whole exchange, body included, ms. */
  timeoutMs: number;
}

export interface AituboInput {
  prompt: string;
  /** Where AITubo fetches the picture from. */
  imageUrl: string;
  /** 0 < strength <= 1: how far the result may leave the picture. */
  strength: number;
  /** Of the picture, pixels; what is asked for has its shape, at most 1,024 a side. */
  width: number;
  height: number;
}

export interface AituboOutput {
  kind: "image";
  url: string;
  /** AITubo's own verdict. */
  nsfw: boolean;
}

export type AituboState =
  | { state: "queued" | "running" }
  | { state: "done"; outputs: AituboOutput[] }
  | { state: "failed"; reason: string };

/** Every method throws AituboError and nothing else. */
export interface AituboClient {
  /**
   * Starts a job. After an error of kind `retry` it is unknown whether AITubo took it: there is no idempotency key.
   */
  submit(input: AituboInput): Promise<{ remoteId: string }>;
  poll(remoteId: string): Promise<AituboState>;
  /** A result's bytes: a JPEG, PNG, WebP or GIF of at most `maxBytes`, from a host that AITubo named. */
  download(url: string, limits: { maxBytes: number }): Promise<Uint8Array>;
}

const MAX_ANSWER_BYTES = 1_000_000;
const MAX_SIDE = 1_024;
/** Diffusion models work on blocks of 8 pixels. */
const BLOCK = 8;
const PICTURE_TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif"];

export function createAitubo(
  options: AituboOptions,
  { fetch = globalThis.fetch }: { fetch?: typeof globalThis.fetch } = {},
): AituboClient {
  const base = new URL(options.baseUrl);
  /** Where results may come from. A picture's path can name any host at all: only these are fetched from. */
  const hosts = new Set([base.host]);

  /** One exchange within the time limit; a network failure becomes `retry`. Redirects are answers, never followed. */
  const exchange = async <T>(
    what: string,
    url: URL,
    init: RequestInit,
    read: (response: Response) => Promise<T>,
  ): Promise<T> => {
    try {
      const signal = AbortSignal.timeout(options.timeoutMs);
      return await read(await fetch(url, { ...init, redirect: "manual", signal }));
    } catch (error) {
      if (error instanceof AituboError) throw error;
      throw new AituboError("retry", `AITubo did not answer ${what}`, { cause: error });
    }
  };

  const call = <S extends z.ZodType>(
    what: string,
    path: string,
    init: RequestInit,
    data: S,
  ): Promise<z.infer<S>> => {
    const headers = { authorization: `Bearer ${options.apiKey}`, "content-type": "application/json" };
    return exchange(what, new URL(path, base), { ...init, headers }, async (response) => {
      const bytes = await readLimited(response, MAX_ANSWER_BYTES, what);
      const answer = envelope.safeParse(parsed(bytes));
      const text = answer.data?.info ?? answer.data?.message ?? undefined;
      const retryAfter = response.headers.get("retry-after");
      if (!response.ok) throw refusal(response.status, what, text, retryAfter);
      // A 200 that is not theirs: a proxy's page.
      if (!answer.success) throw new AituboError("retry", `AITubo's answer to ${what} cannot be read`);
      if (answer.data.code !== 0) throw refusal(answer.data.code, what, text, retryAfter);
      const known = data.safeParse(answer.data.data);
      if (!known.success)
        throw new AituboError("permanent", `AITubo's answer to ${what} has another shape`, {
          cause: known.error,
        });
      return known.data;
    });
  };

  return {
    async submit({ prompt, imageUrl, strength, width, height }) {
      const body = {
        prompt,
        imagePath: imageUrl,
        strength,
        ...sizeFor(width, height),
        count: 1,
        imageFormat: "jpg",
        safetyChecker: true,
      };
      const init = { method: "POST", body: JSON.stringify(body) };
      return { remoteId: (await call("a job", "/api/job/create", init, created)).id };
    },

    async poll(remoteId) {
      const path = `/api/job/get?id=${encodeURIComponent(remoteId)}`;
      const state = stateOf(await call("a question about a job", path, { method: "GET" }, job));
      if (state.domain) hosts.add(state.domain.host);
      return state.answer;
    },

    async download(url, { maxBytes }) {
      const target = URL.canParse(url) ? new URL(url) : undefined;
      // The protocol too: a result of an https API is not fetched in the clear.
      if (!target || target.protocol !== base.protocol || !hosts.has(target.host))
        throw new AituboError("permanent", "a result's address is not on a host that AITubo named");
      return exchange("a download", target, {}, async (response) => {
        if (!response.ok) {
          await response.body?.cancel();
          throw refusal(response.status, "a download", undefined, response.headers.get("retry-after"));
        }
        const type = response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "none";
        if (!PICTURE_TYPES.includes(type)) {
          await response.body?.cancel();
          throw new AituboError("permanent", `a result is no picture but ${type.slice(0, 60)}`);
        }
        const bytes = await readLimited(response, maxBytes, "a download");
        if (!(await sniffPicture(bytes))) throw new AituboError("permanent", "a result is no picture");
        return bytes;
      });
    },
  };
}

/** What a job's answer means, and the domain its results are under. */
function stateOf({ status, result }: JobAnswer): { answer: AituboState; domain?: URL } {
  if (status === 0) return { answer: { state: "queued" } };
  if (status === 1) return { answer: { state: "running" } };
  const failed = (reason: string) => ({ answer: { state: "failed" as const, reason } });
  if (status === 3) return failed((result?.info ?? result?.message ?? "no reason given").slice(0, 200));
  const made = result?.data;
  if (!made || made.images.length === 0) return failed("done without a picture");
  const domain = URL.canParse(made.domain) ? new URL(made.domain) : undefined;
  if (!domain || made.images.some((path) => !URL.canParse(path, made.domain)))
    return failed("its results have no address");
  const outputs = made.images.map((path, at) => ({
    kind: "image" as const,
    url: new URL(path, domain).href,
    nsfw: made.nsfws?.[at] ?? false,
  }));
  return { answer: { state: "done", outputs }, domain };
}

/** The same shape within 1,024 px a side, in whole blocks. */
function sizeFor(width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
  const whole = (side: number): number => Math.max(BLOCK, Math.round((side * scale) / BLOCK) * BLOCK);
  return { width: whole(width), height: whole(height) };
}

/** The body of at most `maxBytes`, counted while it comes in. Throws `permanent` beyond. */
async function readLimited(response: Response, maxBytes: number, what: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early cancels the body, and with it the connection.
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > maxBytes) throw new AituboError("permanent", `AITubo's answer to ${what} is too large`);
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
