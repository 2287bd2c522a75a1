/** M4, the 12 h rule at the auditor: what is signed before it, after it, and never. */
import { strict as assert } from "node:assert";
import { VOID_EXPIRED } from "@meme-rounds/shared-schema/payout";
import { seal } from "@meme-rounds/shared-schema/records";
import { apply } from "@meme-rounds/shared-schema/reducer";
import { expiryOf } from "@meme-rounds/shared-schema/rules";
import { createAuditorDesk } from "../../src/payment/auditor/desk.ts";
import { cosign, planFor, refused } from "./auditor-kit.ts";
import { boosts, forge, Watching } from "./watched.ts";
import { World } from "./world.ts";

describe("the 12 h rule at the auditor", function () {
  this.timeout(60_000);
  let world: World;
  let watching: Watching;
  before(async () => {
    world = await World.start();
    watching = new Watching(world);
    await world.fill(20);
  });
  after(() => world.stop());
  const closing = async (roundId: string): Promise<boolean> =>
    (await createAuditorDesk({ url: world.auditor.url, timeoutMs: 5_000 }).close(roundId)).closing;

  it("M4: a result that was planned and never signed gives way: everybody is paid back whole", async () => {
    const round = await watching.round();
    const { roundId, closesAt } = round.open;
    world.now = expiryOf(closesAt);
    await assert.rejects(world.settler().settle(roundId), /full returns only/);
    assert.equal((await world.payment.settlementOf(roundId))?.state, "planned");
    assert.equal(await world.payment.giveUp(roundId), true);
    assert.equal(await world.payment.giveUp(roundId), true, "again, after a crash");
    assert.equal(await world.payment.settlementOf(roundId), undefined);
    round.now = world.now;
    round.must({ kind: "expire" });
    await world.keep(roundId, round.entries);
    await world.settler().settle(roundId);
    const settled = await world.payment.settlementOf(roundId);
    assert.deepEqual(
      settled?.payouts.map(({ sats }) => sats),
      [10_000, 10_000, 10_000, 10_000],
    );
    assert.equal(await world.payment.giveUp(roundId), false);
  });
  it("M4: 12 h after its end a round gets no result signed, whatever the clock says afterwards; its void is", async () => {
    const round = await watching.round();
    const plan = await planFor(world, round);
    const { roundId, closesAt } = round.open;
    const end = expiryOf(closesAt);
    world.now = end - 1;
    assert.equal(await closing(roundId), false);
    world.now = end;
    await watching.deny(plan, "ROUND_VOID", /full returns only/);
    assert.equal(await closing(roundId), true);
    world.now = closesAt + 1_000;
    await watching.deny(plan, "ROUND_VOID", /full returns only/);
    round.now = end;
    round.must({ kind: "expire" });
    await world.keep(roundId, round.entries);
    const full = await planFor(world, round);
    await watching.deny(full, "JOURNAL_BACKDATED", /ahead of the auditor's clock/);
    world.now = end;
    await cosign(world, full);
    for (const { outputs } of full.txs)
      for (const output of outputs) if (output.kind === "payout") assert.equal(output.sats, 10_000);
    await refused(world, plan, "PLAN_DIFFERENT", /another plan was signed/);
  });
  it("M4: after a result was signed a round is not given up, and its void is not signed", async () => {
    const round = await watching.round();
    const { roundId, closesAt } = round.open;
    await cosign(world, await planFor(world, round));
    world.now = expiryOf(closesAt);
    assert.equal(await closing(roundId), false);
    round.now = world.now;
    round.must({ kind: "expire" });
    await world.keep(roundId, round.entries);
    const second = { ...(await planFor(world, round)), version: 2 };
    await watching.deny(second, "PLAN_DIFFERENT", /a result was signed/);
  });
  it("M4: a round whose journal is not believed gets its full returns after 12 h, and nothing before", async () => {
    const round = await watching.round();
    const { roundId, closesAt } = round.open;
    const last = boosts(round).at(-1)?.record.seq;
    const { entries, state } = forge(round.entries, (record) => (record.seq === last ? undefined : {}));
    await watching.deny(
      await watching.planOf(round, { entries, state }),
      "JOURNAL_CONTRADICTS_HEAD",
      /signed/,
    );
    world.now = expiryOf(closesAt);
    assert.equal(await closing(roundId), true);
    const end = seal(state.head, world.now, { kind: "void", body: { reason: VOID_EXPIRED } });
    apply(state, end);
    const full = await watching.planOf(round, { entries: [...entries, end], state });
    await cosign(world, full);
  });
});
