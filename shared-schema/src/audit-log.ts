/**
 * The audit log of admins and moderators (I4): a record's shape, its place in the hash chain, and checking a log against
 * the heads that ledger links hold (M5). Owns: these. Does not own: where the log is kept, or who may read it. Pure.
 */
import { z } from "zod";
import { hashJson } from "./hash.ts";
import { NO_AUDIT_HEAD } from "./ledger-link.ts";
import { hash32 } from "./records.ts";

export const auditRecordSchema = z.strictObject({
  v: z.literal(1),
  /** 1 for the first. */
  seq: z.number().int().positive(),
  /** ms since the epoch; never earlier than the record before. */
  at: z.number().int().positive(),
  /** Identity string of who acted. */
  by: z.string().min(1).max(200),
  /** `meme.takedown`, `ip-rule.add`. */
  action: z.string().regex(/^[a-z][a-z.-]{1,63}$/),
  /** What it was done to: an id, a CIDR, an identity. */
  target: z.string().max(500),
  reason: z.string().max(1_000),
  details: z.record(z.string().max(64), z.union([z.string().max(1_000), z.number(), z.boolean()])).optional(),
  /** Hash of the record before; zeros before the first. */
  prev: hash32,
});
export type AuditRecord = z.infer<typeof auditRecordSchema>;

/** sha256 of the canonical JSON, hex: the head of a log that ends with this record. */
export const auditHashOf = (record: AuditRecord): string => hashJson(record);

/** What a ledger link says about the log. */
export interface AuditAnchor {
  /** Its `auditHead`, hex. */
  head: string;
  /** ms; the link was made after this, so whatever was written by then is under its head. */
  madeAfter?: number;
}

export type AuditVerdict =
  | { ok: true; head: string }
  /** `seq` of the first record that does not fit, or the number of the anchor, from 0. */
  | { ok: false; seq: number; problem: string }
  | { ok: false; anchor: number; problem: string };

/**
 * Checks records (oldest first) as one unbroken chain, and each anchor, in the order of the ledger, against it. A log that
 * no longer has its first records is taken from where it begins; heads from before that cannot be checked. A change to the
 * last record shows only by a head that was made after it.
 */
export function verifyAuditLog(
  records: readonly AuditRecord[],
  anchors: readonly AuditAnchor[] = [],
): AuditVerdict {
  const first = records[0];
  const begin = first?.seq ?? 1;
  const seqOf = new Map<string, number>();
  if (begin === 1) seqOf.set(NO_AUDIT_HEAD, 0);
  else if (first) seqOf.set(first.prev, begin - 1);
  let head = begin === 1 ? NO_AUDIT_HEAD : (first?.prev ?? NO_AUDIT_HEAD);
  let at = 0;
  for (const [index, record] of records.entries()) {
    const seq = begin + index;
    const fault = (problem: string): AuditVerdict => ({ ok: false, seq, problem });
    if (!auditRecordSchema.safeParse(record).success) return fault("is no record of the log");
    if (record.seq !== seq) return fault("is not the next one");
    if (record.prev !== head) return fault("does not follow from the record before");
    if (record.at < at) return fault("is earlier than the record before");
    ({ at } = record);
    head = auditHashOf(record);
    seqOf.set(head, seq);
  }
  const faultOf = checkAnchors(records, anchors, seqOf, begin);
  return faultOf ?? { ok: true, head };
}

function checkAnchors(
  records: readonly AuditRecord[],
  anchors: readonly AuditAnchor[],
  seqOf: ReadonlyMap<string, number>,
  begin: number,
): AuditVerdict | undefined {
  let reached = 0;
  for (const [anchor, { head, madeAfter = 0 }] of anchors.entries()) {
    const fault = (problem: string): AuditVerdict => ({ ok: false, anchor, problem });
    const seq = seqOf.get(head);
    if (seq === undefined) {
      // Of the part that is gone, as long as no later head was met.
      if (begin > 1 && reached === 0) continue;
      return fault("no record of the log has this hash");
    }
    if (seq < reached) return fault("is of an older record than the link before");
    reached = seq;
    const next = records[seq + 1 - begin];
    if (next !== undefined && next.at <= madeAfter)
      return fault("leaves out what was written before the link");
  }
  return undefined;
}
