/**
 * What the Round Service needs of the other services, and nothing more. Owns: these interfaces.
 * main.ts hands in the real ones; tests hand in the same services on stand-ins.
 */

import type { Refusal } from "@meme-rounds/shared-schema/errors";
import type { Network } from "@meme-rounds/shared-schema/records";
import type { Model } from "@meme-rounds/shared-schema/rest";
import type { Caller } from "../infra/http.ts";

export interface DepositTerms {
  network: Network;
  roundId: string;
  operatorKey: string;
  auditorKey: string;
  /** unix s */
  deadline: number;
  minDepositSats: number;
  maxDepositSats: number;
}

export interface AcceptedDeposit {
  ok: true;
  txid: string;
  vout: number;
  /** sat */
  sats: number;
}

/** `pending` resolves when the network has answered after all (M1). */
export type DepositVerdict =
  | AcceptedDeposit
  | Refusal
  | { ok: "pending"; pending: Promise<AcceptedDeposit | Refusal> };

export interface SettlementView {
  state: "planned" | "signed" | "sent" | "mined";
  txids: string[];
  payouts: { playKey: string; sats: number; txid: string; vout: number }[];
}

export interface PaymentPort {
  keys(): { operatorKey: string; auditorKey: string; auditorHeadKey: string; receiptKey: string };
  /** Ed25519 by the receipt key, hex. */
  signReceipt(bytes: Uint8Array): string;
  /** sat/KB (M8). */
  feeRate(): Promise<number>;
  /** E11: carries this round consumes; the same answer for the same round. */
  claimCarry(arena: string, roundId: string): Promise<{ roundId: string; sats: number }[]>;
  acceptDeposit(terms: DepositTerms, playKey: string, txHex: string): Promise<DepositVerdict>;
  /** Outpoints that do not count (M1), judged once. */
  judgeDeposits(deposits: readonly { txid: string; vout: number }[]): Promise<string[]>;
  enqueueSettlement(roundId: string): Promise<void>;
  settlementOf(roundId: string): Promise<SettlementView | undefined>;
}

export interface ContentRecord {
  contentId: string;
  memeId: string;
  title: string;
  mime: string;
  phash: string;
  identity: string;
  status: "approved" | "review" | "rejected";
}

export interface ContentPort {
  contentOf(contentId: string): Promise<ContentRecord | undefined>;
  /** C3: the winners go to the transform queue; once per round and meme, whatever crashes. */
  enqueueTransforms(roundId: string, winners: readonly { memeId: string; title: string }[]): Promise<void>;
  modelsOf(roundId: string): Promise<Model[]>;
}

export interface AudiencePort {
  /** Sum over relays, sampled. */
  spectators(roundId: string): Promise<number>;
}

export interface AuthPort {
  /** Throws TOKEN_INVALID. */
  authenticate(token: string): Promise<Caller>;
}
