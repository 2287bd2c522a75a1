/** O8: what an autoscaler sees of a process, without one. */
import assert from "node:assert/strict";
import { Queue } from "bullmq";
import { createLogger } from "../../src/infra/logger.ts";
import { gauge } from "../../src/infra/metrics.ts";
import { createQueueAge } from "../../src/infra/queue-age.ts";
import type { Redis } from "../../src/infra/redis.ts";
import {
  createScaleSignals,
  FULL_LAG_SECONDS,
  FULL_UNSENT_BYTES,
  RollingLag,
  saturation,
} from "../../src/infra/scale-signals.ts";
import { connected } from "../support/redis.ts";

const idle = { lagSeconds: 0, unsentBytes: 0 };

async function read(name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
  const { values } = await gauge(name, "", Object.keys(labels)).get();
  return values.find((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    ?.value;
}

describe("scale signals", () => {
  it("O8: a process is as full as the fullest of its seats, its loop and its send queues", () => {
    assert.equal(saturation(idle), 0);
    assert.equal(saturation({ ...idle, seats: { taken: 5_000, free: 15_000 } }), 0.25);
    const lagging = { ...idle, lagSeconds: FULL_LAG_SECONDS / 2 };
    assert.equal(saturation({ ...lagging, seats: { taken: 5_000, free: 15_000 } }), 0.5);
    assert.equal(saturation({ ...lagging, unsentBytes: FULL_UNSENT_BYTES * 0.75 }), 0.75);
  });

  it("O8: saturation stays within 0 and 1, also where nobody can sit and no lag is known yet", () => {
    assert.equal(saturation({ ...idle, seats: { taken: 0, free: 0 } }), 0);
    assert.equal(saturation({ ...idle, lagSeconds: Number.NaN }), 0);
    assert.equal(saturation({ ...idle, lagSeconds: 60 }), 1);
    assert.equal(saturation({ ...idle, lagSeconds: -1 }), 0);
  });

  it("O8: lag is the worse of this window and the one before, and is forgotten after that", () => {
    let ms = 210;
    const lag = new RollingLag({ percentile: () => ms * 1e6, reset: () => (ms = 10) });
    const seen = Array.from({ length: 31 }, () => lag.measure());
    assert.deepEqual(new Set(seen.slice(0, 30).map((one) => one.toFixed(3))), new Set(["0.200"]));
    assert.equal(seen[30], 0);
  });

  it("O8, R11: the gauges follow what the process counts, and say when it is on its way out", async () => {
    const life = { isDraining: false };
    const seats = { taken: 1, free: 9 };
    const delays = { percentile: () => 0, reset: () => undefined };
    const signals = createScaleSignals(
      { seats: () => seats, players: () => 7, unsentBytes: () => 1_024 },
      { life, delays },
    );
    try {
      assert.equal(await read("mr_seats_free"), 9);
      assert.equal(await read("mr_players"), 7);
      assert.equal(await read("mr_unsent_bytes"), 1_024);
      assert.equal(await read("mr_draining"), 0);
      Object.assign(seats, { taken: 8, free: 2 });
      life.isDraining = true;
      signals.measure();
      assert.equal(await read("mr_seats_taken"), 8);
      assert.equal(await read("mr_saturation"), 0.8);
      assert.equal(await read("mr_draining"), 1);
    } finally {
      signals.stop();
    }
  });

  describe("queues", () => {
    let redis: Redis;
    connected((one) => {
      redis = one;
    });

    it("O8: the age of a queue is that of the oldest job nobody has taken up; a later try is no age", async () => {
      const watched = { name: "bench", prefix: "mr:bull" };
      const queue = new Queue(watched.name, { connection: redis, prefix: watched.prefix });
      const age = createQueueAge([watched], {
        redis,
        logger: createLogger("test", "silent"),
        now: () => 100_000,
      });
      const oldest = () => read("mr_queue_oldest_seconds", { queue: "bench" });
      try {
        await queue.add("later", {}, { timestamp: 1_000, delay: 3_600_000 });
        await age.measure();
        assert.equal(await oldest(), 0);
        await queue.add("old", {}, { timestamp: 40_000 });
        await queue.add("new", {}, { timestamp: 90_000 });
        await queue.add("small", {}, { timestamp: 70_000, priority: 5 });
        await age.measure();
        assert.equal(await oldest(), 60);
        const jobs = gauge("mr_queue_jobs", "", ["queue", "state"]);
        const states = (await jobs.get()).values.map(({ labels, value }) => [labels.state, value]);
        assert.deepEqual(Object.fromEntries(states), { waiting: 2, prioritized: 1, active: 0, delayed: 1 });
      } finally {
        await age.stop();
        await queue.close();
      }
    });
  });
});
