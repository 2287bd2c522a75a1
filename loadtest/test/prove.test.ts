/**
 * The soak's proof must fail when it ought to: an honest world passes, and every single thing that is spoilt in it is
 * named. Rules E8, E9, E11, M1-M3, M5, R4, R9.
 */
import assert from "node:assert/strict";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { txidOf } from "../../shared-schema/test/support/round.ts";
import type { Mismatch } from "../src/money/prove-round.ts";
import { type FakeTx, genuine, MINER_FEE, type SoakedRound, soakedRound } from "./soaked-round.ts";

const STRANGER = `76a914${"77".repeat(20)}88ac`;

const some = (mismatches: readonly Mismatch[], rule: string, what: RegExp): boolean =>
  mismatches.some((one) => one.rule === rule && what.test(one.what));

/** The settlement's outputs: four players by play key, the carry, the change. */
const CARRY = 4;
const CHANGE = 5;

function output(tx: FakeTx, at: number): FakeTx["outputs"][number] {
  const found = tx.outputs[at];
  if (!found) throw new Error(`no output ${at}`);
  return found;
}

const indexOf = ({ settlement, players }: SoakedRound, at: number): number => {
  const script = p2pkhScript(players[at]?.who.playKey ?? "");
  return settlement.outputs.findIndex((one) => one.script === script);
};

