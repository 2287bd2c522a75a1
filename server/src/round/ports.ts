/**
 * What the Round Service needs of the other services, and nothing more. Owns: the list.
 * main.ts hands in the real ones; tests hand in the same services on stand-ins.
 */
import type { AnalyticsService } from "../analytics/index.ts";
import type { AudienceService } from "../audience/index.ts";
import type { AuthService } from "../auth/index.ts";
import type { ContentService } from "../content/index.ts";
import type { PaymentService } from "../payment/index.ts";

export type PaymentPort = Pick<
  PaymentService,
  | "keys"
  | "signReceipt"
  | "feeRate"
  | "claimCarry"
  | "acceptDeposit"
  | "judgeDeposits"
  | "enqueueSettlement"
  | "settlementOf"
  | "headOf"
  | "headsOf"
  | "ledgerOf"
  | "costOf"
  | "unsettled"
  | "giveUp"
>;
export type ContentPort = Pick<
  ContentService,
  "contentOf" | "enqueueTransforms" | "modelsOf" | "sculpturesOf" | "reported" | "judgeText"
>;
/** What the round's pages ask beside that. */
export type StandingPort = Pick<ContentService, "standingOf">;
export type AnalyticsPort = Pick<AnalyticsService, "roundFinished" | "roundVoided">;
export type AudiencePort = Pick<AudienceService, "spectators" | "relays">;
export type AuthPort = Pick<AuthService, "authenticate" | "play" | "sessions">;

/** How far a round's payout is. */
export type SettlementView = NonNullable<Awaited<ReturnType<PaymentPort["settlementOf"]>>>;
