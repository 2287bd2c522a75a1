/** What two broadcasters' answers come to together. Owns: the rule. Pure. */
import type { BroadcastResult } from "./port.ts";

/**
 * Success needs one accept and no competing transaction. A refusal by one does not outweigh the other's accept; an
 * unclear answer decides nothing.
 */
export function bothSaid(first: BroadcastResult, second: BroadcastResult): BroadcastResult {
  for (const one of [first, second]) if (one.outcome === "conflict") return one;
  const seen = [first, second].filter(({ outcome }) => outcome === "seen").length;
  if (seen > 0) return { outcome: "seen", txid: first.txid, witnesses: seen };
  if (first.outcome === "rejected") return first;
  return second.outcome === "rejected" ? second : first;
}
