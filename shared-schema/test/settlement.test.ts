/** M3, E8-E10: what a settlement must look like, and that the check lets nothing else through. */
import { strict as assert } from "node:assert";
import { p2pkhScript, twoKeyScript } from "@meme-rounds/shared-schema/lock";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import {
  amountsDue,
  type CarryCoin,
  minerFeeOf,
  outpointOf,
  type SettlementLimits,
  type SettlementPlan,
  settlementSize,
  transactionOf,
} from "@meme-rounds/shared-schema/settlement";
import { checkSettlement } from "@meme-rounds/shared-schema/settlement-check";
import { planSettlement, replanSettlement } from "@meme-rounds/shared-schema/settlement-plan";
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

const operatorScript = (open: { operatorKey: string }): string => p2pkhScript(open.operatorKey);
const coinsOf = (open: { operatorKey: string }, count: number, sats: number, name = "op") =>
  Array.from({ length: count }, (_, at) => ({
    txid: txidOf(`${name}${at}`),
    vout: at,
    sats,
    script: operatorScript(open),
  }));
const total = (items: readonly { sats: number }[]): number => items.reduce((sum, { sats }) => sum + sats, 0);
type Basis = ReturnType<typeof played>;
interface How {
  rate?: number;
  coins?: ReturnType<typeof coinsOf>;
  /** How many deposits, from the first, are mined. */
  mined?: number;
  limits?: SettlementLimits;
}
const optionsOf = (basis: Basis, { rate = 100, coins, mined = 0, limits }: How = {}) => ({
  ...basis,
  operatorCoins: coins ?? coinsOf(basis.open, 60, 20_000),
  feeSatPerKb: rate,
  mined: new Set(basis.deposits.slice(0, mined).map(outpointOf)),
  ...(limits ? { limits } : {}),
});
function planned(basis: Basis, how: How = {}): SettlementPlan {
  const made = planSettlement(optionsOf(basis, how));
  assert.ok(made.ok, JSON.stringify(made));
  return made.plan;
}
const check = (plan: SettlementPlan, basis: Basis, maxSatPerKb = 500) =>
  checkSettlement(plan, { ...basis, maxSatPerKb });
const inputsOf = ({ txs }: SettlementPlan) => txs.flatMap(({ inputs }) => inputs);
const outputsOf = ({ txs }: SettlementPlan) => txs.flatMap(({ outputs }) => outputs);
const paidBy = (plan: SettlementPlan) =>
  outputsOf(plan).flatMap((o) => (o.kind === "payout" ? [{ playKey: o.playKey, sats: o.sats }] : []));
/** Money in = money out + miner fees, in each transaction; the operator's part apart from the players'. */
function balanced(plan: SettlementPlan): void {
  for (const { inputs, outputs, minerFee } of plan.txs)
    assert.equal(total(inputs), total(outputs) + minerFee);
}

const GAME: Shape = { players: 6, memes: 3, sats: 9_000, boost: 700, carryIn: 5_000 };
const SMALL: SettlementLimits = { direct: 1, mined: 3, unmined: 2, payouts: 4 };

