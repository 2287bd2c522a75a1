/**
 * Leases, fencing, journal and takeover under thousands of schedules of stalls, kills, broken connections, a Redis that
 * goes away, and clocks 2 s apart: the real keeper, lease, journal, actor and life over a model of Redis in virtual
 * time. `SIMULATE=<seed>` runs that one and shows what happened; `SCHEDULES=<n>` runs as many. Rules R1, R3, R4, R5.
 */
import assert from "node:assert/strict";
import { type Bug, simulate } from "./simulation/run.ts";

const SCHEDULES = Number(process.env.SCHEDULES ?? 500);
/** What the simulation has to find, from which seed on, and within how many schedules. */
const BUGS: Record<Bug, readonly [from: number, within: number]> = {
  "no-fence": [1, 150],
  "same-token": [1, 20],
  "no-marks": [1, 150],
  "unfenced-live": [1, 400],
  "early-slot": [1, 50],
  "early-ack": [1, 150],
  "early-show": [1, 150],
};
const ONE = process.env.SIMULATE;

describe("lease simulation", function () {
  this.timeout(Math.max(60_000, SCHEDULES * 60));

  it("R1, R5: one journal a slot, every promise once, somebody hosts it again, whatever happens", async () => {
    const sums = { promised: 0, records: 0, hosted: 0 };
    const first = Number(ONE ?? 1);
    for (let seed = first; seed < first + (ONE === undefined ? SCHEDULES : 1); seed++) {
      const { violations, log, promised, records, hosted } = await simulate(seed);
      if (ONE !== undefined) console.log(log.join("\n"));
      assert.deepEqual(violations, [], `SIMULATE=${seed} shows it:\n${log.slice(-40).join("\n")}`);
      sums.promised += promised;
      sums.records += records;
      sums.hosted += hosted;
    }
    if (ONE !== undefined) return;
    // The schedules are worth something: lines were said, rounds changed hands.
    assert.ok(sums.promised > SCHEDULES * 20 && sums.hosted > SCHEDULES * 2, JSON.stringify(sums));
  });

  for (const [bug, [from, within]] of Object.entries(BUGS) as [Bug, readonly [number, number]][])
    it(`finds what goes wrong with the bug ${bug}`, async () => {
      for (let seed = from; seed < from + within; seed++)
        if ((await simulate(seed, bug)).violations.length > 0) return;
      assert.fail(`${within} schedules found nothing`);
    });

  it("the same seed is the same schedule", async () => {
    const [one, two] = [await simulate(7), await simulate(7)];
    assert.deepEqual(one, two);
    assert.notDeepEqual((await simulate(8)).log, one.log);
  });
});
