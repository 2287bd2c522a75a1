/** What operator and auditor say to each other over HTTP. Owns: the schemas both check. */
import { outpointSchema, playKeySchema } from "@meme-rounds/shared-schema/records";
import type { SettlementPlan } from "@meme-rounds/shared-schema/settlement";
import { z } from "zod";

const hex = z.string().regex(/^(?:[0-9a-f]{2})+$/);
const hash32 = z.string().regex(/^[0-9a-f]{64}$/);
const sats = z.number().int().positive();
const index = z.number().int().nonnegative();
const spent = { vout: index, sats, script: hex };
const roundId = z.string().min(1).max(64);

const plannedTx = z.strictObject({
  kind: z.enum(["direct", "collect", "payout"]),
  inputs: z.array(
    z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("deposit"), txid: hash32, playKey: playKeySchema, ...spent }),
      z.strictObject({ kind: z.literal("carry"), txid: hash32, roundId, ...spent }),
      z.strictObject({ kind: z.literal("operator"), txid: hash32, ...spent }),
      z.strictObject({ kind: z.literal("pot"), tx: index, ...spent }),
    ]),
  ),
  outputs: z.array(
    z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("payout"), playKey: playKeySchema, sats, script: hex }),
      z.strictObject({ kind: z.literal("pot"), sats, script: hex }),
      z.strictObject({ kind: z.literal("carry"), sats, script: hex }),
      z.strictObject({ kind: z.literal("change"), sats, script: hex }),
    ]),
  ),
  minerFee: sats,
});

export const planSchema: z.ZodType<SettlementPlan> = z.strictObject({
  roundId,
  version: z.number().int().positive(),
  lost: z.array(outpointSchema),
  txs: z.array(plannedTx).min(1),
});

/** One signature per input (DER with scope byte, hex), by transaction of the plan; null where none is needed. */
const signaturesSchema = z.array(z.array(hex.nullable()));
export type Signatures = z.infer<typeof signaturesSchema>;

export const cosignBody = z.strictObject({
  plan: planSchema,
  /** The operator's of every collect: the txids of its pots follow from them. Empty lists for the other transactions. */
  collectSignatures: signaturesSchema,
  /** Raw transactions of the lost deposits, hex: the network may have forgotten them. */
  lostTxs: z.array(hex),
  /**
   * Transactions with deposits that were mined in another form than ours: raw, hex, by index in the plan. The escrow's
   * choice of branch is covered by no signature, so whoever passes one on can change its txid, though nothing it pays.
   */
  twins: z.array(z.strictObject({ tx: index, rawHex: hex })),
});
export type CosignRequest = z.infer<typeof cosignBody>;
export const cosignAnswer = z.strictObject({ signatures: signaturesSchema });
export const auditorKeysAnswer = z.strictObject({ auditorKey: playKeySchema, headKey: hash32 });

/** Why the auditor does not sign (M4). UNAVAILABLE and JOURNAL_UNFINISHED pass; the others make a dispute. */
export const refusalCodes = [
  "BAD_REQUEST",
  "CARRY_CONSUMED",
  "CARRY_UNKNOWN",
  "CLAIM_OPEN",
  "DEPOSIT_DROPPED_WRONGLY",
  "DEPOSIT_NOT_LOST",
  "DEPOSIT_NOT_ON_CHAIN",
  "DEPOSIT_SPENT",
  "JOURNAL_BACKDATED",
  "JOURNAL_CONTRADICTS_HEAD",
  "JOURNAL_INVALID",
  "JOURNAL_UNFINISHED",
  "PAYS_TWICE",
  "PLAN_DIFFERENT",
  "PLAN_WRONG",
  "ROUND_FOREIGN",
  "ROUND_VOID",
  "RULES_FOREIGN",
  "SIGNATURES_WRONG",
  "TOO_LATE",
  "TWIN_WRONG",
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
