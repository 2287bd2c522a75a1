/** deploy/alerts.yml against the code and the handbook: an alarm on a metric that nobody counts never goes off. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createChain } from "../../src/chain/index.ts";
import { Breaker } from "../../src/content/aitubo/breaker.ts";
import { startHostClock } from "../../src/infra/cluster-clock.ts";
import { measureProcess, metricNames } from "../../src/infra/metrics.ts";
import { createQueueAge } from "../../src/infra/queue-age.ts";
import { createRedis } from "../../src/infra/redis.ts";
import { createScaleSignals } from "../../src/infra/scale-signals.ts";
import { createSettlementWorker, SETTLEMENT_QUEUE } from "../../src/payment/index.ts";
import { pipelineOn } from "../content/pipeline-kit.ts";
import { keystoreOptions, World } from "../payment/world.ts";

const root = join(import.meta.dirname, "../../..");

interface Alarm {
  name: string;
  text: string;
}

/** The file is written in one style, one key a line: that is all this reads. */
async function alarms(): Promise<Alarm[]> {
  const text = await readFile(join(root, "deploy/alerts.yml"), "utf8");
  return text
    .split(/^ {6}- alert: /m)
    .slice(1)
    .map((part) => ({ name: part.slice(0, part.indexOf("\n")), text: part }));
}

describe("alarms", () => {
  it("O8: each has a condition, a severity and a summary, under a name of its own", async () => {
    const all = await alarms();
    assert.ok(all.length >= 10);
    assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
    for (const { name, text } of all) {
      assert.match(text, /^ {8}expr: \S/m, name);
      assert.match(text, /^ {10}severity: (?:page|ticket)$/m, name);
      assert.match(text, /^ {10}summary: ".+\."$/m, name);
    }
  });

  it("O8: each has its section in docs/OPERATIONS.md, with the same severity, and no section is left over", async () => {
    const handbook = await readFile(join(root, "docs/OPERATIONS.md"), "utf8");
    const part = handbook.slice(handbook.indexOf("\n## 6. "), handbook.indexOf("\n## 7. "));
    const sections = part
      .split("\n### ")
      .slice(1)
      .map((text) => text.split(/\n|\. /, 2).join(" "));
    const expected = (await alarms()).map(({ name, text }) => `${name} ${/severity: (\w+)/.exec(text)?.[1]}`);
    assert.deepEqual(sections.sort(), expected.sort());
  });

  it("M4, M5, M7, M8, C3: every metric that an alarm names is made by the running workers", async () => {
    const world = await World.start();
    const queueRedis = createRedis(world.testRedis.url);
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
        readJournal: async () => [],
        logger: world.logger,
        now: Date.now,
      },
    );
    const pipeline = pipelineOn(world.testRedis.url);
    pipeline.startContent();
    pipeline.startSculptor();
    const none = () => ({ taken: 0, free: 0 });
    const signals = createScaleSignals({ seats: none }, { life: { isDraining: false } });
    const queues = createQueueAge([SETTLEMENT_QUEUE], {
      redis: world.redis,
      logger: world.logger,
      now: Date.now,
    });
    try {
      await new Breaker({}, { redis: world.redis, logger: world.logger, now: Date.now }).state();
      measureProcess();
      (await startHostClock(world)).stop();
      createChain({ network: "devchain", arcUrl: world.net.url, wocUrl: world.net.url, timeoutMs: 1_000 });
      const made = new Set(metricNames());
      const named = (await alarms()).flatMap(
        ({ text }) => /expr: (.*)/.exec(text)?.[1]?.match(/\b(?:mr|nodejs|process)_\w+/g) ?? [],
      );
      assert.ok(named.length >= 10);
      assert.deepEqual(
        named.filter((name) => !made.has(name)),
        [],
      );
    } finally {
      signals.stop();
      await queues.stop();
      await pipeline.stop();
      await worker.stop();
      queueRedis.disconnect();
      await world.stop();
    }
  });
});
