/** The load test's judge of promises against a journal: it has to see what is lost, doubled or broken. Rules R5, R9. */
import assert from "node:assert/strict";
import type { Entry } from "@meme-rounds/shared-schema/records";
import { judge } from "../../../loadtest/src/chaos/judge.ts";
import type { Promised } from "../../../loadtest/src/chaos/steady.ts";
import { actor, TestRound } from "../../../shared-schema/test/support/round.ts";

const ann = actor("ann");
const bob = actor("bob");

/** A round with three boosts of Ann's, and what she was promised for them. */
function boosted(): {
  journal: { entry: Entry; mark?: { playKey: string; ref: string } }[];
  promised: Promised[];
} {
  const round = new TestRound();
  for (const who of [ann, bob]) round.must(round.deposit(who, 20_000));
  round.must(round.enter(bob, "frog"));
  for (let at = 0; at < 3; at++) round.must(round.boost(ann, "frog", 100));
  const journal = round.entries.map((entry) => ({
    entry,
    ...(entry.record.kind === "boost" ? { mark: { playKey: ann.playKey, ref: `r${entry.record.seq}` } } : {}),
  }));
  const promised = round.entries.flatMap(({ record, hash }) =>
    record.kind === "boost"
      ? [
          {
            ref: `r${record.seq}`,
            kind: "boost",
            seq: record.seq,
            at: record.at,
            hash,
            sig: "",
            sent: record.body.voucher,
            sentAt: 0,
            answeredAt: 0,
            sends: 1,
            seat: 1,
          },
        ]
      : [],
  );
  return { journal, promised };
}

describe("chaos judge", () => {
  const counts = (promised: readonly Promised[], journal: ReturnType<typeof boosted>["journal"]) => {
    const { lost, doubled, broken } = judge(promised, journal);
    return [lost.length, doubled.length, broken.length];
  };

  it("R9: a journal that keeps every promise is fine", () => {
    const { journal, promised } = boosted();
    assert.equal(promised.length, 3);
    assert.deepEqual(counts(promised, journal), [0, 0, 0]);
  });

  it("R5: a promise whose record is missing or another one is lost", () => {
    const { journal, promised } = boosted();
    assert.deepEqual(counts(promised, journal.slice(0, -1)), [1, 0, 0]);
    const [first, ...others] = promised as [Promised, ...Promised[]];
    assert.deepEqual(counts([{ ...first, hash: "00".repeat(32) }, ...others], journal), [1, 0, 0]);
    assert.deepEqual(counts([{ ...first, sent: "00" }, ...others], journal), [1, 0, 0]);
  });

  it("R5: what counts twice, or answers one ref twice, is doubled", () => {
    const { journal, promised } = boosted();
    const last = journal.at(-1);
    assert.ok(last);
    const [, doubled] = counts(promised, [...journal, last]);
    assert.equal(doubled, 2, "its voucher and its ref");
    const [first, second] = promised as [Promised, Promised];
    assert.deepEqual(counts([first, { ...second, seq: first.seq }], journal), [1, 1, 0]);
  });

  it("R4: a chain with a gap is broken", () => {
    const { journal, promised } = boosted();
    assert.equal(counts(promised, [...journal.slice(0, 3), ...journal.slice(4)])[2], 1);
  });
});
