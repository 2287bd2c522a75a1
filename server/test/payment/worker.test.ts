/** M3, M4: the settlement worker on its queue: once whatever is enqueued, and patient with a dispute. */
import { strict as assert } from "node:assert";
import { createServer } from "node:http";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import { amountsDue } from "@meme-rounds/shared-schema/settlement";
import { createRedis } from "../../src/infra/redis.ts";
import { createSettlementWorker, SETTLED_CHANNEL } from "../../src/payment/index.ts";
import { readJournal } from "../../src/round/journal-store.ts";
import { until } from "../support/wait.ts";
import { keystoreOptions, World } from "./world.ts";

describe("settlement worker", function () {
  this.timeout(60_000);
  let world: World;
  before(async () => {
    world = await World.start();
    await world.fill();
  });
  after(() => world.stop());

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
