/** A connection to Redis: what is asked in one turn leaves in one write, in order. */
import assert from "node:assert/strict";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

describe("redis connection", () => {
  let server: TestRedis;
  let redis: Redis;
  before(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
    await redis.ping();
  });
  after(async () => {
    redis.disconnect();
    await server.close();
  });

  it("asks all of one turn at once, and is answered in order", async () => {
    const before = redis.stream.writableCorked;
    const asked = Array.from({ length: 100 }, () => redis.incr("n"));
    assert.deepEqual([before, redis.stream.writableCorked], [0, 1]);
    assert.deepEqual(
      await Promise.all(asked),
      asked.map((_, at) => at + 1),
    );
    assert.equal(redis.stream.writableCorked, 0);
  });

  it("keeps commands, transactions and scripts in the order they were asked for", async () => {
    const set = redis.set("a", "1");
    const both = redis.multi().append("a", "2").get("a").exec();
    const last = redis.eval("return redis.call('APPEND', KEYS[1], '3')", 1, "a");
    await Promise.all([set, both, last]);
    assert.equal(await redis.get("a"), "123");
    assert.deepEqual(await both, [
      [null, 2],
      [null, "12"],
    ]);
  });

  it("works the same after Redis was away", async () => {
    redis.on("error", () => undefined);
    await server.restart();
    assert.deepEqual(await Promise.all([redis.set("b", "1"), redis.get("b")]), ["OK", "1"]);
    const asked = redis.get("b");
    assert.equal(redis.stream.writableCorked, 1);
    assert.equal(await asked, "1");
  });
});
