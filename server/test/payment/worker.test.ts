/** M3, M4: the settlement worker on its queue: once whatever is enqueued, and patient with a dispute. */
import { strict as assert } from "node:assert";
import { createServer } from "node:http";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import { amountsDue } from "@meme-rounds/shared-schema/settlement";
import { register } from "prom-client";
import { createRedis } from "../../src/infra/redis.ts";
import { createSettlementWorker, SETTLED_CHANNEL } from "../../src/payment/index.ts";
import { readJournal } from "../../src/round/journal-store.ts";
import { until } from "../support/wait.ts";
import { assertPaid, lookAfter } from "./settlement-kit.ts";
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

  const startWorker = async (auditorUrl: string, now: () => number) => {
    const queueRedis = createRedis(world.testRedis.url);
    const { folder, redis, logger, net } = world;
    const worker = await createSettlementWorker(
      { network: "devchain", keystore: keystoreOptions(folder), auditorUrl, sweepMs: 3_600_000 },
      { redis, queueRedis, chain: net.port, readJournal: (id) => readJournal(redis, id), logger, now },
    );
    const stop = async (): Promise<void> => {
      await worker.stop();
      await queueRedis.quit();
    };
    return { ...worker, stop };
  };
  const metric = async (name: string): Promise<number | undefined> =>
    (await register.getSingleMetric(name)?.get())?.values[0]?.value;

  it("M3, M4 with the auditor away a round waits and is tried again, with alarms well before the deadline", async () => {
    let isUp = false;
    const face = createServer((request, response) => {
      if (!isUp) return void request.destroy();
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", async () => {
        const { method = "GET", url = "/" } = request;
        const body = method === "POST" ? { body: Buffer.concat(chunks) } : {};
        const headers = { "content-type": "application/json" };
        const answer = await fetch(new URL(url, world.auditor.url), { method, headers, ...body });
        response.writeHead(answer.status).end(await answer.text());
      });
    });
    await new Promise<void>((resolve) => face.listen(0, "127.0.0.1", resolve));
    const at = face.address();
    assert.ok(typeof at === "object" && at !== null);
    const round = await world.play({ slot: 70, players: 3, memes: 2 });
    const { roundId, closesAt } = round.open;
    let now = closesAt;
    await world.store.open(roundId);
    const worker = await startWorker(`http://127.0.0.1:${at.port}`, () => now);
    try {
      const alarms = async () => [
        await metric("mr_auditor_up"),
        await metric("mr_settlement_oldest_seconds"),
        await metric("mr_settlement_deadline_near"),
      ];
      now += 60_000;
      await worker.sweep();
      assert.deepEqual(await alarms(), [0, 60, 0]);
      assert.match((await world.payment.settlementOf(roundId))?.refusal ?? "", /^UNAVAILABLE: /);
      now = closesAt + 6 * 3_600_000 + 1_000;
      await worker.sweep();
      assert.deepEqual(await alarms(), [0, 21_601, 1]);
      isUp = true;
      now += 10_000;
      await worker.sweep();
      await until(
        async () => {
          now += 10_000;
          await worker.sweep();
          return (await world.payment.settlementOf(roundId))?.state === "sent";
        },
        { deadlineMs: 10_000, what: "the settlement" },
      );
      assert.deepEqual(await alarms(), [1, 0, 0]);
      assert.equal((await world.payment.settlementOf(roundId))?.refusal, undefined);
    } finally {
      await worker.stop();
      face.closeAllConnections();
      face.close();
    }
    await world.mine();
    await lookAfter(world, roundId);
    await assertPaid(world, round);
  });

  it("M4 a dispute is counted until it is resolved", async () => {
    const round = await world.play({ slot: 71, players: 3, memes: 2 });
    const { roundId, closesAt } = round.open;
    await world.store.open(roundId);
    await world.net.call(`/dev/evict?txid=${round.seats[0]?.txid}&trace=unknown`, { method: "POST" });
    let now = closesAt;
    const worker = await startWorker(world.auditor.url, () => now);
    try {
      await worker.sweep();
      assert.match((await world.payment.settlementOf(roundId))?.refusal ?? "", /^DEPOSIT_NOT_ON_CHAIN: /);
      assert.equal(await metric("mr_settlement_disputed"), 1);
      await until(
        async () => {
          now += 600_000;
          await worker.sweep();
          return (await world.payment.settlementOf(roundId))?.state === "sent";
        },
        { deadlineMs: 10_000, what: "the settlement" },
      );
      assert.equal(await metric("mr_settlement_disputed"), 0);
    } finally {
      await worker.stop();
    }
  });

  it("M3 two workers, every round enqueued twice: each is paid once", async () => {
    const rounds = [
      await world.play({ slot: 80, players: 3, memes: 2 }),
      await world.play({ slot: 81, players: 4, memes: 0 }),
      await world.play({ slot: 82, players: 4, memes: 3 }),
    ];
    let now = world.now;
    const workers = await Promise.all([1, 2].map(() => startWorker(world.auditor.url, () => now)));
    try {
      const enqueue = () =>
        Promise.all(rounds.map(({ open }) => world.payment.enqueueSettlement(open.roundId)));
      await Promise.all([enqueue(), enqueue(), ...workers.map((worker) => worker.sweep())]);
      await until(
        async () => {
          now += 10_000;
          await world.mine();
          await Promise.all(workers.map((worker) => worker.sweep()));
          const views = await Promise.all(rounds.map(({ open }) => world.payment.settlementOf(open.roundId)));
          return views.every((view) => view?.state === "mined");
        },
        { deadlineMs: 20_000, what: "all in blocks" },
      );
    } finally {
      await Promise.all(workers.map((worker) => worker.stop()));
    }
    for (const round of rounds) await assertPaid(world, round, [], round.open.roundId);
  });
});
