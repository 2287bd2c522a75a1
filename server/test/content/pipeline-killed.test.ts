/** The pipeline when processes are killed with a job in hand (C3). */
import assert from "node:assert/strict";
import { startProcess, type TestProcess } from "../support/processes.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { until } from "../support/wait.ts";
import { aMeme, type Pipeline, pipelineOn } from "./pipeline-kit.ts";

describe("3D pipeline under kill -9", function () {
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

  const aWorker = (): Promise<TestProcess> =>
    startProcess({
      name: "model worker",
      args: ["server/test/content/killed-worker.ts"],
      env: { REDIS_URL: server.url },
      ready: { line: /started/ },
    });

  /** A worker takes the only job and is killed with it. */
  async function killWithJob(): Promise<void> {
    const worker = await aWorker();
    await until(() => worker.output().includes("holding"), { what: "a job in the worker's hands" });
    await worker.kill();
  }

  it("C3: a job whose worker was killed is done by another one, published once", async () => {
    const memeId = await aMeme(line.media);
    await line.winners.enqueue("r.1", [{ memeId, title: "A meme" }]);
    line.startContent();
    await killWithJob();
    line.startSculptor();
    assert.deepEqual(await line.settled("r.1", ["done"]), { [memeId]: "done" });
    assert.equal(line.published.length, 1);
  });

  it("C3: a job that kills its worker twice is given up: the moderators get it, the others go on", async () => {
    const memeId = await aMeme(line.media);
    await line.winners.enqueue("r.1", [{ memeId, title: "Poison" }]);
    line.startContent();
    await killWithJob();
    await killWithJob();
    const other = await aMeme(line.media);
    await line.winners.enqueue("r.2", [{ memeId: other, title: "Wholesome" }]);
    line.startSculptor();
    assert.deepEqual(await line.settled("r.1"), { [memeId]: "review" });
    assert.deepEqual(await line.settled("r.2"), { [other]: "done" });
    const [first] = (await line.review.list()).items;
    assert.ok(first?.item.kind === "model" && /stalled/.test(first.item.reason), JSON.stringify(first));
    assert.equal(line.sculpted.length, 1, "only the wholesome one");
  });
});
