/** What operator and auditor say to each other over HTTP. Owns: the schemas both check. */
import { outpointSchema, playKeySchema } from "@meme-rounds/shared-schema/records";
import type { SettlementPlan } from "@meme-rounds/shared-schema/settlement";
import { z } from "zod";

const hex = z.string().regex(/^(?:[0-9a-f]{2})+$/);
const hash32 = z.string().regex(/^[0-9a-f]{64}$/);
const sats = z.number().int().positive();
const coin = { txid: hash32, vout: z.number().int().nonnegative(), sats, script: hex };

export const planSchema: z.ZodType<SettlementPlan> = z.strictObject({
  roundId: z.string().min(1).max(64),
  inputs: z.array(
    z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("deposit"), playKey: playKeySchema, ...coin }),
      z.strictObject({ kind: z.literal("carry"), roundId: z.string(), ...coin }),
      z.strictObject({ kind: z.literal("operator"), ...coin }),
    ]),
  ),
  outputs: z.array(
    z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("payout"), playKey: playKeySchema, sats, script: hex }),
      z.strictObject({ kind: z.literal("carry"), sats, script: hex }),
      z.strictObject({ kind: z.literal("change"), sats, script: hex }),
    ]),
  ),
  minerFee: sats,
});

export const cosignBody = z.strictObject({ roundId: z.string().min(1).max(64), plan: planSchema });
/** One signature per input that needs the auditor's (DER with scope byte, hex), null for the operator's own coins. */
const signaturesSchema = z.array(hex.nullable());
export type Signatures = z.infer<typeof signaturesSchema>;
export const cosignAnswer = z.strictObject({ signatures: signaturesSchema });
export const auditorKeysAnswer = z.strictObject({ auditorKey: playKeySchema, headKey: hash32 });

/** Why the auditor does not sign (M4). UNAVAILABLE and JOURNAL_UNFINISHED pass; the others make a dispute. */
export const refusalCodes = [
  "BAD_REQUEST",
  "CARRY_CONSUMED",
  "CARRY_UNKNOWN",
  "DEPOSIT_DROPPED_WRONGLY",
  "DEPOSIT_NOT_ON_CHAIN",
  "DEPOSIT_SPENT",
  "JOURNAL_INVALID",
  "JOURNAL_UNFINISHED",
  "PLAN_DIFFERENT",
  "PLAN_WRONG",
  "ROUND_FOREIGN",
  "TOO_LATE",
  "UNAVAILABLE",
] as const;
export type RefusalCode = (typeof refusalCodes)[number];
export const refusalAnswer = z.strictObject({ code: z.enum(refusalCodes), reason: z.string() });

/** A refusal by the auditor, or its absence (UNAVAILABLE). */
export class AuditorRefusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = "AuditorRefusal";
    this.code = code;
  }
}

export const outpointText = (coinOf: { txid: string; vout: number }): string =>
  outpointSchema.parse(`${coinOf.txid}:${coinOf.vout}`);
