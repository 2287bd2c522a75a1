/** Percentiles and series of a report: right enough, and never larger than they may be. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Distribution } from "../../src/report/distribution.ts";
import { Windows } from "../../src/report/windows.ts";

const exact = (values: readonly number[], share: number): number =>
  values.toSorted((left, right) => left - right)[Math.max(1, Math.ceil(share * values.length)) - 1] ??
  Number.NaN;

describe("percentiles of a report", () => {
  it("are within 3% of the exact ones, whatever the values", () => {
    const value = fc.double({ min: 0.001, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 200 }), (values) => {
        const seen = new Distribution();
        for (const one of values) seen.record(one);
        for (const share of [0.01, 0.5, 0.9, 0.99, 1]) {
          const right = exact(values, share);
          assert.ok(Math.abs(seen.percentile(share) - right) <= right * 0.03, `${share} of ${values.join()}`);
        }
        assert.equal(seen.greatest, Math.max(...values));
        assert.equal(seen.least, Math.min(...values));
      }),
      { numRuns: 200, seed: 6 },
    );
  });

  it("of two joined are those of all values; counting many times is recording many times", () => {
    const [left, right, both] = [new Distribution(), new Distribution(), new Distribution()];
    for (let at = 1; at <= 500; at++) {
      left.record(at);
      right.record(at * 7, 3);
      both.record(at);
      for (let time = 0; time < 3; time++) both.record(at * 7);
    }
    left.join(right);
    assert.equal(left.count, 2_000);
    for (const share of [0.1, 0.5, 0.99]) assert.equal(left.percentile(share), both.percentile(share));
    assert.deepEqual(left.spread(), both.spread());
  });

  it("count zeros, and say nothing of nothing", () => {
    const seen = new Distribution();
    assert.ok(Number.isNaN(seen.percentile(0.5)));
    for (let at = 0; at < 9; at++) seen.record(0);
    seen.record(5);
    assert.equal(seen.percentile(0.5), 0);
    assert.equal(seen.percentile(1), 5);
    assert.deepEqual(seen.spread()[0], { from: 0, to: 2 ** -20, count: 9 });
  });
});

describe("series of a report", () => {
  const sums = (max: number) =>
    new Windows<{ sum: number }>(
      { max, widthMs: 1_000, from: 50_000 },
      {
        empty: () => ({ sum: 0 }),
        join: (earlier, later) => {
          earlier.sum += later.sum;
        },
      },
    );

  it("keep what was counted, in few windows, however long it lasts", () => {
    const series = sums(10);
    for (let second = 0; second < 5_000; second++) {
      series.at(50_000 + second * 1_000).sum += 1;
      assert.ok(series.all().length <= 10);
    }
    const all = series.all();
    assert.equal(
      all.reduce((sum, { value }) => sum + value.sum, 0),
      5_000,
    );
    assert.ok(all.length >= 4, "they are not all thrown together");
    for (const { at, value } of all.slice(0, -1)) {
      assert.equal(at % series.widthMs, 0);
      assert.equal(value.sum, series.widthMs / 1_000);
    }
  });

  it("live through a long silence and a clock that goes back", () => {
    const series = sums(8);
    series.at(50_000).sum += 1;
    series.at(50_000 + 86_400_000).sum += 1;
    series.at(40_000).sum += 1;
    assert.ok(series.all().length <= 8);
    assert.equal(
      series.all().reduce((sum, { value }) => sum + value.sum, 0),
      3,
    );
  });
});
