/** The audit log's chain (I4): what was changed, dropped or reordered shows, by the chain or by the ledger's heads. */
import assert from "node:assert/strict";
import {
  type AuditRecord,
  type AuditVerdict,
  auditHashOf,
  verifyAuditLog,
} from "@meme-rounds/shared-schema/audit-log";
import { NO_AUDIT_HEAD } from "@meme-rounds/shared-schema/ledger-link";
import fc from "fast-check";

const START_MS = 1_800_000_000_000;

/** A log of `count` records, one a second. */
function logOf(count: number): AuditRecord[] {
  const records: AuditRecord[] = [];
  let prev = NO_AUDIT_HEAD;
  for (let seq = 1; seq <= count; seq++) {
    const record: AuditRecord = {
      v: 1,
      seq,
      at: START_MS + seq * 1_000,
      by: `ecdsa-secp256k1:02${"ab".repeat(32)}`,
      action: "meme.takedown",
      target: `meme ${seq}`,
      reason: "göre",
      ...(seq % 2 ? { details: { item: `r${seq}`, size: seq, live: true } } : {}),
      prev,
    };
    records.push(record);
    prev = auditHashOf(record);
  }
  return records;
}
const headOf = (records: readonly AuditRecord[], seq: number): string => {
  const record = records[seq - 1];
  return record ? auditHashOf(record) : NO_AUDIT_HEAD;
};
const seqOf = (verdict: AuditVerdict): number | undefined =>
  !verdict.ok && "seq" in verdict ? verdict.seq : undefined;

describe("shared-schema: the audit log (I4)", () => {
  const records = logOf(12);
  const anchors = [0, 0, 3, 3, 7, 12].map((seq) => ({
    head: headOf(records, seq),
    madeAfter: START_MS + seq * 1_000 + 500,
  }));

  it("I4: an honest log fits, empty ones too, and every link's head is where it was at that time", () => {
    assert.deepEqual(verifyAuditLog([]), { ok: true, head: NO_AUDIT_HEAD });
    assert.deepEqual(verifyAuditLog([], [{ head: NO_AUDIT_HEAD }]), { ok: true, head: NO_AUDIT_HEAD });
    assert.deepEqual(verifyAuditLog(records), { ok: true, head: headOf(records, 12) });
    assert.deepEqual(verifyAuditLog(records, anchors), { ok: true, head: headOf(records, 12) });
  });

  it("I4: any change of any record is found, the last one's by a head", () => {
    const fields = ["v", "seq", "at", "by", "action", "target", "reason", "prev"] as const;
    fc.assert(
      fc.property(fc.nat({ max: 11 }), fc.constantFrom(...fields, "details"), (index, field) => {
        const changed = records.map((record, at) => {
          if (at !== index) return record;
          if (field === "details") return { ...record, details: { item: "other" } };
          const value = record[field];
          return { ...record, [field]: typeof value === "number" ? value + 1 : `${value.slice(0, -1)}x` };
        }) as AuditRecord[];
        const verdict = verifyAuditLog(changed, anchors);
        assert.equal(verdict.ok, false, `${field} of record ${index + 1}`);
      }),
    );
    const last = records.with(11, { ...records[11], reason: "another" } as AuditRecord);
    assert.equal(verifyAuditLog(last).ok, true, "nothing points at the last record yet");
    assert.deepEqual(verifyAuditLog(last, anchors), {
      ok: false,
      anchor: 5,
      problem: "no record of the log has this hash",
    });
  });

  it("I4: dropped records: at the start, in the middle, at the end", () => {
    for (let at = 1; at < 11; at++) assert.equal(seqOf(verifyAuditLog(records.toSpliced(at, 1))), at + 1);
    const atEnd = verifyAuditLog(records.slice(0, 9), anchors);
    assert.ok(!atEnd.ok && "anchor" in atEnd && atEnd.anchor === 5);
    // From record 4 on is a log that began to forget: what is left can still be checked against the links.
    assert.equal(verifyAuditLog(records.slice(3), anchors).ok, true);
    const wrong = [...records.slice(3, 5), ...logOf(13).slice(6)];
    assert.equal(seqOf(verifyAuditLog(wrong, anchors)), 6);
  });

  it("I4: reordered and repeated records", () => {
    for (let at = 0; at < 11; at++) {
      const [one, two] = [records[at], records[at + 1]];
      assert.ok(one && two);
      assert.equal(verifyAuditLog(records.toSpliced(at, 2, two, one)).ok, false);
      assert.equal(seqOf(verifyAuditLog(records.toSpliced(at, 0, one))), at + 2);
    }
  });

  it("I4: a log that was made up later, with a sound chain, does not have the links' hashes", () => {
    const other = logOf(12).map((record) => ({ ...record, reason: "nothing happened" }));
    let prev = NO_AUDIT_HEAD;
    for (const record of other) {
      record.prev = prev;
      prev = auditHashOf(record);
    }
    assert.equal(verifyAuditLog(other).ok, true);
    assert.ok(!verifyAuditLog(other, anchors).ok);
  });

  it("I4: a link whose head goes back, or leaves out what was written before it was made", () => {
    const problemOf = (verdict: AuditVerdict) => (verdict.ok ? "none" : verdict.problem);
    const back = [{ head: headOf(records, 7) }, { head: headOf(records, 3) }];
    assert.equal(problemOf(verifyAuditLog(records, back)), "is of an older record than the link before");
    const late = [{ head: headOf(records, 3), madeAfter: START_MS + 4_000 }];
    assert.equal(problemOf(verifyAuditLog(records, late)), "leaves out what was written before the link");
    const none = [{ head: NO_AUDIT_HEAD, madeAfter: START_MS + 1_000 }];
    assert.equal(problemOf(verifyAuditLog(records, none)), "leaves out what was written before the link");
    assert.equal(
      problemOf(verifyAuditLog(records, [{ head: NO_AUDIT_HEAD, madeAfter: START_MS + 999 }])),
      "none",
    );
  });
});
