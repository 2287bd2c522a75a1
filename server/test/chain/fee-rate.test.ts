/** M8: whom the fee rate believes. Policies are scripted, the clock moves only when told. */
import assert from "node:assert/strict";
import { register } from "prom-client";
import { createFeeRate } from "../../src/chain/fee-rate.ts";
import { createChain } from "../../src/chain/index.ts";
import { keyOf, spend, startNet } from "./support.ts";

type Reading = number | Error;

/** A reader over policies that say one thing after the other; `tick` lets so many seconds pass and reads. */
function scripted(...policies: Reading[][]) {
  const clock = { ms: 1_000_000 };
  const warnings: string[] = [];
  const rate = createFeeRate(
    policies.map((readings) => async () => {
      const next = readings.shift();
      if (next === undefined) throw new Error("no reading is left");
      if (next instanceof Error) throw next;
      return next;
    }),
    { now: () => clock.ms, logger: { warn: (_, message) => void warnings.push(message) } },
  );
  const tick = (seconds: number): Promise<number> => {
    clock.ms += seconds * 1000;
    return rate();
  };
  return { tick, warnings };
}

const metric = async (name: string): Promise<number | undefined> =>
  (await register.getSingleMetric(name)?.get())?.values[0]?.value;

describe("fee policy", () => {
  it("M8: lying by a factor of 1,000 changes nothing at once, is reported, and never passes the clamp", async () => {
    for (const [lie, believed] of [
      [100_000, 500],
      [0.1, 1],
    ] as const) {
      const { tick, warnings } = scripted([100, lie, 100, lie, lie]);
      assert.equal(await tick(0), 100);
      assert.equal(await tick(300), 100);
      assert.equal(await metric("mr_fee_policy_deviation"), lie / 100);
      assert.match(warnings.join(), /jumped/);
      assert.equal(await tick(30), 100, "an honest reading ends the doubt");
      assert.equal(await tick(300), 100);
      assert.equal(await tick(30), believed, "what is said twice is believed, within the clamp");
      assert.equal(await metric("mr_fee_rate_sat_per_kb"), believed);
      assert.match(warnings.join(), /clamped/);
    }
  });

  it("M8: two jumps the other way about are not one jump said twice", async () => {
    const { tick } = scripted([100, 5_000, 2, 5_000, 100]);
    const rates = [await tick(0), await tick(300), await tick(30), await tick(30), await tick(30)];
    assert.deepEqual(rates, [100, 100, 100, 100, 100]);
  });

  it("M8: a change within ten times is believed at once", async () => {
    const { tick, warnings } = scripted([50, 499, 50]);
    assert.deepEqual([await tick(0), await tick(300), await tick(300)], [50, 499, 50]);
    assert.deepEqual(warnings, []);
  });

  it("M8: the first reading is believed within the clamp, for there is nothing to hold it against", async () => {
    assert.equal(await scripted([100_000]).tick(0), 500);
    assert.equal(await scripted([0]).tick(0), 1);
    assert.equal(await scripted([1]).tick(0), 1);
  });

  it("M8: of two policies the higher counts; worlds apart, the one nearer to the last rate", async () => {
    const { tick, warnings } = scripted([50, 50, 50_000, 0.05], [80, 60, 60, 60]);
    assert.deepEqual([await tick(0), await tick(300)], [80, 60]);
    assert.deepEqual(warnings, []);
    assert.deepEqual([await tick(300), await tick(300)], [60, 60]);
    assert.match(warnings[0] ?? "", /worlds apart/);
    assert.equal(warnings.length, 2);
  });

  it("M8: a silent policy leaves the other one; two silent ones leave the last rate, then 30 s go by", async () => {
    const silent = new Error("silent");
    const { tick, warnings } = scripted([silent, silent, 70], [80, silent, silent]);
    assert.equal(await tick(0), 80);
    assert.equal(await tick(300), 80);
    assert.equal(await tick(29), 80);
    assert.equal(warnings.length, 3);
    assert.equal(await tick(1), 70);
  });

  it("M8: a policy that is no number is no policy", async () => {
    const bodies = ['{"policy":{"miningFee":{"satoshis":-1,"bytes":1000}}}', '{"policy":{}}', "<html>", ""];
    for (const body of [...bodies, '{"policy":{"miningFee":{"satoshis":1,"bytes":0}}}']) {
      const port = createChain(
        { network: "devchain", arcUrl: "http://arc", wocUrl: "http://woc", timeoutMs: 1_000 },
        { sleep: async () => undefined, fetch: async () => new Response(body) },
      );
      assert.equal(await port.feeRate(), 100, body);
    }
  });

  it("M8: a transaction with an absurd fee is the sender's business, one below the policy is refused", async () => {
    const net = await startNet();
    try {
      const rich = await spend(await net.fund(keyOf(31), 90_000), keyOf(31), { fee: 80_000 });
      assert.equal((await net.port.broadcast(rich)).outcome, "seen");
      const poor = await spend(await net.fund(keyOf(31), 90_000), keyOf(31), { fee: 1 });
      const result = await net.port.broadcast(poor);
      assert.equal(result.outcome === "rejected" && result.code, "FEE");
    } finally {
      await net.close();
    }
  });
});
