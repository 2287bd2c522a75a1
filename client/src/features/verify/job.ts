/** What the page and its worker say to each other. Owns: those shapes. Does not own: either side. */
import type { ClaimedReceipt, SignedHead } from "@meme-rounds/shared-schema/receipt";
import type { Verdict } from "@meme-rounds/shared-schema/verify-round";
import type { RoundHints } from "@meme-rounds/shared-schema/verify-round-gather";
import type { Check } from "@meme-rounds/shared-schema/verify-round-parts";
import type { ChainPlace } from "../../net/chain.ts";

export interface Job {
  /** A roundId, or the txid of its link. */
  target: string;
  place: ChainPlace;
  hints: RoundHints;
  heads?: { headKey: string; heads: SignedHead[] };
  receipts: ClaimedReceipt[];
}

export type Said =
  | { kind: "progress"; what: string }
  | { kind: "check"; check: Check }
  | { kind: "done"; verdict: Verdict; seconds: { fetch: number; verify: number } }
  | { kind: "failed"; message: string };
