/** What the soak draws from its seed: plans of players (E1, E2, R7, M1) and faults of the node. */
import assert from "node:assert/strict";
import { acceptPicture, phashDistance } from "../../server/src/content/upload/picture.ts";
import { faultsCall } from "../../server/standins/devchain/faults.ts";
import { drawFaults } from "../src/money/faults.ts";
import { drawPicture } from "../src/money/pictures.ts";
import { planRound } from "../src/money/plan.ts";
import { loopback } from "../src/money/ports.ts";
import { Random } from "../src/money/random.ts";

const SHAPE = { roundMs: 20_000, depositCloseMs: 5_000, isEntrant: false, isCheat: false, reorgCheats: 0.4 };
const plansOf = (seed: number, shape: typeof SHAPE) => {
  const random = new Random(seed);
  return Array.from({ length: 300 }, () => planRound(random, shape));
};

describe("the soak's schedule", () => {
  it("is the same for the same seed, another for another", () => {
    assert.deepEqual(plansOf(7, SHAPE), plansOf(7, SHAPE));
    assert.notDeepEqual(plansOf(7, SHAPE), plansOf(8, SHAPE));
  });

  it("E1, M1: honest deposits are within the limits, acts in the order of time, boosts after the deposit", () => {
    for (const plan of plansOf(1, SHAPE)) {
      assert.deepEqual(
        plan.map(({ at }) => at),
        plan.map(({ at }) => at).sort((a, b) => a - b),
      );
      for (const act of plan) {
        if (act.kind === "deposit") assert.ok(act.sats >= 1_000 && act.sats <= 60_000);
        if (act.kind === "boost") assert.ok(act.sats >= 10 && act.at < SHAPE.roundMs);
      }
      if (plan.length > 0) assert.equal(plan.find(({ kind }) => kind !== "boost")?.kind, "deposit");
    }
  });

  it("R7: who is to enter always comes, with a deposit before the entry", () => {
    for (const plan of plansOf(2, { ...SHAPE, isEntrant: true })) {
      const kinds = plan.map(({ kind }) => kind);
      assert.ok(kinds.includes("enter") && kinds.indexOf("deposit") < kinds.indexOf("enter"));
    }
  });

  it("every twist comes up: late, wrong, forged, and double spends before and after the close", () => {
    const acts = [...plansOf(3, SHAPE), ...plansOf(3, { ...SHAPE, isCheat: true })].flat();
    const twists = new Set(acts.flatMap((act) => ("twist" in act ? [act.twist] : [])));
    assert.equal(twists.size, 9);
    const cheats = acts.filter(({ kind }) => kind === "cheat").map(({ at }) => at);
    assert.ok(cheats.some((at) => at < SHAPE.roundMs) && cheats.some((at) => at > SHAPE.roundMs));
  });

  it("every fault that the devchain knows comes up, in a form that it takes", () => {
    const random = new Random(4);
    const kinds = new Set<string>();
    for (let turn = 0; turn < 100; turn++)
      for (const { kind } of faultsCall.parse(drawFaults(random, turn)).rules) kinds.add(kind);
    const known = faultsCall.shape.rules.element.options.flatMap(({ shape }) =>
      "values" in shape.kind ? [...shape.kind.values].map(String) : shape.kind.options,
    );
    assert.deepEqual([...kinds].sort(), known.sort());
  });

  it("no two pictures are taken for one (R7)", async () => {
    const random = new Random(5);
    const hashes: string[] = [];
    for (let at = 0; at < 12; at++) {
      const accepted = await acceptPicture(await drawPicture(random), { maxBytes: 1_000_000 });
      assert.ok(accepted.ok);
      assert.ok(hashes.every((hash) => phashDistance(hash, accepted.phash) > 6));
      hashes.push(accepted.phash);
    }
  });

  it("only this machine is ever a target", () => {
    for (const url of ["http://127.0.0.1:1", "http://localhost:1", "redis://127.0.0.1:6"])
      assert.equal(loopback(url), url);
    for (const url of [
      "http://192.0.2.1",
      "https://example.com",
      "http://127.0.0.1.example.com",
      "http://0.0.0.0",
    ])
      assert.throws(() => loopback(url), /not this machine/);
  });
});
