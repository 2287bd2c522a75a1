/**
 * What players were promised against what the journal says (R5, R9). Owns: the comparison. Pure.
 * Lost: promised and not there, or another record is. Doubled: there more than once.
 */
import { type Entry, ZERO_HASH } from "@meme-rounds/shared-schema/records";
import type { Promised } from "./steady.ts";

export interface Judgement {
  promised: number;
  lost: string[];
  doubled: string[];
  /** Breaks of the chain: seqs that do not follow, hashes that do not fit, times that go back. */
  broken: string[];
}

/** One voucher's bytes and one ref may stand in a journal once; every promise has to be kept where it says. */
export function judge(
  promised: readonly Promised[],
  journal: readonly { entry: Entry; mark?: { playKey: string; ref: string } }[],
): Judgement {
  const out: Judgement = { promised: promised.length, lost: [], doubled: [], broken: [] };
  const vouchers = new Set<string>();
  const refs = new Set<string>();
  let prev = { seq: 0, hash: ZERO_HASH, at: 0 };
  for (const { entry, mark } of journal) {
    const { record, hash } = entry;
    if (record.seq !== prev.seq + 1 || record.prev !== prev.hash || record.at < prev.at)
      out.broken.push(`record ${record.seq} does not follow ${prev.seq}`);
    prev = { seq: record.seq, hash, at: record.at };
    if ("voucher" in record.body) {
      if (vouchers.has(record.body.voucher)) out.doubled.push(`record ${record.seq} counts a voucher again`);
      vouchers.add(record.body.voucher);
    }
    if (mark === undefined) continue;
    const ref = `${mark.playKey} ${mark.ref}`;
    if (refs.has(ref)) out.doubled.push(`record ${record.seq} answers ${mark.ref} again`);
    refs.add(ref);
  }
  for (const { seq, hash, at, sent, ref } of promised) {
    const entry = journal[seq - 1]?.entry;
    const isKept =
      entry !== undefined &&
      entry.hash === hash &&
      entry.record.at === at &&
      "voucher" in entry.record.body &&
      entry.record.body.voucher === sent;
    if (!isKept) out.lost.push(`${ref} was promised record ${seq}`);
  }
  const bySeq = new Set<number>();
  for (const { seq, ref } of promised) {
    if (bySeq.has(seq)) out.doubled.push(`${ref} was promised record ${seq}, which another was promised`);
    bySeq.add(seq);
  }
  return out;
}
