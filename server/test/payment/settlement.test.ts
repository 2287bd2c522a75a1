/** M3: a round is paid out once, to the satoshi, whatever crashes in between. */
import { strict as assert } from "node:assert";
import { twoKeyScript } from "@meme-rounds/shared-schema/lock";
import { computeOutcome, droppedOutpoints } from "@meme-rounds/shared-schema/payout";
import { amountsDue } from "@meme-rounds/shared-schema/settlement";
import type { ChainPort } from "../../src/chain/index.ts";
import { SettleLater } from "../../src/payment/settlement/settle.ts";
import { readTransaction } from "../../src/payment/transaction.ts";
import { type MoneyRound, World } from "./world.ts";

const outputsOf = async (world: World, txid: string) => {
  const raw = await world.net.port.rawTx(txid);
  return readTransaction(raw ?? "")?.outputs ?? [];
};

/** What each player of the round holds beyond the change of its deposit. */
async function paid(
  world: World,
  round: MoneyRound,
  txid: string,
): Promise<{ playKey: string; sats: number }[]> {
  const view = await world.payment.settlementOf(round.open.roundId);
  const outputs = await outputsOf(world, txid);
  return (view?.payouts ?? []).map(({ playKey, sats, vout }) => {
    assert.equal(outputs[vout]?.sats, sats);
    return { playKey, sats };
  });
}

