/** M3, E8-E10: what a settlement must look like, and that the check lets nothing else through. */
import { strict as assert } from "node:assert";
import { p2pkhScript, twoKeyScript } from "@meme-rounds/shared-schema/lock";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import {
  amountsDue,
  type CarryCoin,
  checkSettlement,
  minerFeeOf,
  planSettlement,
  type SettlementPlan,
  settlementSize,
  transactionOf,
} from "@meme-rounds/shared-schema/settlement";
import { rawTxBytes } from "@meme-rounds/shared-schema/sighash";
import { UNLOCK_BYTES } from "@meme-rounds/shared-schema/unlock";
import fc from "fast-check";
import { actor, memeIdOf, TestRound, txidOf } from "./support/round.ts";

interface Shape {
  players: number;
  memes: number;
  sats: number;
  boost: number;
  carryIn: number;
}

/** Plays a small round; the first `memes` players enter, all boost the meme after their own. */
function played({ players, memes, sats, boost, carryIn }: Shape) {
  const round = new TestRound({ carryIn });
  const cast = Array.from({ length: players }, (_, at) => actor(`p${at}`));
  for (const who of cast) round.must(round.deposit(who, sats));
  for (const [at, who] of cast.slice(0, memes).entries()) round.must(round.enter(who, `m${at}`));
  if (memes > 1)
    for (const [at, who] of cast.entries()) round.try(round.boost(who, `m${(at + 1) % memes}`, boost + at));
  round.end();
  const deposits = [...round.state.players.values()].flatMap(({ playKey, deposits: all }) =>
    all.map(({ txid, vout, sats: value }) => ({ txid, vout, sats: value, playKey })),
  );
  const carryCoins: CarryCoin[] =
    carryIn > 0 ? [{ roundId: "main-1", txid: txidOf("carry"), vout: 4, sats: carryIn }] : [];
  return { open: round.state.open, deposits, carryCoins, outcome: computeOutcome(round.state) };
}

const operatorCoins = Array.from({ length: 40 }, (_, at) => ({
  txid: txidOf(`op${at}`),
  vout: at,
  sats: 300,
}));
const total = (items: readonly { sats: number }[]): number => items.reduce((sum, { sats }) => sum + sats, 0);
function planned(basis: ReturnType<typeof played>, feeSatPerKb = 100, coins = operatorCoins): SettlementPlan {
  const made = planSettlement({ ...basis, operatorCoins: coins, feeSatPerKb });
  assert.ok(made.ok, JSON.stringify(made));
  return made.plan;
}

const GAME: Shape = { players: 6, memes: 3, sats: 9_000, boost: 700, carryIn: 5_000 };

