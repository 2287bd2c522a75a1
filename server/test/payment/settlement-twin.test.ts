/** M3: a settlement that somebody changed on its way, so that another txid was mined: the round goes on with that. */
import { strict as assert } from "node:assert";
import type { SettlementLimits } from "@meme-rounds/shared-schema/settlement";
import { assertPaid, freeCarries, lookAfter, SMALL } from "./settlement-kit.ts";
import { World } from "./world.ts";

/** The first escrow's choice of branch, a last push of 1, written as a push of 2: as true, and covered by nothing. */
function changed(rawHex: string): string {
  const at = rawHex.indexOf("51ffffffff");
  assert.ok(at > 0);
  return `${rawHex.slice(0, at)}52${rawHex.slice(at + 2)}`;
}

describe("settlements mined in another form", function () {
  this.timeout(60_000);
  let world: World;
  before(async () => {
    world = await World.start();
    await world.fill(20);
  });
  after(() => world.stop());

  /** Signs a round and has a miner take the changed form of its first transaction instead of ours. */
  async function mineTwin(slot: number, limits?: SettlementLimits) {
    const round = await world.play({ slot, players: 5, memes: 3 });
    const { roundId } = round.open;
    const patch = limits ? { limits } : {};
    await world.settler(patch).settle(roundId);
    const { signed = [] } = (await world.store.read(roundId)) ?? {};
    const twin = changed(signed[0]?.rawHex ?? "");
    const sent = await world.net.call("/dev/submit?force=1", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ tx: twin }),
    });
    assert.equal(sent.status, 200, await sent.text());
    await world.mine();
    return { round, roundId, patch, first: signed[0]?.txid ?? "" };
  }

  for (const [name, limits] of [
    ["direct", undefined],
    ["collected", SMALL],
  ] as const)
    it(`M3 a ${name} round is paid once, under the txids that are on the chain, and its carry is that coin`, async () => {
      const { round, roundId, patch, first } = await mineTwin(limits ? 2 : 1, limits);
      assert.notEqual((await world.net.port.status(first)).state, "mined");
      await lookAfter(world, roundId, patch);
      await world.mine();
      await lookAfter(world, roundId, patch);
      assert.equal((await world.payment.settlementOf(roundId))?.state, "mined");
      assert.ok(!(await world.payment.settlementOf(roundId))?.txids.includes(first));
      await assertPaid(world, round, [], name);
      assert.ok((await freeCarries(world)).includes(roundId));
      const [carry] = await world.payment.claimCarry("main", world.round(limits ? 12 : 11).open.roundId);
      assert.ok(carry, "the carry's coin can be claimed");
      const next = await world.play({
        slot: limits ? 12 : 11,
        players: 5,
        memes: 3,
        carryFrom: [carry],
      });
      await world.settler().settle(next.open.roundId);
      await world.mine();
      await lookAfter(world, next.open.roundId);
      await assertPaid(world, next, [], `${name}: the round after`);
    });

  it("M4 the auditor takes no other payment for a twin, and none that is in no block", async () => {
    const round = await world.play({ slot: 20, players: 5, memes: 3 });
    const { roundId } = round.open;
    await world.settler({ limits: SMALL }).settle(roundId);
    const stored = await world.store.read(roundId);
    const [ours, other] = stored?.signed ?? [];
    assert.ok(stored && ours && other);
    const adopt = (rawHex: string) =>
      world.settler().adopt(roundId, stored, new Map([[0, { ...ours, rawHex }]]));
    await assert.rejects(adopt(changed(ours.rawHex)), /no block holds/);
    await world.mine();
    await assert.rejects(adopt(other.rawHex), /not the same payment/);
    assert.deepEqual((await world.store.read(roundId))?.txids, stored.txids, "nothing was replaced");
    await lookAfter(world, roundId);
    await assertPaid(world, round);
  });
});