describe("settlement on the devchain", function () {
  this.timeout(60_000);
  let world: World;
  before(async () => {
    world = await World.start();
    await world.fill();
  });
  after(() => world.stop());

  it("M3, E9 pays a round out in one transaction, each player one output, to the satoshi", async () => {
    const round = await world.play({ slot: 1, players: 6, memes: 3 });
    const { roundId } = round.open;
    assert.equal(await world.payment.settlementOf(roundId), undefined);
    await world.settler().settle(roundId);
    const view = await world.payment.settlementOf(roundId);
    assert.equal(view?.state, "sent");
    const txid = view?.txids[0] ?? "";
    const outcome = computeOutcome(round.state);
    assert.equal(outcome.kind, "result");
    assert.deepEqual(await paid(world, round, txid), amountsDue(outcome));
    for (const { playKey, sats } of amountsDue(outcome))
      assert.equal(await world.balance(playKey), 2_000 - 100 + sats);
    const carry = (await outputsOf(world, txid)).filter(
      ({ script }) => script === twoKeyScript(round.open.operatorKey, round.open.auditorKey),
    );
    if (outcome.kind === "result")
      assert.deepEqual(
        carry.map(({ sats }) => sats),
        [outcome.result.carryOut],
      );
    assert.deepEqual(world.told.splice(0), [roundId]);
  });

  it("E11 the carry goes to the next round, is consumed there once, and a voided round passes it on", async () => {
    const claim = (roundId: string) => world.payment.claimCarry("main", roundId);
    const { roundId: firstId } = world.round(1).open;
    assert.deepEqual(await world.redis.hkeys("mr:carry:free:main"), [], "given on before it was mined");
    await world.mine();
    await world.keeper().lookAfter(firstId);
    const before = await claim(world.round(2).open.roundId);
    assert.equal(before.length, 1);
    assert.deepEqual(await claim(world.round(2).open.roundId), before);
    assert.deepEqual(await claim(world.round(3).open.roundId), []);

    const voided = await world.play({ slot: 2, players: 3, memes: 1, boost: 0, carryFrom: before });
    assert.equal(computeOutcome(voided.state).kind, "void");
    await world.settler().settle(voided.open.roundId);
    for (const { playKey } of voided.state.players.values())
      assert.equal(await world.balance(playKey), 2_000 - 100 + 10_000);

    const again = await claim(world.round(4).open.roundId);
    assert.deepEqual(again, before);
    const round = await world.play({ slot: 4, players: 5, memes: 3, carryFrom: again });
    await world.settler().settle(round.open.roundId);
    const outcome = computeOutcome(round.state);
    assert.ok(outcome.kind === "result" && outcome.released > 0);
    await world.mine();
    await world.keeper().lookAfter(round.open.roundId);
    const next = await claim(world.round(5).open.roundId);
    assert.deepEqual(next, [{ roundId: round.open.roundId, sats: outcome.result.carryOut }]);
    world.told.length = 0;
  });

  it("M3 two settlers at once come to one transaction", async () => {
    const round = await world.play({ slot: 30, players: 3, memes: 2 });
    const { roundId } = round.open;
    await Promise.all([world.settler().settle(roundId), world.settler().settle(roundId)]);
    const stored = await world.store.read(roundId);
    assert.equal(stored?.state, "sent");
    for (const { playKey, sats } of amountsDue(computeOutcome(round.state)))
      assert.equal(await world.balance(playKey), 1_900 + sats);
  });

  it("M3 an unclear answer sends the same bytes again", async () => {
    const round = await world.play({ slot: 31, players: 3, memes: 2 });
    const { roundId } = round.open;
    const sent: string[] = [];
    const silent: ChainPort = {
      ...world.net.port,
      broadcast: async (tx) => {
        sent.push("rawHex" in tx ? tx.rawHex : tx.toHex());
        return { outcome: "pending", txid: "", reason: "timeout" };
      },
    };
    await assert.rejects(world.settler({ chain: silent }).settle(roundId), SettleLater);
    await assert.rejects(world.settler({ chain: silent }).settle(roundId), SettleLater);
    assert.equal((await world.store.read(roundId))?.state, "signed");
    await world.keeper().lookAfter(roundId);
    const stored = await world.store.read(roundId);
    assert.equal(stored?.state, "sent");
    assert.deepEqual(new Set(sent), new Set(stored?.signed?.map(({ rawHex }) => rawHex)));
  });

  it("M5 the sweep sends a lost one again, marks it mined, takes a reorganisation back, and ends it after 6 blocks", async () => {
    const { roundId } = (await world.play({ slot: 32, players: 2, memes: 0 })).open;
    await world.settler().settle(roundId);
    const [signed] = (await world.store.read(roundId))?.signed ?? [];
    const [coin] = (await world.wallet().reservedFor(`settle:${roundId}:1`)) ?? [];
    assert.ok(signed && coin, "a voided round is paid for by the operator");
    const isReserved = () => world.redis.hexists("mr:wallet:reserved", `${coin.txid}:${coin.vout}`);
    const status = async () => (await world.net.port.status(signed.txid)).state;
    const state = async () => (await world.payment.settlementOf(roundId))?.state;
    const lookAfter = () => world.keeper().lookAfter(roundId);
    const reorg = () => world.net.call(`/dev/reorg?depth=1&drop=${signed.txid}`, { method: "POST" });
    await world.mine();
    await reorg();
    assert.notEqual(await status(), "seen");
    await lookAfter();
    assert.equal(await status(), "seen");
    await world.mine();
    await lookAfter();
    assert.equal(await state(), "mined");

    await reorg();
    await lookAfter();
    assert.equal(await state(), "sent");
    assert.equal(await status(), "seen");

    await world.mine(5);
    await lookAfter();
    assert.ok((await world.store.openRounds()).includes(roundId));
    assert.ok((await world.store.read(roundId))?.signed);
    assert.equal(await isReserved(), 1, "free before it is final");
    await world.mine();
    await lookAfter();
    assert.ok(!(await world.store.openRounds()).includes(roundId));
    assert.equal(await isReserved(), 0);
    const { txids, payouts, ...rest } = (await world.payment.settlementOf(roundId)) ?? {};
    assert.deepEqual([txids, payouts?.length, rest], [[signed.txid], 2, { state: "mined" }]);
    assert.equal((await world.store.read(roundId))?.plan, undefined);
    await world.settler().settle(roundId);
    assert.equal(await state(), "mined");
  });

  it("M1 a dropped deposit is no input; without any deposit there is nothing to settle", async () => {
    const round = await world.play({ slot: 33, players: 4, memes: 3, drop: 1 });
    for (const dropped of droppedOutpoints(round.state))
      await world.net.call(`/dev/evict?txid=${dropped.slice(0, 64)}`, { method: "POST" });
    await world.settler().settle(round.open.roundId);
    const { plan } = (await world.store.read(round.open.roundId)) ?? {};
    const inputs = plan?.txs.flatMap((tx) => tx.inputs) ?? [];
    assert.equal(inputs.filter(({ kind }) => kind === "deposit").length, 3);
    const empty = await world.play({ slot: 34, players: 0, memes: 0 });
    await world.settler().settle(empty.open.roundId);
    const view = await world.payment.settlementOf(empty.open.roundId);
    assert.deepEqual(view, { state: "mined", txids: [], payouts: [] });
  });

  it("M3 a journal without its end waits", async () => {
    const { roundId } = world.round(40).open;
    await assert.rejects(world.settler().settle(roundId), SettleLater);
  });
});
