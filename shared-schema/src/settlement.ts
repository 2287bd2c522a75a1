/**
 * What a round's settlement must look like (E9, E10, M3). Owns: the unsigned plan made from a round's outcome, and
 * the comparison of a plan with what it should be. Does not own: keys, signatures, the network, or how an outcome
 * comes about (payout.ts). Pure: the operator plans with it, the auditor and the verify page check with it.
 */
import type { BodyOf } from "./records.ts";

/** An unspent output. */
export interface Coin {
  txid: string;
  vout: number;
  /** sat. */
  sats: number;
}

/** A deposit that was not dropped at the freeze. */
export interface DepositCoin extends Coin {
  playKey: string;
}

/** A carry output of an earlier round, locked to operator and auditor (E11). */
export interface CarryCoin extends Coin {
  roundId: string;
}

export type PlanInput = Coin & { /** Locking script of the coin, hex. */ script: string } & (
    | { kind: "deposit"; playKey: string }
    | { kind: "carry"; roundId: string }
    | { kind: "operator" }
  );

export type PlanOutput = { /** sat. */ sats: number /** Locking script, hex. */; script: string } & (
  | { kind: "payout"; playKey: string }
  | { kind: "carry" }
  | { kind: "change" }
);

/** The whole unsigned transaction; version 1, lock time 0, every input final. */
export interface SettlementPlan {
  roundId: string;
  inputs: PlanInput[];
  outputs: PlanOutput[];
  /** sat. */
  minerFee: number;
}

/** What a finished round owes: of payout.ts's outcome, the part that money follows. */
export type SettledOutcome =
  | { kind: "result"; result: BodyOf<"result"> }
  | { kind: "void"; returned: { playKey: string; sats: number }[] };
