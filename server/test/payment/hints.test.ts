/** M5, callbacks: a hint makes the worker ask at once; a forged one changes nothing, a lost one only takes longer. */
import { strict as assert } from "node:assert";
import { createRedis } from "../../src/infra/redis.ts";
import { createSettlementWorker, type SettlementWorker } from "../../src/payment/index.ts";
import { readJournal } from "../../src/round/journal-store.ts";
import { until } from "../support/wait.ts";
import { keystoreOptions, World } from "./world.ts";

describe("hints of the network", function () {
  this.timeout(60_000);
  let world: World;
  let worker: SettlementWorker;
  let queueRedis: ReturnType<typeof createRedis>;
  before(async () => {
    world = await World.start();
    await world.fill();
    queueRedis = createRedis(world.testRedis.url);
    worker = await createSettlementWorker(
      {
        network: "devchain",
        keystore: keystoreOptions(world.folder),
        auditorUrl: world.auditor.url,
        // By itself it would look again in an hour.
        sweepMs: 3_600_000,
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
  });
  after(async () => {
    await worker.stop();
    await queueRedis.quit();
    await world.stop();
  });

  it("M5 a settlement is known to be mined as soon as a callback hints at it, and not because of a forged one", async () => {
    const { roundId } = (await world.play({ slot: 60, players: 3, memes: 2 })).open;
    const state = async () => (await world.payment.settlementOf(roundId))?.state;
    await world.payment.enqueueSettlement(roundId);
    await until(async () => (await state()) === "sent", { deadlineMs: 10_000, what: "the settlement" });
    await worker.sweep(); // from here on it follows the round's transactions
    const txid = (await world.payment.settlementOf(roundId))?.txids[0] ?? "";
    world.payment.onHint("ab".repeat(32));
    world.payment.onHint(txid);
    await until(async () => (await world.redis.pubsub("NUMSUB", "mr:chain:hint"))[1] === 1, {
      what: "somebody who listens",
    });
    assert.equal(await state(), "sent", "nothing has changed on the chain");
    await world.mine();
    world.payment.onHint(txid);
    await until(async () => (await state()) === "mined", { deadlineMs: 10_000, what: "mined" });
    world.payment.onHint(txid);
    world.payment.onHint(txid);
    assert.equal(await state(), "mined");
  });
});
