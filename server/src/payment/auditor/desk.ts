/**
 * What is asked of the auditor besides co-signing: a player's claim, and whether a round may be given up (M4). Owns:
 * the shapes, the caller's side of the calls. Does not own: the answers (claims.ts, index.ts).
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { ClaimedReceipt } from "@meme-rounds/shared-schema/receipt";
import { claimAnswer, claimBody } from "@meme-rounds/shared-schema/rest";
import { z } from "zod";

export const CLAIM_PATH = "/claims";
export const CLOSING_PATH = "/closing";

export { claimAnswer, claimBody };
export type ClaimAnswer = z.infer<typeof claimAnswer>;
export const closingBody = z.strictObject({ roundId: z.string().max(64) });
/** `closing`: no result of the round was signed, and none will be. */
export const closingAnswer = z.strictObject({ closing: z.boolean(), reason: z.string() });
export type ClosingAnswer = z.infer<typeof closingAnswer>;

/** How the auditor says no to a claim. */
const claimRefusals = ["BAD_REQUEST", "RATE_LIMITED", "RECEIPT_INVALID", "ROUND_UNKNOWN"] as const;
const refusalSchema = z.object({ code: z.enum(claimRefusals), reason: z.string() });

export interface AuditorDesk {
  /** Throws CodedError with one of claimRefusals, or UNAVAILABLE when there is no usable answer. */
  claim(receipt: ClaimedReceipt): Promise<ClaimAnswer>;
  /** The 12 h rule. Throws CodedError UNAVAILABLE when there is no usable answer: then nothing may be given up. */
  close(roundId: string): Promise<ClosingAnswer>;
}

export function createAuditorDesk(options: {
  url: string;
  /** ms; the auditor may be judging another round. */
  timeoutMs: number;
}): AuditorDesk {
  const ask = async <S extends z.ZodType>(path: string, body: object, answer: S): Promise<z.output<S>> => {
    let json: unknown;
    let status: number;
    try {
      const response = await fetch(new URL(path, options.url), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(options.timeoutMs),
      });
      status = response.status;
      json = await response.json();
    } catch (cause) {
      throw new CodedError("UNAVAILABLE", "The auditor does not answer.", { cause });
    }
    const good = answer.safeParse(json);
    if (status === 200 && good.success) return good.data;
    const refused = refusalSchema.safeParse(json);
    if (refused.success) throw new CodedError(refused.data.code, refused.data.reason);
    throw new CodedError("UNAVAILABLE", `The auditor's answer (${status}) makes no sense.`);
  };
  return {
    claim: (receipt) => ask(CLAIM_PATH, { receipt }, claimAnswer),
    close: (roundId) => ask(CLOSING_PATH, { roundId }, closingAnswer),
  };
}
