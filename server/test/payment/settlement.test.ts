/** M3: a round is paid out once, to the satoshi, whatever crashes in between. */
import { strict as assert } from "node:assert";
import { createServer } from "node:http";
import { twoKeyScript } from "@meme-rounds/shared-schema/lock";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import { amountsDue } from "@meme-rounds/shared-schema/settlement";
import type { ChainPort } from "../../src/chain/index.ts";
import { createRedis } from "../../src/infra/redis.ts";
import { createSettlementWorker, SETTLED_CHANNEL } from "../../src/payment/index.ts";
import { SettleLater } from "../../src/payment/settlement/settle.ts";
import { readTransaction } from "../../src/payment/transaction.ts";
import { readJournal } from "../../src/round/journal-store.ts";
import { until } from "../support/wait.ts";
import { keystoreOptions, type MoneyRound, World } from "./world.ts";

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
    await world.float().keepUp();
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
    const next = await claim(world.round(5).open.roundId);
    assert.deepEqual(next, [{ roundId: round.open.roundId, sats: outcome.result.carryOut }]);
    world.told.length = 0;
  });

  it("M3 a crash after any step, then a second try: one transaction, each paid once, one carry", async () => {
    const steps = [
      "read",
      "computed",
      "planned",
      "cosigned",
      "signed",
      "broadcast",
      "sent",
      "carried",
      "told",
    ];
    for (const [at, crashAt] of steps.entries()) {
      const carryFrom = await world.payment.claimCarry("main", world.round(10 + at).open.roundId);
      const round = await world.play({ slot: 10 + at, players: 3, memes: 2, carryFrom });
      const { roundId } = round.open;
      const seen: string[] = [];
      const crashing = world.settler({
        step: (name) => {
          seen.push(name);
          if (name === crashAt) throw new Error(`crash at ${name}`);
        },
      });
      await assert.rejects(crashing.settle(roundId), /^Error: crash at/, crashAt);
      assert.equal(seen.at(-1), crashAt);
      const had = await world.store.read(roundId);
      if (at % 2 === 1) await world.restartAuditor();
      await world.settler().settle(roundId);
      const done = await world.store.read(roundId);
      if (had?.plan) assert.deepEqual(done?.plan, had.plan);
      if (had?.signed) assert.deepEqual(done?.signed, had.signed);
      await world.settler().settle(roundId);
      assert.deepEqual((await world.store.read(roundId))?.signed, done?.signed);
      for (const { playKey, sats } of amountsDue(computeOutcome(round.state)))
        assert.equal(await world.balance(playKey), 2_000 - 100 + sats, crashAt);
      const free = await world.redis.hkeys("mr:carry:free:main");
      assert.deepEqual(free, [roundId]);
    }
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
    await world.settler().lookAfter(roundId);
    const stored = await world.store.read(roundId);
    assert.equal(stored?.state, "sent");
    assert.deepEqual(new Set(sent), new Set([stored?.signed?.rawHex]));
  });

  it("M5 the sweep sends a lost one again, marks it mined, takes a reorganisation back, and ends it after 6 blocks", async () => {
    const { roundId } = (await world.play({ slot: 32, players: 2, memes: 0 })).open;
    await world.settler().settle(roundId);
    const { plan, signed } = (await world.store.read(roundId)) ?? {};
    const operatorCoin = plan?.inputs.find((input) => input.kind === "operator");
    assert.ok(operatorCoin && signed, "a voided round is paid for by the operator");
    const reserved = `${operatorCoin.txid}:${operatorCoin.vout}`;
    assert.ok((await world.store.reserved()).has(reserved));
    await world.net.call("/dev/mine", { method: "POST" });
    await world.net.call(`/dev/reorg?depth=1&drop=${signed.txid}`, { method: "POST" });
    assert.notEqual((await world.net.port.status(signed.txid)).state, "seen");
    await world.settler().lookAfter(roundId);
    assert.equal((await world.net.port.status(signed.txid)).state, "seen");
    const state = async () => (await world.payment.settlementOf(roundId))?.state;
    await world.net.call("/dev/mine", { method: "POST" });
    await world.settler().lookAfter(roundId);
    assert.equal(await state(), "mined");
    assert.ok(!(await world.store.reserved()).has(reserved));

    await world.net.call(`/dev/reorg?depth=1&drop=${signed.txid}`, { method: "POST" });
    await world.settler().lookAfter(roundId);
    assert.equal(await state(), "sent");
    assert.equal((await world.net.port.status(signed.txid)).state, "seen");

    await world.net.call("/dev/mine?blocks=5", { method: "POST" });
    await world.settler().lookAfter(roundId);
    assert.ok((await world.store.openRounds()).includes(roundId));
    assert.ok((await world.store.read(roundId))?.signed);
    await world.net.call("/dev/mine", { method: "POST" });
    await world.settler().lookAfter(roundId);
    assert.ok(!(await world.store.openRounds()).includes(roundId));
    const { txids, payouts, ...rest } = (await world.payment.settlementOf(roundId)) ?? {};
    assert.deepEqual([txids, payouts?.length, rest], [[signed.txid], 2, { state: "mined" }]);
    assert.equal((await world.store.read(roundId))?.plan, undefined);
    await world.settler().settle(roundId);
    assert.equal(await state(), "mined");
  });

  it("M1 a dropped deposit is no input; without any deposit there is nothing to settle", async () => {
    const round = await world.play({ slot: 33, players: 4, memes: 3, drop: 1 });
    await world.settler().settle(round.open.roundId);
    const { plan } = (await world.store.read(round.open.roundId)) ?? {};
    assert.equal(plan?.inputs.filter(({ kind }) => kind === "deposit").length, 3);
    const empty = await world.play({ slot: 34, players: 0, memes: 0 });
    await world.settler().settle(empty.open.roundId);
    const view = await world.payment.settlementOf(empty.open.roundId);
    assert.deepEqual(view, { state: "mined", txids: [], payouts: [] });
  });

  it("M3 a journal without its end waits", async () => {
    const { roundId } = world.round(40).open;
    await assert.rejects(world.settler().settle(roundId), SettleLater);
  });

  it("M3 the worker settles what is enqueued, twice enqueued or not, tells it, and sweeps it to mined", async () => {
    const queueRedis = createRedis(world.testRedis.url);
    const listener = createRedis(world.testRedis.url);
    const heard: string[] = [];
    await listener.subscribe(SETTLED_CHANNEL);
    listener.on("message", (_channel, text) => heard.push(text));
    const round = await world.play({ slot: 50, players: 3, memes: 2 });
    const { roundId } = round.open;
    const worker = await createSettlementWorker(
      {
        network: "devchain",
        keystore: keystoreOptions(world.folder),
        auditorUrl: world.auditor.url,
        faucetUrl: world.net.url,
        sweepMs: 100,
      },
      {
        redis: world.redis,
        queueRedis,
        chain: world.net.port,
        readJournal: (id) => readJournal(world.redis, id),
        logger: world.logger,
        now: Date.now,
      },
    );
    try {
      await Promise.all([world.payment.enqueueSettlement(roundId), world.payment.enqueueSettlement(roundId)]);
      const view = await until(
        async () => {
          const one = await world.payment.settlementOf(roundId);
          return one?.state === "sent" && one;
        },
        { deadlineMs: 10_000, what: "the settlement" },
      );
      await world.payment.enqueueSettlement(roundId);
      await until(() => heard.includes(JSON.stringify({ roundId })), { what: "the hint" });
      await world.net.call("/dev/mine", { method: "POST" });
      await until(async () => (await world.payment.settlementOf(roundId))?.state === "mined", {
        deadlineMs: 10_000,
        what: "mined",
      });
      assert.deepEqual((await world.payment.settlementOf(roundId))?.txids, view.txids);
      for (const { playKey, sats } of amountsDue(computeOutcome(round.state)))
        assert.equal(await world.balance(playKey), 1_900 + sats);
    } finally {
      await worker.stop();
      await queueRedis.quit();
      await listener.quit();
    }
  });

  it("M4 a refused settlement is shown as such, and asked for ever more rarely", async () => {
    let asked = 0;
    const auditor = createServer((request, response) => {
      asked += request.url === "/cosign" ? 1 : 0;
      request.resume();
      response.writeHead(422).end(JSON.stringify({ code: "PLAN_WRONG", reason: "so it says" }));
    });
    await new Promise<void>((resolve) => auditor.listen(0, "127.0.0.1", resolve));
    const at = auditor.address();
    assert.ok(typeof at === "object" && at !== null);
    const queueRedis = createRedis(world.testRedis.url);
    let now = 1_000_000;
    const { roundId } = (await world.play({ slot: 60, players: 3, memes: 2 })).open;
    const worker = await createSettlementWorker(
      {
        network: "devchain",
        keystore: keystoreOptions(world.folder),
        auditorUrl: `http://127.0.0.1:${at.port}`,
        faucetUrl: world.net.url,
        sweepMs: 3_600_000,
      },
      {
        redis: world.redis,
        queueRedis,
        chain: world.net.port,
        readJournal: (id) => readJournal(world.redis, id),
        logger: world.logger,
        now: () => now,
      },
    );
    try {
      await worker.sweep();
      asked = 0;
      await world.payment.enqueueSettlement(roundId);
      const refusal = () => world.payment.settlementOf(roundId).then((view) => view?.refusal);
      assert.equal(await until(refusal, { what: "the refusal" }), "PLAN_WRONG: so it says");
      assert.equal(asked, 1);
      for (const [ms, calls] of [
        [0, 2],
        [1_999, 2],
        [1, 3],
        [3_999, 3],
        [1, 4],
      ] as const) {
        now += ms;
        await worker.sweep();
        assert.equal(asked, calls, `${ms} ms on`);
      }
      await world.settler().settle(roundId);
      assert.deepEqual((await world.store.read(roundId))?.refusal, undefined);
    } finally {
      await worker.stop();
      await queueRedis.quit();
      auditor.closeAllConnections();
      auditor.close();
    }
  });
});
