/** Keys rotate between rounds (M7): new rounds name the new keys, older rounds and carries are settled with theirs. */
import { strict as assert } from "node:assert";
import { verifyEd25519 } from "@meme-rounds/shared-schema/crypto";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import { amountsDue } from "@meme-rounds/shared-schema/settlement";
import { changeKeystore, type KeyName, withNewGeneration } from "../../src/chain/index.ts";
import { createRedis } from "../../src/infra/redis.ts";
import { createPaymentService, createSettlementWorker } from "../../src/payment/index.ts";
import { keystorePath } from "../../src/payment/keys.ts";
import { readJournal } from "../../src/round/journal-store.ts";
import { until } from "../support/wait.ts";
import { keystoreOptions, type MoneyRound, World } from "./world.ts";

describe("key rotation", function () {
  this.timeout(60_000);
  let world: World;
  before(async () => {
    world = await World.start();
    await world.fill(20);
  });
  after(() => world.stop());

  const rotate = async (owner: "operator" | "auditor", names: KeyName[]): Promise<void> => {
    const { passphrase, scryptCost } = keystoreOptions(world.folder);
    const keys = (old: Parameters<typeof withNewGeneration>[0]) =>
      names.reduce((keystore, name) => withNewGeneration(keystore, name), old);
    await changeKeystore(keystorePath(world.folder, owner), passphrase, { keys }, { scryptCost });
  };

  /** The auditor and the game start again, with what their keystores hold now. */
  const restart = async (): Promise<void> => {
    await world.restartAuditor();
    await world.payment.stop();
    const payment = await createPaymentService(
      { network: "devchain", keystore: keystoreOptions(world.folder), auditorUrl: world.auditor.url },
      { redis: world.redis, chain: world.net.port, logger: world.logger, now: Date.now },
    );
    Object.assign(world, { payment });
  };

  /** A worker's process, from start to stop, pays the rounds out and sees them mined. */
  const settle = async (...rounds: MoneyRound[]): Promise<void> => {
    const queueRedis = createRedis(world.testRedis.url);
    let clock = Date.now();
    const worker = await createSettlementWorker(
      {
        network: "devchain",
        keystore: keystoreOptions(world.folder),
        auditorUrl: world.auditor.url,
        sweepMs: 3_600_000,
      },
      {
        redis: world.redis,
        queueRedis,
        chain: world.net.port,
        readJournal: (roundId) => readJournal(world.redis, roundId),
        logger: world.logger,
        // Its own clock runs fast: what waits a moment is asked again at once.
        now: () => (clock += 500),
      },
    );
    try {
      for (const { open } of rounds) {
        await world.payment.enqueueSettlement(open.roundId);
        // Blocks come meanwhile: the float that was gathered at the new key is free once it is in one.
        await until(
          async () => {
            await world.mine();
            world.now += 5_000; // a round that has to wait is left alone for a moment
            await worker.sweep();
            const view = await world.payment.settlementOf(open.roundId);
            assert.equal(view?.refusal, undefined);
            return view?.state === "mined";
          },
          { deadlineMs: 20_000, what: "a settlement in a block" },
        );
      }
    } finally {
      await worker.stop();
      queueRedis.disconnect();
    }
  };

  it("M7, E11: a round that closed before a rotation, and a carry from before it, are paid with the old keys", async () => {
    const first = await world.play({ slot: 1, players: 4, memes: 3 });
    await settle(first);
    const second = await world.play({ slot: 2, players: 3, memes: 2 });
    const old = world.payment.keys();

    await rotate("operator", ["operator", "receipt"]);
    await rotate("auditor", ["auditor", "auditorHead"]);
    await restart();
    const now = world.payment.keys();
    for (const name of ["operatorKey", "receiptKey", "auditorKey", "auditorHeadKey"] as const)
      assert.notEqual(now[name], old[name], name);

    const third = world.round(3).open.roundId;
    const carryFrom = await world.payment.claimCarry("main", third);
    assert.deepEqual(
      carryFrom.map(({ roundId }) => roundId),
      [first.open.roundId],
    );
    const [carry] = await world.carry.claimedBy(third);
    assert.ok(carry);
    const last = await world.play({ slot: 3, players: 4, memes: 3, carryFrom });
    assert.deepEqual([last.open.operatorKey, last.open.auditorKey], [now.operatorKey, now.auditorKey]);
    assert.deepEqual([second.open.operatorKey, second.open.auditorKey], [old.operatorKey, old.auditorKey]);

    await settle(second, last);
    const spentBy = await world.net.port.spentBy(carry.txid, carry.vout);
    const view = await world.payment.settlementOf(third);
    assert.ok(spentBy !== undefined && view?.txids.includes(spentBy));
    for (const round of [second, last])
      for (const { playKey, sats } of amountsDue(computeOutcome(round.state))) {
        const paid = (await world.payment.settlementOf(round.open.roundId))?.payouts ?? [];
        assert.equal(paid.find((payout) => payout.playKey === playKey)?.sats, sats);
        const { txid = "" } = paid.find((payout) => payout.playKey === playKey) ?? {};
        assert.equal((await world.net.port.status(txid)).state, "mined");
      }

    // And on from there: the next carry has the new keys.
    const fourth = await world.payment.claimCarry("main", world.round(4).open.roundId);
    const next = await world.play({ slot: 4, players: 3, memes: 2, carryFrom: fourth });
    assert.ok(fourth.some(({ roundId }) => roundId === third));
    await settle(next);
    assert.equal((await world.payment.settlementOf(next.open.roundId))?.refusal, undefined);
  });

  it("M7, R9: receipts of a round that lives on over a rotation keep the key its first record names", async () => {
    const round = world.round(9);
    await rotate("operator", ["receipt"]);
    await restart();
    const bytes = new TextEncoder().encode("MRA1");
    assert.notEqual(world.payment.keys().receiptKey, round.open.receiptKey);
    assert.ok(
      verifyEd25519(bytes, world.payment.signReceipt(bytes, round.open.receiptKey), round.open.receiptKey),
    );
  });
});
