/** That every winner comes to an end that somebody sees, and that operators see what waits (C3). */
import assert from "node:assert/strict";
import { UnrecoverableError } from "bullmq";
import { createDepth } from "../../src/content/pipeline/depth.ts";
import { counter, gauge } from "../../src/infra/metrics.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { until } from "../support/wait.ts";
import { aMeme, type Pipeline, pipelineOn, silent } from "./pipeline-kit.ts";

describe("3D pipeline: how winners end", function () {
  this.timeout(60_000);
  let server: TestRedis;
  let line: Pipeline;

  beforeEach(async () => {
    server = await startRedis({ durable: true });
    line = pipelineOn(server.url);
  });
  afterEach(async () => {
    await line.stop();
    await server.close();
  });

  async function enqueue(roundId: string): Promise<string> {
    const memeId = await aMeme(line.media);
    await line.winners.enqueue(roundId, [{ memeId, title: "A meme" }]);
    return memeId;
  }

  it("C3: a model that cannot be published waits for a moderator, who publishes it later", async () => {
    line.publishWith(async () => {
      throw new UnrecoverableError("the chain's queue is broken");
    });
    const memeId = await enqueue("r.1");
    line.startContent();
    line.startSculptor();
    assert.deepEqual(await line.settled("r.1"), { [memeId]: "review" });
    const [first] = (await line.review.list()).items;
    assert.ok(first?.item.kind === "model" && first.item.reason.includes("the chain's queue is broken"));
    assert.deepEqual(await line.gallery.modelsOf("r.1"), []);
    line.publishWith(async () => {});
    await line.publisher.decide("r.1", memeId, "approve");
    assert.equal(line.published.length, 1);
    assert.equal((await line.gallery.modelsOf("r.1")).length, 1);
  });

  it("C3, C6: giving up takes nothing back that is public, and brings nothing back that was taken down", async () => {
    const memeId = await enqueue("r.1");
    line.startContent();
    line.startSculptor();
    await line.settled("r.1", ["done"]);
    const winner = { roundId: "r.1", memeId, title: "A meme", mode: "auto" } as const;
    await line.publisher.abandon(winner, "stalled", undefined);
    assert.equal((await line.winners.statesOf("r.1"))[memeId], "done");
    await line.media.take(memeId, "test");
    await line.publisher.abandon({ ...winner, roundId: "r.2" }, "stalled", undefined);
    assert.deepEqual((await line.review.list()).items, []);
  });

  it("C3: metrics say what waits in each queue, how long, and why jobs failed", async () => {
    let now = Date.now();
    const depth = createDepth({ redis: line.redis, logger: silent, now: () => now });
    const countOf = async (labels: Record<string, string>): Promise<number | undefined> => {
      const { values } = await gauge("mr_pipeline_jobs", "", ["queue", "state"]).get();
      return values.find((one) =>
        Object.entries(labels).every(([key, value]) => one.labels[key as never] === value),
      )?.value;
    };
    const ageOf = async (queue: string): Promise<number> => {
      const { values } = await gauge("mr_pipeline_oldest_seconds", "", ["queue"]).get();
      return values.find((one) => one.labels.queue === queue)?.value ?? Number.NaN;
    };
    const failed = async (): Promise<number> => {
      const { values } = await counter("mr_pipeline_failures_total", "", ["queue", "reason"]).get();
      return values
        .filter(({ labels }) => labels.queue === "publish" && labels.reason === "hopeless")
        .reduce((sum, { value }) => sum + value, 0);
    };
    await enqueue("r.1");
    await enqueue("r.1b");
    now = Date.now() + 90_000;
    await depth.measure();
    assert.equal(await countOf({ queue: "look", state: "waiting" }), 2);
    assert.equal(await countOf({ queue: "sculpt", state: "waiting-children" }), 2);
    const age = await ageOf("look");
    assert.ok(age >= 90 && age < 120, `${age} s`);
    assert.equal(await ageOf("sculpt"), 0);

    const before = await failed();
    line.publishWith(async () => {
      throw new UnrecoverableError("no");
    });
    line.startContent();
    line.startSculptor();
    await line.settled("r.1", ["review"]);
    await until(async () => (await failed()) - before === 2, { what: "two failures counted" });
    await depth.measure();
    assert.equal(await ageOf("look"), 0);
    await depth.stop();
  });
});
