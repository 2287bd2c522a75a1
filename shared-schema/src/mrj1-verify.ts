/**
 * Judging a journal that was read from its file (M6, M10), in which only the last voucher signature of each player
 * stands. Owns: why that is enough. Does not own: the judging itself (verify-journal.ts).
 *
 * A voucher holds the hash of the player's voucher before it, and the judge checks that chain. Whoever signed the last
 * one has therefore signed all: leaving one out, changing one or adding one changes what was signed.
 */

import { toHex } from "./bytes.ts";
import type { VerifyCompact } from "./crypto.ts";
import type { Entry } from "./records.ts";
import { type Verified, verifyJournal } from "./verify-journal.ts";
import { decodeVoucher } from "./voucher.ts";

/** Stands for a signature that the player's last one covers. It is no signature: nothing else may carry it. */
const COVERED = "covered";

/**
 * Judges a whole journal whose vouchers may lack their signatures, all but the last of each player. Signatures that are
 * there are verified.
 */
export function verifyCompactJournal(entries: readonly Entry[], verify: VerifyCompact): Verified {
  const signedLater = new Set<string>();
  const covered = new Set<string>();
  const all: Entry[] = [];
  for (const entry of entries.toReversed()) {
    const { record } = entry;
    if (entry.sig === COVERED) return { ok: false, seq: record.seq, reason: "this is no signature" };
    if (record.kind !== "enter" && record.kind !== "boost") {
      all.push(entry);
      continue;
    }
    const { voucher } = record.body;
    const playKey = decodeVoucher(voucher)?.playKey;
    if (playKey === undefined) return { ok: false, seq: record.seq, reason: "the voucher cannot be read" };
    const isLast = !signedLater.has(playKey);
    signedLater.add(playKey);
    if (entry.sig !== undefined) all.push(entry);
    else if (isLast)
      return { ok: false, seq: record.seq, reason: "a player's last voucher has no signature" };
    else {
      covered.add(voucher);
      all.push({ ...entry, sig: COVERED });
    }
  }
  return verifyJournal(all.reverse(), (bytes, sig, key) =>
    sig === COVERED ? covered.has(toHex(bytes)) : verify(bytes, sig, key),
  );
}
