/**
 * The words of a verification (M10). Owns: what evidence is, what a check says, the titles and what hangs on what.
 * Does not own: the checks (verify-round-journal.ts, verify-round-money.ts), where evidence comes from
 * (verify-round-gather.ts).
 */
import type { VerifyCompact } from "./crypto.ts";
import type { LinkBody, ReadLink } from "./ledger-link.ts";
import type { ComputedOutcome } from "./payout.ts";
import type { ClaimedReceipt, SignedHead } from "./receipt.ts";
import type { BodyOf, Entry, Network } from "./records.ts";
import type { RoundState } from "./round-state.ts";
import type { RawTransaction } from "./tx-read.ts";

/** In the order they are made and shown. `title` and `means` are for somebody who sees the game for the first time. */
export const CHECKS = [
  {
    id: "link",
    title: "The round stands in the ledger",
    means: "The game writes one link a round into a chain of transactions that cannot be rewritten.",
    needs: [],
  },
  {
    id: "journal",
    title: "The journal is the one the ledger names",
    means:
      "Everything that happened in the round is in one file on the blockchain, and the ledger holds its fingerprint.",
    needs: ["link"],
  },
  {
    id: "chain",
    title: "No record was added, lost or moved",
    means: "Each record holds the fingerprint of the one before it.",
    needs: ["journal"],
  },
  {
    id: "signatures",
    title: "Players signed what they spent and said",
    means: "Every sat that was put behind a meme carries a signature that only its player could make.",
    needs: ["chain"],
  },
  {
    id: "rules",
    title: "Every step kept the rules",
    means: "The rules stand in the first record. Each record was judged by them again.",
    needs: ["chain"],
  },
  {
    id: "heads",
    title: "The auditor saw the same journal live",
    means: "While the round ran, a second party signed where the journal stood, about once a second.",
    needs: ["chain"],
  },
  {
    id: "receipts",
    title: "Your own receipts are honoured",
    means:
      "For each thing you did, the game gave this browser a signed receipt. Each must be in the journal.",
    needs: ["chain"],
  },
  {
    id: "deposits",
    title: "Every deposit is real",
    means: "Each deposit is a coin on the blockchain, locked so that nobody could take it alone.",
    needs: ["rules"],
  },
  {
    id: "ranking",
    title: "The ranking, computed again",
    means: "Scores follow from the boosts and their times alone.",
    needs: ["rules"],
  },
  {
    id: "payouts",
    title: "The payouts, computed again",
    means: "Who gets how much follows from the ranking, to the satoshi.",
    needs: ["rules"],
  },
  {
    id: "outputs",
    title: "The blockchain paid exactly that",
    means: "The settlement takes every deposit once and pays every player once, and nobody else.",
    needs: ["payouts", "deposits"],
  },
  {
    id: "carry",
    title: "The jackpot came from where it should",
    means: "What an earlier round left over is spent here, once.",
    needs: ["rules"],
  },
] as const satisfies { id: string; title: string; means: string; needs: readonly string[] }[];

export type CheckId = (typeof CHECKS)[number]["id"];

/** A transaction as the chain gives it. */
export interface ChainTx {
  tx: RawTransaction;
  /** Of the raw transaction. */
  bytes: number;
  /** Of its block; absent while it is in none. */
  height?: number;
}

/** Everything that is known of a round, raw. Nothing in it is believed. */
export interface RoundEvidence {
  network: Network;
  roundId: string;
  link?: ChainTx;
  /** From the link's parent backwards, handover links included; complete when it ends in a first genesis. */
  ancestors: readonly ChainTx[];
  /** Where the walk back had to end: its limit, not the chain. */
  cutShort?: true;
  /** Outpoint of the ledger's very first output, where the asker knows it. */
  genesis?: string;
  journalTx?: ChainTx;
  /** Read out of journalTx; the reason where that could not be done. */
  journal?: { entries: readonly Entry[] } | { problem: string };
  /** The transactions that spend the round's deposits and pots, in any order. */
  settlement: readonly ChainTx[];
  /** Transactions whose outputs are looked at: deposits, operator coins, carries, by txid. */
  sources: ReadonlyMap<string, RawTransaction>;
  heads?: { headKey: string; heads: readonly SignedHead[] };
  receipts?: readonly ClaimedReceipt[];
}

export interface VerifyTools {
  verify: VerifyCompact;
}

export interface Check {
  id: CheckId;
  title: string;
  means: string;
  ok: boolean | "skipped";
  /** With `skipped`: there is nothing of this kind to check, which is nothing bad. */
  absent?: true;
  numbers: Record<string, number | string>;
  /** Why it is red or skipped. */
  reason?: string;
  details: string[];
  /** Transactions to look at. */
  txids: string[];
}

/** What a check found. */
export type Finding = Partial<Pick<Check, "numbers" | "details" | "txids">> &
  ({ ok: true } | { ok: false; reason: string } | { ok: "skipped"; absent?: true; reason: string });

/** Everything earlier checks have found out, for later ones. */
export interface Known {
  link?: ReadLink & { body: LinkBody };
  entries?: readonly Entry[];
  /** At the freeze: before the record that ends the journal. */
  state?: RoundState;
  /** The record that ends the journal. */
  result?: BodyOf<"result">;
  computed?: ComputedOutcome;
}

/** Ends a check in red. */
export class Wrong extends Error {}

export function must(condition: boolean, reason: string): asserts condition {
  if (!condition) throw new Wrong(reason);
}

export const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;
export const short = (hex: string): string => `${hex.slice(0, 10)}…`;
