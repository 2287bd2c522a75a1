/** The earnings chart's figures and shape: sums add up, everything is inside, nothing is drawn for nothing. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { chartShape } from "../src/features/dashboard/chart-shape.ts";

const BOX = { width: 640, height: 200 };
const DAY = 86_400_000;
const START = 1_800_000_000_000;

describe("earnings chart", () => {
  it("draws nothing for nobody's rounds", () => {
    assert.equal(chartShape({ beforeSats: 0, points: [] }, BOX), undefined);
  });

  it("one round stands in the middle, with what was before it", () => {
    const shape = chartShape({ beforeSats: 500, points: [{ at: START, netSats: -700, rounds: 1 }] }, BOX);
    assert.ok(shape);
    assert.deepEqual(
      shape.points.map(({ x, sumSats }) => [x, sumSats]),
      [[320, -200]],
    );
    assert.ok(shape.zeroY > 0 && shape.zeroY < BOX.height);
    assert.match(shape.path, /^M0,/);
  });

  it("sums add up to the last, and every point is in the box and in order", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1e9, max: 1e9 }),
        fc.array(fc.record({ gap: fc.nat(30 * DAY), netSats: fc.integer({ min: -1e9, max: 1e9 }) }), {
          minLength: 1,
          maxLength: 60,
        }),
        (beforeSats, moves) => {
          let at = START;
          const points = moves.map(({ gap, netSats }) => {
            at += gap + 1;
            return { at, netSats, rounds: 1 };
          });
          const shape = chartShape({ beforeSats, points }, BOX);
          assert.ok(shape);
          const total = beforeSats + points.reduce((sum, { netSats }) => sum + netSats, 0);
          assert.equal(shape.points.at(-1)?.sumSats, total);
          for (const [n, { x, y }] of shape.points.entries()) {
            assert.ok(x >= 0 && x <= BOX.width && y >= -1e-6 && y <= BOX.height + 1e-6);
            assert.ok(n === 0 || x >= (shape.points[n - 1]?.x ?? 0));
          }
        },
      ),
    );
  });
});
