/**
 * The shapes AITubo answers in, and what its refusals mean for a caller.
 * Owns: schemas, AituboError, the meaning of statuses and codes. Does not own: HTTP (client.ts).
 * Its HTTP status on errors is not documented: a refusal may be the status or the `code` of a 200, so both count.
 */
import { z } from "zod";

/**
 * retry: may work later; rate: wait first; credit: somebody must pay; key: our key is refused; permanent: the same
 * call never works; open: not called at all, because the circuit breaker is open.
 */
export type AituboErrorKind = "retry" | "rate" | "credit" | "key" | "permanent" | "open";

interface AituboErrorOptions extends ErrorOptions {
  retryAfterMs?: number;
  unclear?: boolean;
}

export class AituboError extends Error {
  readonly kind: AituboErrorKind;
  /** AITubo's own wish with `rate`, the breaker's with `open`; ms. */
  readonly retryAfterMs?: number;
  /** Whether AITubo may have done what it was asked: it gave no answer, or one that does not say. */
  readonly unclear: boolean;

  constructor(kind: AituboErrorKind, message: string, options: AituboErrorOptions = {}) {
    super(message, options);
    this.name = "AituboError";
    this.kind = kind;
    this.unclear = options.unclear ?? false;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }
}

/** `code` 0 is success; the text is `info` on older endpoints and `message` on newer ones. */
export const envelope = z.object({
  code: z.int(),
  info: z.string().nullish(),
  message: z.string().nullish(),
  data: z.unknown(),
});

export const created = z.object({ id: z.string().min(1).max(128) });

/** Most results one job is read with; we ask for one. */
const MAX_RESULTS = 16;

const result = z.object({
  code: z.int().nullish(),
  info: z.string().nullish(),
  message: z.string().nullish(),
  data: z
    .object({
      domain: z.string(),
      images: z.array(z.string()).max(MAX_RESULTS).nullish(),
      nsfws: z.array(z.boolean()).nullish(),
      // A video job names one of each.
      image: z.string().nullish(),
      video: z.string().nullish(),
    })
    .nullish()
    // An unfinished job may answer with an empty or partial result.
    .catch(undefined),
});

/** 0 waiting, 1 running, 2 done, 3 failed. */
export const job = z.object({ status: z.int().min(0).max(3), result: result.nullish() });
type JobAnswer = z.infer<typeof job>;

/**
 * What a provider can give: a picture or a video. AITubo has no endpoint that gives a model (C4), so none is read.
 */
export interface AituboOutput {
  kind: "image" | "video";
  /** Always on the domain that the same answer named. */
  url: string;
  /** AITubo's own verdict. */
  nsfw: boolean;
}

export type AituboState =
  | { state: "queued" | "running" }
  | { state: "done"; outputs: AituboOutput[] }
  | { state: "failed"; reason: string };

/** What a job's answer means. A result that is not on the answer's own domain fails the job: nobody fetches it. */
export function stateOf({ status, result }: JobAnswer): AituboState {
  if (status === 0) return { state: "queued" };
  if (status === 1) return { state: "running" };
  if (status === 3) return failed((result?.info ?? result?.message ?? "no reason given").slice(0, 200));
  const made = result?.data;
  if (!made) return failed("done without a result");
  const base = URL.canParse(made.domain) ? new URL(made.domain) : undefined;
  if (!base || !/^https?:$/.test(base.protocol) || base.username || base.password)
    return failed("its results have no address");
  const paths = made.images?.length ? made.images : made.image ? [made.image] : [];
  const outputs: AituboOutput[] = [];
  for (const [at, path] of paths.entries()) {
    const url = within(base, path);
    if (url === undefined) return failed("a result is on another host than its domain");
    outputs.push({ kind: "image", url, nsfw: made.nsfws?.[at] ?? false });
  }
  if (made.video) {
    const url = within(base, made.video);
    if (url === undefined) return failed("a result is on another host than its domain");
    outputs.push({ kind: "video", url, nsfw: false });
  }
  return outputs.length === 0 ? failed("done without a picture") : { state: "done", outputs };
}

const failed = (reason: string): AituboState => ({ state: "failed", reason });

/** The path's address under its domain; undefined when it leads elsewhere. */
function within(domain: URL, path: string): string | undefined {
  // The domain ends in a slash in the documentation and has none in other sources.
  const base = domain.href.endsWith("/") ? domain : new URL(`${domain.href}/`);
  if (!URL.canParse(path, base.href)) return undefined;
  const url = new URL(path, base);
  return url.origin === domain.origin && !url.username && !url.password ? url.href : undefined;
}

/** A wish beyond this is not waited for, ms. */
const MAX_RETRY_AFTER_MS = 300_000;

/** The header as ms: whole seconds, or a date; undefined when it is neither. */
function retryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

export interface Refusal {
  /** The HTTP status, or an answer's `code` that is not success. */
  code: number;
  what: string;
  text?: string | undefined;
  /** The header as it came. */
  retryAfter?: string | null;
  now: number;
}

/** The error that an answer other than success is. */
export function refusal({ code, what, text, retryAfter = null, now }: Refusal): AituboError {
  const message = `AITubo refused ${what}: ${code}${text ? ` ${text.slice(0, 200)}` : ""}`;
  const ms = retryAfterMs(retryAfter, now);
  const wish = ms === undefined ? {} : { retryAfterMs: ms };
  if (code === 429) return new AituboError("rate", message, wish);
  // "Not now, ask again in n seconds" is a clear answer; every other 5xx may have come after the work was taken.
  if (code === 503 && ms !== undefined) return new AituboError("rate", message, wish);
  if (code === 402) return new AituboError("credit", message);
  if (code === 401 || code === 403) return new AituboError("key", message);
  const passing = code === 408 || code === 425 || (code >= 500 && code <= 599);
  return new AituboError(passing ? "retry" : "permanent", message, { unclear: passing });
}