describe("settlement plan", () => {
  it("E9 players by play key bytes, then carry, then change; no output of zero", () => {
    const basis = played(GAME);
    const plan = planned(basis);
    assert.ok(basis.outcome.kind === "result");
    const due = amountsDue(basis.outcome);
    assert.deepEqual(
      plan.outputs.slice(0, due.length),
      due.map(({ playKey, sats }) => ({ kind: "payout", sats, script: p2pkhScript(playKey), playKey })),
    );
    assert.deepEqual(
      [...due].sort((a, b) => (a.playKey < b.playKey ? -1 : 1)),
      due,
    );
    const { operatorKey, auditorKey } = basis.open;
    const [carry, change, ...more] = plan.outputs.slice(due.length);
    assert.deepEqual(carry, {
      kind: "carry",
      sats: basis.outcome.result.carryOut,
      script: twoKeyScript(operatorKey, auditorKey),
    });
    assert.equal(change?.kind, "change");
    assert.equal(change.script, p2pkhScript(operatorKey));
    assert.deepEqual(more, []);
    assert.equal(total(plan.inputs), total(plan.outputs) + plan.minerFee);
  });

  it("E10 a voided round gives every deposit back in full; carry coins stay, the operator pays the miner", () => {
    const basis = played({ ...GAME, memes: 1 });
    assert.equal(basis.outcome.kind, "void");
    const plan = planned(basis);
    const payouts = plan.outputs.filter(({ kind }) => kind === "payout");
    assert.equal(payouts.length, basis.deposits.length);
    assert.ok(payouts.every(({ sats }) => sats === 9_000));
    assert.ok(plan.inputs.every(({ kind }) => kind !== "carry"));
    const own = total(plan.inputs.filter(({ kind }) => kind === "operator"));
    const change = total(plan.outputs.filter(({ kind }) => kind === "change"));
    assert.equal(own - change, plan.minerFee);
  });

  it("E8-E12 for any round: money in = money out, players get what they are due, the check agrees", () => {
    const shape = fc.record({
      players: fc.integer({ min: 2, max: 9 }),
      memes: fc.integer({ min: 0, max: 4 }),
      sats: fc.integer({ min: 3_000, max: 100_000 }),
      boost: fc.integer({ min: 10, max: 1_500 }),
      carryIn: fc.constantFrom(0, 1, 77_777),
    });
    fc.assert(
      fc.property(shape, fc.integer({ min: 1, max: 500 }), (one, rate) => {
        const basis = played({ ...one, memes: Math.min(one.memes, one.players) });
        const coins = operatorCoins.map((coin) => ({ ...coin, sats: coin.sats * 10 }));
        const plan = planned(basis, rate, coins);
        assert.equal(total(plan.inputs), total(plan.outputs) + plan.minerFee);
        assert.ok(plan.outputs.every(({ sats }) => sats > 0));
        const size = settlementSize(plan.inputs, plan.outputs);
        assert.ok(plan.minerFee >= minerFeeOf(size, rate));
        const paid = plan.outputs.flatMap((o) =>
          o.kind === "payout" ? [{ playKey: o.playKey, sats: o.sats }] : [],
        );
        assert.deepEqual(paid, amountsDue(basis.outcome));
        assert.deepEqual(checkSettlement(plan, { ...basis, maxSatPerKb: 500 }), { ok: true });
      }),
      { numRuns: 40 },
    );
  });

  it("E10, E12 takes no operator coin while fee and seat fees suffice, and as few as needed otherwise", () => {
    const rich = planned(played({ ...GAME, sats: 90_000, boost: 80_000 }), 10);
    assert.ok(rich.inputs.every(({ kind }) => kind !== "operator"));
    const basis = played({ ...GAME, memes: 0 });
    const plan = planned(basis);
    const used = plan.inputs.filter(({ kind }) => kind === "operator").length;
    assert.ok(used > 0);
    const fewer = planSettlement({
      ...basis,
      operatorCoins: operatorCoins.slice(0, used - 1),
      feeSatPerKb: 100,
    });
    assert.equal(fewer.ok === false && fewer.code, "FLOAT_EMPTY");
  });

  it("the size estimate is that of the transaction with the longest signatures", () => {
    const plan = planned(played(GAME), 300);
    const worst = { deposit: UNLOCK_BYTES.settle, carry: UNLOCK_BYTES.twoKey, operator: UNLOCK_BYTES.p2pkh };
    const unlocking = plan.inputs.map(({ kind }) => "00".repeat(worst[kind]));
    const bytes = rawTxBytes(transactionOf(plan), unlocking).length;
    assert.equal(settlementSize(plan.inputs, plan.outputs), bytes);
  });

  it("refuses to plan without deposits, without the carry's coin, or when the sums do not meet", () => {
    const basis = played(GAME);
    const code = (patch: object) => {
      const made = planSettlement({ ...basis, operatorCoins, feeSatPerKb: 100, ...patch });
      return made.ok ? "ok" : made.code;
    };
    assert.equal(code({}), "ok");
    assert.equal(code({ deposits: [] }), "NOTHING_TO_SETTLE");
    assert.equal(code({ carryCoins: [] }), "CARRY_MISMATCH");
    assert.equal(
      code({ carryCoins: basis.carryCoins.map((c) => ({ ...c, sats: 4_999 })) }),
      "CARRY_MISMATCH",
    );
    assert.equal(code({ deposits: basis.deposits.slice(1) }), "UNBALANCED");
  });

  it("M4 the check refuses any single change to a plan", () => {
    const basis = played(GAME);
    const plan = planned(basis, 300);
    assert.ok(plan.inputs.some(({ kind }) => kind === "operator"));
    const lies: ((copy: SettlementPlan) => void)[] = [];
    const onOutput = (at: number, change: (output: SettlementPlan["outputs"][number]) => void): void => {
      lies.push(({ outputs }) => outputs.slice(at, at + 1).forEach(change));
    };
    const onInput = (at: number, change: (input: SettlementPlan["inputs"][number]) => void): void => {
      lies.push(({ inputs }) => inputs.slice(at, at + 1).forEach(change));
    };
    for (const at of plan.outputs.keys()) {
      lies.push(({ outputs }) => void outputs.splice(at, 1));
      for (const sats of [1, -1])
        onOutput(at, (output) => {
          output.sats += sats;
        });
      onOutput(at, (output) => {
        output.script = p2pkhScript(actor("x").playKey);
      });
    }
    for (const [at, { kind }] of plan.inputs.entries()) {
      lies.push(({ inputs }) => void inputs.splice(at, 1));
      onInput(at, (input) => {
        input.sats += 1;
      });
      if (kind !== "operator")
        onInput(at, (input) => {
          input.txid = memeIdOf("other");
        });
    }
    lies.push(({ inputs }) => void inputs.push(...inputs.slice(0, 1)));
    lies.push((copy) => {
      copy.roundId = "main-2";
    });
    for (const [at, change] of lies.entries()) {
      const copy = structuredClone(plan);
      change(copy);
      assert.equal(checkSettlement(copy, { ...basis, maxSatPerKb: 500 }).ok, false, `lie ${at} passed`);
    }
    assert.equal(checkSettlement(plan, { ...basis, maxSatPerKb: 100 }).ok, false);
  });
});