describe("the soak's proof", () => {
  for (const settled of ["directly", "over pots"] as const)
    it(`E8: an honest round settled ${settled} passes, and its sums are right`, async () => {
      const proof = await soakedRound({ settled }).prove();
      assert.deepEqual(proof.mismatches, []);
      assert.equal(proof.sums.collected, 80_000);
      assert.equal(proof.sums.minerFees, MINER_FEE);
      assert.equal(proof.sums.difference, 0);
      assert.equal(proof.deposits.collected, 4);
      assert.equal(proof.players.receipts, 9);
      assert.equal(proof.settlementTxs, settled === "directly" ? 1 : 2);
    });

  it("M1: a dropped deposit that nobody took is listed for its player to take back", async () => {
    const proof = await soakedRound({ dropped: "dan" }).prove();
    assert.deepEqual(proof.mismatches, []);
    assert.equal(proof.deposits.dropped, 1);
    assert.equal(proof.players.honestDropped, 1);
    assert.deepEqual(
      proof.players.refundable.map(({ outpoint }) => outpoint),
      [`${txidOf("deposit 3")}:0`],
    );
  });

  it("M3: a deposit killed by a mined rival costs its own player, and passes as lost", async () => {
    const world = soakedRound();
    const { chain, settlement, players } = world;
    chain.txs.delete(txidOf("deposit 2"));
    const script = p2pkhScript(players[2]?.who.playKey ?? "");
    const coin = { txid: txidOf("coin 2"), vout: 0, sequence: 0, unlocking: "" };
    chain.add({ txid: txidOf("rival"), inputs: [coin], outputs: [{ sats: 69_900, script }], height: 91 });
    players[2]?.notes.otherTxids.push(txidOf("rival"));
    settlement.inputs = settlement.inputs.filter(({ txid }) => txid !== txidOf("deposit 2"));
    const at = indexOf(world, 2);
    const before = output(settlement, at).sats;
    const after = Math.max(0, before - 20_000);
    settlement.outputs[at] = { sats: after, script };
    if (after === 0) settlement.outputs.splice(at, 1);
    // What the payout did not cover is the operator's loss.
    const change = settlement.outputs.at(-1);
    assert.ok(change);
    change.sats -= 20_000 - (before - after);
    const proof = await world.prove();
    assert.deepEqual(proof.mismatches, []);
    assert.equal(proof.deposits.lost, 1);
  });

  const lies: { name: string; rule: string; what: RegExp; spoil(world: SoakedRound): void }[] = [
    {
      name: "E9: one satoshi moved from a player to another",
      rule: "E9",
      what: /is due \d+ sat .* and was paid/,
      spoil: ({ settlement }) => {
        output(settlement, 0).sats += 1;
        output(settlement, 1).sats -= 1;
      },
    },
    {
      name: "E8: one satoshi moved from the carry to the operator",
      rule: "E8",
      what: /the carry is \d+ sat/,
      spoil: ({ settlement }) => {
        output(settlement, CARRY).sats -= 1;
        output(settlement, CHANGE).sats += 1;
      },
    },
    {
      name: "E9: a player is left out",
      rule: "E9",
      what: /was paid 0/,
      spoil: ({ settlement }) => {
        const [gone] = settlement.outputs.splice(2, 1);
        output(settlement, CHANGE - 1).sats += gone?.sats ?? 0;
      },
    },
    {
      name: "E9: a player is paid by two outputs",
      rule: "E9",
      what: /paid twice/,
      spoil: ({ settlement }) => {
        const { script } = output(settlement, 0);
        output(settlement, CHANGE).sats -= 700;
        settlement.outputs.push({ sats: 700, script });
      },
    },
    {
      name: "E9: a player is paid again by a transaction of its own",
      rule: "E9",
      what: /something unknown touches a player's coins/,
      spoil: ({ chain, settlement }) => {
        const { script, sats } = output(settlement, 0);
        chain.add({ ...settlement, txid: txidOf("again"), inputs: [], outputs: [{ sats, script }] });
      },
    },
    {
      name: "M4: the settlement pays a stranger",
      rule: "M4",
      what: /somebody unknown/,
      spoil: ({ settlement }) => {
        output(settlement, CHANGE).sats -= 5_000;
        settlement.outputs.push({ sats: 5_000, script: STRANGER });
      },
    },
    {
      name: "E8: operator coins go to a stranger afterwards",
      rule: "E8",
      what: /operator coins went to somebody unknown/,
      spoil: ({ chain, settlement }) => {
        const input = { txid: settlement.txid, vout: CHANGE, sequence: 0, unlocking: "" };
        const outputs = [{ sats: 90_000, script: STRANGER }];
        chain.add({ txid: txidOf("theft"), inputs: [input], outputs, height: 95 });
      },
    },
    {
      name: "M3: nothing settles the round",
      rule: "M3",
      what: /deposits are not settled/,
      spoil: ({ chain, settlement }) => void chain.txs.delete(settlement.txid),
    },
    {
      name: "M3: a deposit vanished though nothing killed it",
      rule: "M3",
      what: /deposits are not settled/,
      spoil: ({ chain, settlement }) => {
        chain.txs.delete(txidOf("deposit 1"));
        settlement.inputs = settlement.inputs.filter(({ txid }) => txid !== txidOf("deposit 1"));
      },
    },
    {
      name: "M5: the settlement is not deep enough",
      rule: "M5",
      what: /5 blocks deep/,
      spoil: ({ settlement }) => {
        settlement.height = 96;
      },
    },
    {
      name: "M5: the settlement is in no block",
      rule: "M5",
      what: /0 blocks deep/,
      spoil: ({ settlement }) => {
        delete settlement.height;
      },
    },
    {
      name: "M1: the deposit on the chain is another than the journal's",
      rule: "M1",
      what: /not on the chain as the journal says/,
      spoil: ({ chain }) => {
        const tx = chain.txs.get(txidOf("deposit 0"));
        if (tx) output(tx, 0).script = STRANGER;
      },
    },
    {
      name: "M4: the settlement spends a coin of nobody's round",
      rule: "M4",
      what: /which is not of this round/,
      spoil: ({ chain, settlement }) => {
        const txid = txidOf("foreign");
        chain.add({ txid, inputs: [], outputs: [{ sats: 1_000, script: "aa" }], height: 3 });
        settlement.inputs.push({ txid, vout: 0, sequence: 0, unlocking: "" });
        output(settlement, CHANGE).sats += 1_000;
      },
    },
    {
      name: "E11: it spends a carry that record 1 does not name",
      rule: "E11",
      what: /record 1 names 0 sat/,
      spoil: ({ chain, settlement }) => {
        const txid = txidOf("carry");
        const { script } = output(settlement, CARRY);
        chain.add({ txid, inputs: [], outputs: [{ sats: 1_000, script }], height: 3 });
        settlement.inputs.push({ txid, vout: 0, sequence: 0, unlocking: "" });
        output(settlement, CHANGE).sats += 1_000;
      },
    },
    {
      name: "R4: a boost is missing from the journal",
      rule: "R4",
      what: /journal: record/,
      spoil: ({ round }) => void round.entries.splice(7, 1),
    },
    {
      name: "R9: the journal does not have a receipt's record",
      rule: "R9",
      what: /is another one or missing/,
      spoil: ({ players, round }) => {
        const [receipt] = players[0]?.notes.receipts ?? [];
        const other = round.entries[2]?.hash ?? "";
        if (receipt) Object.assign(receipt, genuine(round, { ...receipt, hash: other }));
      },
    },
    {
      name: "R9: a receipt is not genuine",
      rule: "R9",
      what: /signature is not genuine/,
      spoil: ({ players }) => {
        const receipt = players[0]?.notes.receipts[0];
        if (receipt) receipt.sig = "11".repeat(64);
      },
    },
    {
      name: "R9: the record does not say what was sent",
      rule: "R9",
      what: /does not say what was sent/,
      spoil: ({ players }) => {
        const receipt = players[2]?.notes.receipts[1];
        if (receipt) receipt.sent = "00";
      },
    },
    {
      name: "M2: a deposit that counts nowhere was spent",
      rule: "M2",
      what: /which counts nowhere .* was spent/,
      spoil: ({ chain, players, round }) => {
        const txid = txidOf("forgotten");
        chain.add({ txid, inputs: [], outputs: [{ sats: 9_000, script: "aa" }], height: 3 });
        const input = { txid, vout: 0, sequence: 0, unlocking: "aa51" };
        chain.add({ txid: txidOf("taker"), inputs: [input], outputs: [], height: 4 });
        const { roundId } = round.state.open;
        players[0]?.notes.deposits.push({ roundId, txid, sats: 9_000, coins: [], answer: "none" });
      },
    },
  ];
  for (const { name, rule, what, spoil } of lies)
    it(name, async () => {
      const world = soakedRound();
      spoil(world);
      const { mismatches } = await world.prove();
      assert.ok(some(mismatches, rule, what), JSON.stringify(mismatches, undefined, 1));
    });

  it("M1: a dropped deposit that the settlement takes all the same", async () => {
    const world = soakedRound({ dropped: "dan" });
    const input = { txid: txidOf("deposit 3"), vout: 0, sequence: 0, unlocking: "aa51" };
    world.settlement.inputs.push(input);
    const { mismatches } = await world.prove();
    assert.ok(some(mismatches, "M1", /the dropped deposit .* was collected/));
  });
});
