/** Seats: least loaded relay, dead relays forgotten, counts over all relays. */
import assert from "node:assert/strict";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { Redis } from "ioredis";
import { createSeats } from "../../src/audience/seats.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

describe("audience seats", () => {
  let server: TestRedis;
  let redis: Redis;
  before(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
  });
  beforeEach(() => redis.flushall());
  after(async () => {
    redis.disconnect();
    await server.close();
  });

  it("gives seats on the least loaded relay that reported lately, and counts their spectators", async () => {
    const clock = { now: 1_000_000 };
    const relay = (relayId: string) =>
      createSeats(
        { relayId, publicAddress: `${relayId}.example`, carries: true },
        { redis, now: () => clock.now },
      );
    const [full, free, dead] = [relay("full"), relay("free"), relay("dead")];
    const api = createSeats({ relayId: "api", carries: false }, { redis, now: () => clock.now });
    await redis.set("mr:live:main", JSON.stringify({ roundId: "main-1", roomId: "r" }));
    await assert.rejects(
      api.take("main"),
      (error) => error instanceof CodedError && error.code === "UNAVAILABLE",
    );
    await dead.report(new Map([["main-1", 1]]));
    clock.now += 11_000;
    await full.report(new Map([["main-1", 100]]));
    await free.report(
      new Map([
        ["main-1", 90],
        ["main-2", 7],
      ]),
    );
    assert.equal(await api.spectators("main-1"), 190);
    assert.equal(await api.spectators("main-2"), 7);
    const given: Record<string, number> = {};
    for (let seat = 0; seat < 13; seat++) {
      const { publicAddress, roomId, processId, name, sessionId } = await api.take("main");
      assert.deepEqual([name, roomId, processId, sessionId.length], ["round", "main-1", "spectate", 36]);
      given[publicAddress ?? "none"] = (given[publicAddress ?? "none"] ?? 0) + 1;
    }
    // 97 against 100: three to even out, the other ten by halves.
    assert.deepEqual(given, { "free.example": 8, "full.example": 5 });
    assert.deepEqual((await api.named()).toSorted(), ["free.example", "full.example"]);
    await full.report(new Map([["main-1", 5_200]]));
    clock.now += 1_000;
    assert.deepEqual(
      await api.named(),
      ["free.example"],
      "newcomers are not sent to who has far more than others",
    );
    await free.report(new Map([["main-2", 0]]));
    await full.withdraw(["main-1"]);
    clock.now += 1_000;
    assert.equal((await api.take("main")).publicAddress, "free.example");
    assert.equal(await api.spectators("main-2"), 0);
    const reads = async (): Promise<number> =>
      Number(/cmdstat_hgetall:calls=(\d+)/.exec(await redis.info("commandstats"))?.[1]);
    clock.now += 1_000;
    const before = await reads();
    await Promise.all(Array.from({ length: 100 }, () => api.take("main")));
    assert.equal((await reads()) - before, 1, "a rush asks Redis once");
    await assert.rejects(
      api.take("other"),
      (error) => error instanceof CodedError && error.code === "ROUND_NONE",
    );
  });

  it("R11: a relay on its way out gives seats on another, its own only where there is none, and is still counted", async () => {
    const clock = { now: 1_000_000 };
    const relay = (relayId: string) =>
      createSeats(
        { relayId, publicAddress: `${relayId}.example`, carries: true },
        { redis, now: () => clock.now },
      );
    const [leaving, staying] = [relay("leaving"), relay("staying")];
    await redis.set("mr:live:main", JSON.stringify({ roundId: "main-1", roomId: "r" }));
    await leaving.report(new Map([["main-1", 3]]));
    await leaving.withdraw([]);
    await leaving.report(new Map([["main-1", 3]]));
    assert.equal((await leaving.take("main")).publicAddress, "leaving.example");
    await staying.report(new Map([["main-1", 500]]));
    clock.now += 1_000;
    for (const giver of [leaving, staying])
      assert.equal((await giver.take("main")).publicAddress, "staying.example");
    assert.equal(await staying.spectators("main-1"), 503);
  });
});
