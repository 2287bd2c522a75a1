/** E11, M4: the auditor follows every carry by its own memory, and checks what was dropped. */
import { strict as assert } from "node:assert";
import { cosign, planFor, refused } from "./auditor-kit.ts";
import { World } from "./world.ts";

describe("auditor and carries", function () {
  this.timeout(60_000);
  let world: World;
  before(async () => {
    world = await World.start();
    await world.fill();
  });
  after(() => world.stop());
  /** Paid out and in a block: the next rounds have its carry. */
  const settled = async (roundId: string): Promise<void> => {
    await world.settler().settle(roundId);
    await world.mine();
    await world.keeper().lookAfter(roundId);
  };

  it("E11 a carry from nowhere, a wrong amount, a foreign coin and one consumed before are refused", async () => {
    const round = await world.play({ slot: 1, players: 4, memes: 3 });
    await settled(round.open.roundId);
    const next = world.round(5).open.roundId;
    const [source] = await world.payment.claimCarry("main", next);
    const [coin] = await world.carry.claimedBy(next);
    assert.ok(source && coin);
    const play = (slot: number, from: { roundId: string; sats: number }) =>
      world.play({ slot, players: 3, memes: 2, carryFrom: [from] });

    const nowhere = { roundId: "main-1", sats: 500 };
    const fromNowhere = await planFor(world, await play(6, nowhere), [{ ...coin, ...nowhere }]);
    await refused(world, fromNowhere, "CARRY_UNKNOWN", /no settlement of main-1/);
    const more = { ...source, sats: source.sats + 1 };
    const tooMuch = await planFor(world, await play(7, more), [{ ...coin, ...more }]);
    await refused(world, tooMuch, "CARRY_UNKNOWN", /left/);

    const five = await play(5, source);
    const foreign = await planFor(world, five, [{ ...coin, vout: 0 }]);
    await refused(world, foreign, "DEPOSIT_NOT_ON_CHAIN", /carry/);
    const without = await planFor(world, five, [coin]);
    for (const tx of without.txs) tx.inputs = tx.inputs.filter(({ kind }) => kind !== "carry");
    await refused(world, without, "PLAN_WRONG", /cannot be settled/);
    await settled(five.open.roundId);
    const again = await planFor(world, await play(8, source), [coin]);
    await refused(world, again, "CARRY_CONSUMED", /has consumed/);
  });

  it("E11 a coin of the same lock and amount that is not the settlement's own is refused", async () => {
    const round = await world.play({ slot: 11, players: 4, memes: 3 });
    await settled(round.open.roundId);
    const next = world.round(12).open.roundId;
    const claimed = await world.payment.claimCarry("main", next);
    const coins = await world.carry.claimedBy(next);
    const twin = await world.lookalike(round.open, coins.at(-1)?.sats ?? 0);
    const twelve = await world.play({ slot: 12, players: 3, memes: 2, carryFrom: claimed });
    const plan = await planFor(world, twelve, [
      ...coins.slice(0, -1),
      { ...twin, roundId: round.open.roundId },
    ]);
    await refused(world, plan, "CARRY_UNKNOWN", /not the carry of/);
    const [signatures] = await cosign(world, await planFor(world, twelve));
    assert.equal(signatures?.filter((one) => one !== null).length, 3 + coins.length);
  });

  it("M1 a deposit dropped although it is mined is refused", async () => {
    const robbed = await world.play({ slot: 20, players: 4, memes: 3, drop: 1 });
    await world.net.call("/dev/mine", { method: "POST" });
    await refused(
      world,
      await planFor(world, robbed),
      "DEPOSIT_DROPPED_WRONGLY",
      /was dropped, but stood on the chain unharmed/,
    );
  });
});
