/** From a round's winners to published models (C3-C5): the flow of jobs, and everything that can go wrong on the way. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Unsculptable } from "../../src/content/pipeline/sculptor.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { until } from "../support/wait.ts";
import { aMeme, anyModel, type Pipeline, pipelineOn } from "./pipeline-kit.ts";

describe("3D pipeline", function () {
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

  const winnersOf = async (count: number): Promise<{ memeId: string; title: string }[]> =>
    Promise.all(
      Array.from({ length: count }, async (_, k) => ({
        memeId: await aMeme(line.media),
        title: `Meme ${k}`,
      })),
    );

  it("C3: every winner waits, is sculpted and published; the gallery has it", async () => {
    const winners = await winnersOf(3);
    await line.winners.enqueue("r.1", winners);
    assert.deepEqual(Object.values(await line.winners.statesOf("r.1")), ["waiting", "waiting", "waiting"]);
    line.startContent();
    line.startSculptor();
    await line.settled("r.1", ["done"]);
    const ids = winners.map(({ memeId }) => memeId).sort();
    assert.deepEqual(line.published.map(({ memeId }) => memeId).sort(), ids);
    assert.deepEqual((await line.gallery.modelsOf("r.1")).map(({ memeId }) => memeId).sort(), ids);
    for (const model of line.published)
      for (const sha256 of [model.glb, model.poster, model.turntable])
        assert.equal(await line.redis.hget(`mr:media:${sha256}`, "state"), "kept");
  });

  it("C3: models become public one by one, not when the last is done", async () => {
    let open: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const winners = await winnersOf(2);
    line.sculptWith(async () => {
      if (line.sculpted.length === 2) await gate;
      return anyModel();
    });
    await line.winners.enqueue("r.1", winners);
    line.startContent();
    line.startSculptor();
    const statesOf = async () => Object.values(await line.winners.statesOf("r.1")).sort();
    try {
      await until(async () => (await statesOf()).join() === "done,sculpting", { what: "the first model" });
      assert.equal(line.published.length, 1);
    } finally {
      open?.();
    }
    await line.settled("r.1", ["done"]);
  });

  it("C3: enqueued as often as anybody likes, also after the end, it is made and published once", async () => {
    const winners = await winnersOf(2);
    await line.winners.enqueue("r.1", winners);
    await Promise.all([line.winners.enqueue("r.1", winners), line.winners.enqueue("r.1", winners)]);
    line.startContent();
    line.startSculptor();
    await line.settled("r.1", ["done"]);
    await line.winners.enqueue("r.1", winners);
    await line.winners.enqueue("r.2", winners);
    await line.settled("r.2", ["done"]);
    assert.equal(line.sculpted.length, 4, "twice each: a meme may win in two rounds");
    assert.equal(line.published.length, 4);
    assert.deepEqual(Object.values(await line.winners.statesOf("r.1")), ["done", "done"]);
  });

  it("C3: the round is published with what succeeded; the rest is a moderator's matter", async () => {
    const winners = await winnersOf(2);
    const gone = { memeId: randomBytes(32).toString("hex"), title: "Nowhere" };
    await line.winners.enqueue("r.1", [...winners, gone]);
    line.startContent();
    line.startSculptor();
    const states = await line.settled("r.1");
    assert.equal(states[gone.memeId], "review");
    assert.equal(line.published.length, 2);
    const { items } = await line.review.list();
    assert.deepEqual(
      items.map(({ item }) => item),
      [{ kind: "model", roundId: "r.1", memeId: gone.memeId, reason: "the meme's bytes are gone" }],
    );
  });

  it("C3: an error that passes is tried again; one that the picture causes is not", async () => {
    const [good, bad] = await winnersOf(2);
    assert.ok(good && bad);
    const badBytes = (await line.media.get(bad.memeId))?.bytes;
    let failures = 0;
    line.sculptWith(async ({ source }) => {
      if (badBytes?.equals(source)) throw new Unsculptable("not a picture");
      if (failures++ === 0) throw new Error("the sculptor ended with SIGKILL");
      return anyModel();
    });
    await line.winners.enqueue("r.1", [good, bad]);
    line.startContent();
    line.startSculptor();
    const states = await line.settled("r.1");
    assert.equal(states[good.memeId], "done");
    assert.equal(states[bad.memeId], "review");
    assert.equal(line.sculpted.length, 3);
  });

  describe("C5: a model that did not pass verification", () => {
    beforeEach(async () => {
      line.sculptWith(async () => anyModel(false));
      await line.winners.enqueue("r.1", await winnersOf(1));
      line.startContent();
      line.startSculptor();
      await line.settled("r.1", ["review"]);
    });

    it("is not public, and waits for a moderator with the reason", async () => {
      assert.equal(line.published.length, 0);
      assert.deepEqual(await line.gallery.modelsOf("r.1"), []);
      const [first] = (await line.review.list()).items;
      assert.ok(first?.item.kind === "model" && first.item.reason.includes("flat"));
    });

    it("is published when the moderator approves, once", async () => {
      const [memeId = ""] = Object.keys(await line.winners.statesOf("r.1"));
      await line.publisher.decide("r.1", memeId, "approve");
      await line.publisher.decide("r.1", memeId, "approve");
      assert.equal(line.published.length, 1);
      assert.equal((await line.winners.statesOf("r.1"))[memeId], "done");
      assert.equal((await line.gallery.modelsOf("r.1")).length, 1);
    });

    it("stays away when the moderator rejects", async () => {
      const [memeId = ""] = Object.keys(await line.winners.statesOf("r.1"));
      await line.publisher.decide("r.1", memeId, "reject");
      await line.publisher.decide("r.1", memeId, "approve");
      assert.equal(line.published.length, 0);
    });
  });

  it("C5: a poster that the classifier does not approve, or cannot judge, is not shown", async () => {
    const verdicts: (() => Promise<"rejected" | "approved">)[] = [
      async () => "rejected",
      async () => {
        throw new Error("the classifier died");
      },
    ];
    line.judgeWith(async () => (await verdicts.pop()?.()) ?? "approved");
    await line.winners.enqueue("r.1", await winnersOf(3));
    line.startContent();
    line.startSculptor();
    const states = Object.values(await line.settled("r.1")).sort();
    assert.deepEqual(states, ["done", "review", "review"]);
    assert.equal(line.published.length, 1);
  });

  it("C6: a winner whose bytes have left Redis is made from what the chain has", async () => {
    const [winner] = await winnersOf(1);
    assert.ok(winner);
    const stored = await line.media.get(winner.memeId);
    assert.ok(stored);
    line.chain.set(winner.memeId, stored);
    await line.redis.del(`mr:media:${winner.memeId}`);
    await line.winners.enqueue("r.1", [winner]);
    line.startContent();
    line.startSculptor();
    await line.settled("r.1", ["done"]);
    assert.ok(stored.bytes.equals(line.sculpted[0]?.source ?? Buffer.alloc(0)));
  });

  it("C6: a meme that was taken down while its model was made is not published", async () => {
    const [winner] = await winnersOf(1);
    assert.ok(winner);
    line.sculptWith(async () => {
      await line.media.take(winner.memeId, "test");
      return anyModel();
    });
    await line.winners.enqueue("r.1", [winner]);
    line.startContent();
    line.startSculptor();
    await until(async () => (await line.redis.zcard("mr:bull:round-models:completed")) === 1, {
      what: "the round's end",
    });
    assert.equal(line.published.length, 0);
    assert.deepEqual(await line.gallery.modelsOf("r.1"), []);
  });

  it("C3: Redis restarts in the middle: nothing is lost, nothing published twice", async () => {
    let restarted = false;
    line.sculptWith(async () => {
      if (!restarted) {
        restarted = true;
        await server.kill();
        await server.restart();
      }
      return anyModel();
    });
    await line.winners.enqueue("r.1", await winnersOf(3));
    line.startContent();
    line.startSculptor();
    await line.settled("r.1", ["done"]);
    const memes = line.published.map(({ memeId }) => memeId);
    assert.equal(new Set(memes).size, 3);
    assert.equal((await line.gallery.modelsOf("r.1")).length, 3);
  });
});
