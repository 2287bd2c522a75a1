/**
 * The shapes AITubo answers in, and what its refusals mean for a caller.
 * Owns: schemas, AituboError, the meaning of statuses and codes. Does not own: HTTP (client.ts).
 * Its HTTP status on errors is not documented: a refusal may be the status or the `code` of a 200, so both count.
 */
import { z } from "zod";

/** retry: may work later; rate: wait first; credit: somebody must pay; permanent: the same call never works. */
export type AituboErrorKind = "retry" | "rate" | "credit" | "permanent";

export class AituboError extends Error {
  readonly kind: AituboErrorKind;
  /** AITubo's own wish, ms; only with `rate`. */
  readonly retryAfterMs?: number;

  constructor(
    kind: AituboErrorKind,
    message: string,
    options: ErrorOptions & { retryAfterMs?: number } = {},
  ) {
    super(message, options);
    this.name = "AituboError";
    this.kind = kind;
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

const result = z.object({
  code: z.int().nullish(),
  info: z.string().nullish(),
  message: z.string().nullish(),
  data: z
    .object({
      domain: z.string(),
      images: z.array(z.string()),
      nsfws: z.array(z.boolean()).nullish(),
    })
    .nullish()
    // An unfinished job may answer with an empty or partial result.
    .catch(undefined),
});

/** 0 waiting, 1 running, 2 done, 3 failed. */
export const job = z.object({ status: z.int().min(0).max(3), result: result.nullish() });
export type JobAnswer = z.infer<typeof job>;

/** A wish beyond this is not waited for, ms. */
const MAX_RETRY_AFTER_MS = 300_000;

/** The error for an HTTP status or an answer's `code` that is not success. `retryAfter` is the header, in seconds. */
export function refusal(
  code: number,
  what: string,
  text: string | undefined,
  retryAfter: string | null,
): AituboError {
  const message = `AITubo refused ${what}: ${code}${text ? ` ${text.slice(0, 200)}` : ""}`;
  if (code === 429) {
    const ms = retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : undefined;
    return new AituboError("rate", message, {
      ...(ms === undefined ? {} : { retryAfterMs: Math.min(ms, MAX_RETRY_AFTER_MS) }),
    });
  }
  if (code === 402) return new AituboError("credit", message);
  const passing = code === 408 || code === 425 || (code >= 500 && code <= 599);
  return new AituboError(passing ? "retry" : "permanent", message);
}
