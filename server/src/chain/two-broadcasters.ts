/** What two broadcasters' answers come to together. Owns: the rule. Pure. */
import type { BroadcastResult } from "./port.ts";

/**
 * Success needs one accept and no competing transaction. A refusal by one does not outweigh the other's accept; an
 * unclear answer decides nothing.
 */
export function bothSaid(first: BroadcastResult, second: BroadcastResult): BroadcastResult {
  const { txid } = first;
  const both = [first, second];
  const conflicts = both.filter((one) => one.outcome === "conflict");
  if (conflicts.length > 0) {
    const competing = [...new Set(conflicts.flatMap((one) => one.competing))];
    return { outcome: "conflict", txid, competing };
  }
  const witnesses = both.filter(({ outcome }) => outcome === "seen").length;
  if (witnesses > 0) return { outcome: "seen", txid, witnesses };
  const refusal = both.find(({ outcome }) => outcome === "rejected");
  if (refusal) return refusal;
  const reason = both.map((one) => (one.outcome === "pending" ? one.reason : "")).join("; ");
  return { outcome: "pending", txid, reason };
}
