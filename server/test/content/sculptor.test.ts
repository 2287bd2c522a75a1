/** The process models are made in (C4): it may hang, die or grow, and nothing else does. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Sculptor, type SculptorOptions, Unsculptable } from "../../src/content/pipeline/sculptor.ts";
import { validateGlb } from "../../src/content/transform/index.ts";
import { silent } from "./pipeline-kit.ts";

const ODD = new URL("./odd-sculptor.ts", import.meta.url);

describe("sculptor", function () {
  this.timeout(30_000);
  let sculptor: Sculptor | undefined;
  afterEach(async () => {
    await sculptor?.stop();
    sculptor = undefined;
  });

  const odd = (options: SculptorOptions = {}): Sculptor => {
    sculptor = new Sculptor({ childUrl: ODD, ...options }, { logger: silent });
    return sculptor;
  };
  const order = (first: string) => ({ source: Buffer.from(first), mode: "auto" as const });
  /** The child that made it says who it is. */
  const makerOf = async (made: Promise<{ faults: string[] }>): Promise<string> => (await made).faults.join();

  it("C4: makes a real model in a process of its own, sound and verified", async () => {
    sculptor = new Sculptor({}, { logger: silent });
    const source = await readFile(new URL("../fixtures/memes/doge.png", import.meta.url));
    const { model, passed, painted } = await sculptor.make({ source, mode: "auto" });
    assert.ok(passed && !painted);
    assert.deepEqual(await validateGlb(model.glb), { errors: 0, warnings: 0 });
    assert.equal(model.stats.mode, "diorama");
  });

  it("C5: a model that does not pass with AITubo's picture is made again without it", async () => {
    sculptor = new Sculptor({}, { logger: silent });
    const [source, other] = await Promise.all(
      ["avocado-transparent.png", "bee-flower.webp"].map((name) =>
        readFile(new URL(`./pictures/${name}`, import.meta.url)),
      ),
    );
    assert.ok(source && other);
    const { model, passed, painted, faults } = await sculptor.make({ source, texture: other, mode: "auto" });
    assert.ok(passed && !painted, faults.join());
    assert.equal(model.stats.mode, "relief");
    assert.equal(faults.length, 1);
    const broken = await sculptor.make({ source, texture: Buffer.from("no picture"), mode: "auto" });
    assert.ok(broken.passed && !broken.painted);
  });

  it("C5: bytes that are no picture are nobody's fault but theirs", async () => {
    sculptor = new Sculptor({}, { logger: silent });
    await assert.rejects(sculptor.make(order("not a picture at all")), Unsculptable);
  });

  it("C3: a child that dies fails its order only; the next has another child", async () => {
    const made = odd();
    const before = await makerOf(made.make(order("x")));
    await assert.rejects(made.make(order("d")), /SIGSEGV/);
    assert.notEqual(await makerOf(made.make(order("x"))), before);
  });

  it("C3: a child that hangs is ended after its time", async () => {
    const made = odd({ timeoutMs: 500 });
    await assert.rejects(made.make(order("h")), /longer than 500 ms/);
    await made.make(order("x"));
  });

  it("C3: a child that does not get ready is ended, too", async () => {
    const made = odd({ startMs: 1 });
    await assert.rejects(made.make(order("x")), /ended with SIGKILL/);
  });

  it("C4: a child that grows without end is ended", async () => {
    const made = odd({ maxMemoryMb: 250 });
    await assert.rejects(made.make(order("g")), /took \d+ MB/);
    await made.make(order("x"));
  });

  it("C4: a child that stays large is replaced after its model", async () => {
    const made = odd({ maxMemoryMb: 200 });
    const before = await makerOf(made.make(order("x")));
    await made.make(order("b"));
    assert.notEqual(await makerOf(made.make(order("x"))), before);
  });

  it("C3: orders go one by one, and a failed one does not hold up the next", async () => {
    const made = odd();
    const results = await Promise.allSettled(["x", "f", "d", "x"].map((first) => made.make(order(first))));
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "rejected", "rejected", "fulfilled"],
    );
    const [, failed] = results;
    assert.ok(failed?.status === "rejected" && failed.reason instanceof Unsculptable);
  });

  it("C3: who stops it waits for the order in hand; after that there are none", async () => {
    const made = odd();
    const last = made.make(order("x"));
    await made.stop();
    await last;
    await assert.rejects(made.make(order("x")), /stopped/);
  });
});
