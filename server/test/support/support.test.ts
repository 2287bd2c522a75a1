/** The test support itself: a Redis that survives a crash, waiting that gives up, randomness that repeats. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { freePort } from "./ports.ts";
import { startProcess } from "./processes.ts";
import { createRandom } from "./random.ts";
import { startRedis } from "./redis.ts";
import { until } from "./wait.ts";

/** One inline command to Redis, its whole answer as text. */
function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.write(`${command}\r\n`));
    socket.once("error", reject);
    socket.once("data", (chunk: Buffer) => {
      socket.destroy();
      resolve(chunk.toString().trim());
    });
  });
}

describe("test support", () => {
  it("R4 a durable Redis keeps an acknowledged write through kill and restart", async () => {
    const redis = await startRedis({ durable: true });
    try {
      assert.equal(await ask(redis.port, "SET mr:kept yes"), "+OK");
      await redis.kill();
      await assert.rejects(ask(redis.port, "PING"), { code: "ECONNREFUSED" });
      await redis.restart();
      assert.match(await ask(redis.port, "GET mr:kept"), /yes$/);
    } finally {
      await redis.close();
    }
  });

  it("two Redis at once do not see each other", async () => {
    const [left, right] = await Promise.all([startRedis(), startRedis()]);
    try {
      await ask(left.port, "SET mr:side left");
      assert.equal(await ask(right.port, "EXISTS mr:side"), ":0");
    } finally {
      await Promise.all([left.close(), right.close()]);
    }
  });

  it("until gives the value, and names what did not come", async () => {
    let looks = 0;
    assert.equal(await until(() => (++looks === 3 ? "third" : undefined), { everyMs: 1 }), "third");
    const cause = new Error("still closed");
    await assert.rejects(
      until(() => Promise.reject(cause), { deadlineMs: 5, everyMs: 1, what: "the door" }),
      (error: Error) => error.message.startsWith("the door did not come") && error.cause === cause,
    );
  });

  it("the same seed gives the same numbers", () => {
    const [left, right] = [createRandom(7), createRandom(7)];
    const draw = (random: typeof left) => [random.next(), random.int(3, 9), random.shuffle([1, 2, 3, 4, 5])];
    assert.deepEqual(draw(left), draw(right));
    assert.notDeepEqual(draw(createRandom(8)), draw(createRandom(7)));
    const spread = Array.from({ length: 1_000 }, () => left.int(0, 3));
    assert.deepEqual([...new Set(spread)].sort(), [0, 1, 2, 3]);
  });

  it("a process is ready when it says so, and its output and end are told", async () => {
    const script =
      "process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000); console.log('open')";
    const running = await startProcess({ name: "talker", args: ["-e", script], ready: { line: /open/ } });
    assert.deepEqual(await running.stop(), { code: 7, signal: null });
    assert.equal(running.output(), "open\n");
  });

  it("a process that ends before it is ready fails with its own words", async () => {
    const url = `http://127.0.0.1:${await freePort()}/healthz`;
    const args = ["-e", "console.error('no key'); process.exit(1)"];
    await assert.rejects(startProcess({ name: "weak", args, ready: { url } }), /weak did not start.*no key/s);
  });
});