describe("settlement plan", () => {
  it("M3 up to 20 deposits are one transaction, 500 when all are mined; more are collected into pots first", () => {
    const kinds = (count: number, mined: number, limits = SMALL): string => {
      const basis = played({ ...GAME, players: count });
      const plan = planned(basis, { mined, limits });
      return plan.txs.map(({ kind, inputs }) => `${kind} ${inputs.length}`).join(", ");
    };
    const limits = { direct: 3, mined: 5, unmined: 2, payouts: 4 };
    assert.match(kinds(3, 0, limits), /^direct 4$/);
    assert.match(kinds(4, 4, limits), /^direct 5$/);
    assert.match(kinds(4, 3, limits), /^collect 3, collect 1, payout 4$/);
    assert.match(kinds(8, 5, limits), /^(collect \d, )+payout \d+, payout \d+$/);
  });

  it("E9 players by play key bytes, then carry, then change; no output of zero", () => {
    for (const how of [{}, { limits: SMALL, mined: 3 }]) {
      const basis = played(GAME);
      const plan = planned(basis, how);
      assert.ok(basis.outcome.kind === "result");
      const due = amountsDue(basis.outcome);
      assert.deepEqual(paidBy(plan), due);
      assert.deepEqual(
        [...due].sort((a, b) => (a.playKey < b.playKey ? -1 : 1)),
        due,
      );
      const [carry, change, ...more] = plan.txs.at(-1)?.outputs.filter(({ kind }) => kind !== "payout") ?? [];
      const { operatorKey, auditorKey } = basis.open;
      assert.deepEqual(carry, {
        kind: "carry",
        sats: basis.outcome.result.carryOut,
        script: twoKeyScript(operatorKey, auditorKey),
      });
      assert.equal(change?.kind, "change");
      assert.equal(change.script, operatorScript(basis.open));
      assert.deepEqual(more, []);
      balanced(plan);
    }
  });

  it("E10 a voided round gives every deposit back in full; carry coins stay, the operator pays the miner", () => {
    for (const how of [{}, { limits: SMALL, mined: 3 }]) {
      const basis = played({ ...GAME, memes: 1 });
      assert.equal(basis.outcome.kind, "void");
      const plan = planned(basis, how);
      const payouts = outputsOf(plan).filter(({ kind }) => kind === "payout");
      assert.equal(payouts.length, basis.deposits.length);
      assert.ok(payouts.every(({ sats }) => sats === 9_000));
      assert.ok(inputsOf(plan).every(({ kind }) => kind !== "carry"));
      const own = total(inputsOf(plan).filter(({ kind }) => kind === "operator"));
      const change = total(outputsOf(plan).filter(({ kind }) => kind === "change"));
      assert.equal(
        own - change,
        plan.txs.reduce((sum, { minerFee }) => sum + minerFee, 0),
      );
    }
  });

  const shape = fc.record({
    players: fc.integer({ min: 2, max: 12 }),
    memes: fc.integer({ min: 0, max: 4 }),
    sats: fc.integer({ min: 3_000, max: 100_000 }),
    boost: fc.integer({ min: 10, max: 1_500 }),
    carryIn: fc.constantFrom(0, 1, 77_777),
  });
  const limits = fc.record({
    direct: fc.integer({ min: 0, max: 12 }),
    mined: fc.integer({ min: 1, max: 5 }),
    unmined: fc.integer({ min: 1, max: 4 }),
    payouts: fc.integer({ min: 1, max: 5 }),
  });
  const rate = fc.integer({ min: 1, max: 500 });
  it("E8-E12 for any round and any partition: money in = money out, players get their due, the check agrees", () => {
    fc.assert(
      fc.property(shape, rate, limits, fc.nat(12), (one, feeRate, cut, mined) => {
        const basis = played({ ...one, memes: Math.min(one.memes, one.players) });
        const plan = planned(basis, { rate: feeRate, mined, limits: cut });
        balanced(plan);
        for (const [tx, { kind, inputs }] of plan.txs.entries())
          for (const input of kind === "collect" ? inputs : []) {
            if (input.kind !== "deposit") continue;
            const home = plan.txs.find(({ outputs }) =>
              outputs.some((o) => o.kind === "payout" && o.playKey === input.playKey),
            );
            if (home === undefined) continue;
            const hangs = home.inputs.some((one) => one.kind === "pot" && one.tx === tx);
            assert.ok(hangs, "a payout does not hang on its own players' deposits");
          }
        assert.ok(outputsOf(plan).every(({ sats }) => sats > 0));
        for (const { inputs, outputs, minerFee } of plan.txs)
          assert.ok(minerFee >= minerFeeOf(settlementSize(inputs, outputs), feeRate), "below the rate");
        assert.deepEqual(paidBy(plan), amountsDue(basis.outcome));
        assert.deepEqual(check(plan, basis), { ok: true });
        assert.deepEqual(planned(basis, { rate: feeRate, mined, limits: cut }), plan, "not the same again");
      }),
      { numRuns: 150 },
    );
  });

  it("M3 without a deposit that proved dead: its player bears it, nobody else, and what need not change does not", () => {
    const lossy = fc.array(fc.nat(11), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(shape, limits, fc.nat(12), lossy, (one, cut, mined, picks) => {
        const basis = played({ ...one, memes: Math.min(one.memes, one.players) });
        const how = { mined, limits: cut };
        const first = planned(basis, how);
        const gone = basis.deposits.filter((_, at) => picks.includes(at));
        const lost = gone.map(outpointOf);
        if (lost.length === 0) return;
        const more = coinsOf(basis.open, 60, 50_000, "more");
        const made = replanSettlement(optionsOf(basis, { ...how, coins: more }), first, lost);
        if (lost.length === basis.deposits.length) {
          if (basis.outcome.kind === "void" || one.carryIn === 0)
            assert.equal(made.ok === false && made.code, "NOTHING_TO_SETTLE");
          else {
            assert.ok(made.ok, JSON.stringify(made));
            const kinds = outputsOf(made.plan).map(({ kind, sats }) => (kind === "change" ? kind : sats));
            assert.deepEqual(kinds, [one.carryIn, "change"], "only the jackpot goes on");
            assert.deepEqual(check(made.plan, basis), { ok: true });
            balanced(made.plan);
          }
          return;
        }
        assert.ok(made.ok, JSON.stringify(made));
        const { plan } = made;
        assert.equal(plan.version, 2);
        balanced(plan);
        assert.deepEqual(check(plan, basis), { ok: true });
        const whole = new Map(amountsDue(basis.outcome).map(({ playKey, sats }) => [playKey, sats]));
        const paid = new Map(paidBy(plan).map(({ playKey, sats }) => [playKey, sats]));
        for (const [playKey, sats] of whole) {
          const own = total(gone.filter((coin) => coin.playKey === playKey));
          const got = paid.get(playKey) ?? 0;
          assert.ok(got === Math.max(0, sats - own), `${got} of ${sats} less ${own}`);
        }
        for (const tx of first.txs) {
          const hangs = tx.inputs.some((input) =>
            input.kind === "pot"
              ? first.txs[input.tx]?.inputs.some(
                  (one) => one.kind === "deposit" && lost.includes(outpointOf(one)),
                )
              : input.kind === "deposit" && lost.includes(outpointOf(input)),
          );
          const bare = (one: typeof tx): string =>
            JSON.stringify([one.inputs.map(({ sats, vout }) => [sats, vout]), one.outputs]);
          if (!hangs)
            assert.ok(
              plan.txs.some((again) => bare(again) === bare(tx)),
              "an untouched one changed",
            );
          if (tx.kind === "payout") {
            const own = tx.inputs.flatMap((input) => (input.kind === "operator" ? [outpointOf(input)] : []));
            const twin = plan.txs.find(({ inputs }) =>
              inputs.some((input) => input.kind === "operator" && own.includes(outpointOf(input))),
            );
            assert.ok(twin, "nothing stands in the way of the one it replaces");
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it("E10, E12 takes no operator coin while fee and seat fees suffice, and as few as needed otherwise", () => {
    const rich = planned(played({ ...GAME, sats: 90_000, boost: 80_000 }), { rate: 10 });
    assert.ok(inputsOf(rich).every(({ kind }) => kind !== "operator"));
    const basis = played({ ...GAME, memes: 0 });
    const poor = coinsOf(basis.open, 40, 300);
    const plan = planned(basis, { coins: poor });
    const used = inputsOf(plan).filter(({ kind }) => kind === "operator").length;
    assert.ok(used > 0);
    const fewer = planSettlement(optionsOf(basis, { coins: poor.slice(0, used - 1) }));
    assert.ok(fewer.ok === false && fewer.code === "FLOAT_EMPTY" && fewer.sats > 0);
  });

  it("the size estimate is that of the transaction with the longest signatures", () => {
    const basis = played(GAME);
    for (const how of [{ rate: 300 }, { limits: SMALL }])
      for (const planOne of planned(basis, how).txs) {
        const worst = {
          deposit: UNLOCK_BYTES.settle,
          carry: UNLOCK_BYTES.twoKey,
          pot: UNLOCK_BYTES.twoKey,
          operator: UNLOCK_BYTES.p2pkh,
        };
        const unlocking = planOne.inputs.map(({ kind }) => "00".repeat(worst[kind]));
        const txids = Array.from({ length: 20 }, (_, at) => txidOf(`${at}`));
        const bytes = rawTxBytes(transactionOf(planOne, txids), unlocking).length;
        assert.equal(settlementSize(planOne.inputs, planOne.outputs), bytes);
      }
  });

  it("refuses to plan without deposits, without the carry's coin, or when the sums do not meet", () => {
    const basis = played(GAME);
    const code = (patch: object) => {
      const made = planSettlement({ ...optionsOf(basis), ...patch });
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

  it("M4 the check refuses any single change to a plan, of one transaction or of many", () => {
    for (const how of [{ rate: 300 }, { limits: SMALL, mined: 3 }]) {
      const basis = played(GAME);
      const plan = planned(basis, how);
      assert.ok(inputsOf(plan).some(({ kind }) => kind === "operator"));
      const lies: [string, (copy: SettlementPlan) => void][] = [];
      type Tx = SettlementPlan["txs"][number];
      for (const [tx, { inputs, outputs, kind: txKind }] of plan.txs.entries()) {
        const on = (name: string, change: (copy: Tx) => void): void => {
          lies.push([`${txKind} ${tx} ${name}`, ({ txs }) => txs.slice(tx, tx + 1).forEach(change)]);
        };
        on("gone", (copy) => void copy.inputs.splice(0));
        lies.push([`${txKind} ${tx} left out`, ({ txs }) => void txs.splice(tx, 1)]);
        lies.push([
          `${txKind} ${tx} twice`,
          ({ txs }) => void txs.push(...structuredClone(txs.slice(tx, tx + 1))),
        ]);
        on("fee", (copy) => {
          copy.minerFee += 1;
        });
        for (const [at, { kind }] of outputs.entries()) {
          on(`output ${at} left out`, (copy) => void copy.outputs.splice(at, 1));
          on(
            `output ${at} twice`,
            (copy) => void copy.outputs.splice(at, 0, ...copy.outputs.slice(at, at + 1)),
          );
          for (const sats of [1, -1])
            on(`${kind} ${at} ${sats}`, (copy) => {
              for (const output of copy.outputs.slice(at, at + 1)) output.sats += sats;
            });
          on(`${kind} ${at} to another key`, (copy) => {
            for (const output of copy.outputs.slice(at, at + 1))
              output.script = p2pkhScript(actor("x").playKey);
          });
        }
        for (const [at, { kind }] of inputs.entries()) {
          on(`${kind} ${at} left out`, (copy) => void copy.inputs.splice(at, 1));
          on(`${kind} ${at} twice`, (copy) => void copy.inputs.push(...copy.inputs.slice(at, at + 1)));
          on(`${kind} ${at} sats`, (copy) => {
            for (const input of copy.inputs.slice(at, at + 1)) input.sats += 1;
          });
          on(`${kind} ${at} foreign`, (copy) => {
            for (const input of copy.inputs.slice(at, at + 1)) {
              if (input.kind === "pot") input.vout += 7;
              else if (input.kind === "operator") input.script = basis.open.operatorKey;
              else input.txid = memeIdOf("other");
            }
          });
        }
      }
      lies.push(["another round", (copy) => Object.assign(copy, { roundId: "main-2" })]);
      lies.push(["another version", (copy) => Object.assign(copy, { version: 2 })]);
      const somebodys = basis.deposits.slice(0, 1).map(outpointOf);
      lies.push(["a loss nobody has", (copy) => Object.assign(copy, { version: 2, lost: somebodys })]);
      lies.push(["a loss of nothing", (copy) => Object.assign(copy, { version: 2, lost: ["aa:0"] })]);
      assert.deepEqual(check(plan, basis), { ok: true });
      for (const [name, change] of lies) {
        const copy = structuredClone(plan);
        change(copy);
        assert.equal(check(copy, basis).ok, false, `${name} passed`);
      }
      assert.equal(check(plan, basis, 20).ok, false, "a fee above the cap");
    }
  });
});
