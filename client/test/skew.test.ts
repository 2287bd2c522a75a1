/** A page older than its server starts again: when, and how often (R11). */
import assert from "node:assert/strict";
import { createSkew } from "../src/app/skew.ts";
import { createTestTime, memoryStorage } from "./support.ts";

const MINE = { protocol: 1, build: "mine" };
const NEXT = { protocol: 1, build: "next" };

function stage(storage = memoryStorage(), time = createTestTime()) {
  const log: string[] = [];
  const world = { busy: false };
  const skew = createSkew({
    version: MINE,
    storage,
    now: time.now,
    after: time.after,
    random: () => 0.5,
    isBusy: () => world.busy,
    reload: () => log.push("reload"),
    notice: (kind) => log.push(kind),
  });
  return { skew, log, world, time, storage };
}

describe("version skew (R11)", () => {
  it("R11: a page of another build starts again when the next round has begun, not before", async () => {
    const { skew, log, time } = stage();
    skew.round("main-1");
    skew.heard(NEXT);
    skew.round("main-1");
    await time.pass(600_000);
    assert.deepEqual(log, []);
    skew.heard(NEXT);
    skew.round("main-2");
    assert.deepEqual(log, [], "spread: not everybody in one moment");
    await time.pass(8_000);
    assert.deepEqual(log, ["reload"]);
  });

  it("R11: the round a page opens with is none that begins", async () => {
    const { skew, log, time } = stage();
    skew.heard(NEXT);
    skew.round("main-1");
    await time.pass(60_000);
    assert.deepEqual(log, []);
  });

  it("R11: never while a command is open; then after the round that follows", async () => {
    const { skew, log, world, time } = stage();
    skew.round("main-1");
    skew.heard(NEXT);
    world.busy = true;
    skew.round("main-2");
    await time.pass(600_000);
    assert.deepEqual(log, []);
    world.busy = false;
    skew.round("main-3");
    await time.pass(8_000);
    assert.deepEqual(log, ["reload"]);
  });

  it("R11: once for a build, also when the old page comes back; again only after a quarter of an hour", async () => {
    const first = stage();
    first.skew.round("main-1");
    first.skew.heard(NEXT);
    first.skew.round("main-2");
    await first.time.pass(8_000);
    assert.deepEqual(first.log, ["reload"]);
    const again = stage(first.storage, first.time);
    again.skew.round("main-2");
    again.skew.heard(NEXT);
    again.skew.round("main-3");
    await again.time.pass(8_000);
    assert.deepEqual(again.log, []);
    await again.time.pass(15 * 60_000);
    again.skew.round("main-4");
    await again.time.pass(8_000);
    assert.deepEqual(again.log, ["reload"]);
  });

  it("R11: in the middle of a deploy the last word counts", async () => {
    const { skew, log, time } = stage();
    skew.round("main-1");
    skew.heard(NEXT);
    skew.heard(MINE);
    skew.round("main-2");
    await time.pass(60_000);
    assert.deepEqual(log, []);
  });

  it("R11: a protocol that does not fit: told, and started again at once, also in the middle of a round", async () => {
    const { skew, log, world, time } = stage();
    world.busy = true;
    skew.round("main-1");
    skew.heard({ protocol: 2, build: "next" });
    skew.heard({ protocol: 2, build: "next" });
    assert.deepEqual(log, ["warning"]);
    await time.pass(5_000);
    assert.deepEqual(log, ["warning", "reload"]);
  });

  it("R11: where that did not help it says so and stays", async () => {
    const first = stage();
    first.skew.heard({ protocol: 2, build: "next" });
    await first.time.pass(5_000);
    const again = stage(first.storage, first.time);
    again.skew.heard({ protocol: 2, build: "next" });
    await again.time.pass(60_000);
    assert.deepEqual(again.log, ["error"]);
  });

  it("R11: a server without a page of its own, or one of before, says nothing about this page", async () => {
    const { skew, log, time } = stage();
    skew.round("main-1");
    skew.heard(undefined);
    skew.heard({ protocol: 2, build: "" });
    skew.round("main-2");
    await time.pass(60_000);
    assert.deepEqual(log, []);
  });

  it("R11: a part of the page that the newer server does not have is asked for by starting again, once", () => {
    const newer = { protocol: 1, build: "newer" };
    const same = stage();
    same.skew.partMissing();
    assert.deepEqual(same.log, [], "where nothing is newer, it was the network");
    const first = stage();
    first.skew.heard(newer);
    first.skew.partMissing();
    const again = stage(first.storage, first.time);
    again.skew.heard(newer);
    again.skew.partMissing();
    assert.deepEqual([first.log, again.log], [["reload"], []]);
  });

  it("R11: what is kept stays small, and may be anything", async () => {
    const { skew, log, time, storage } = stage();
    storage.setItem("mr:builds", "{half");
    skew.round("main-0");
    for (let n = 1; n <= 12; n++) {
      skew.heard({ protocol: 1, build: `b${n}` });
      skew.round(`main-${n}`);
      await time.pass(8_000);
    }
    assert.equal(log.length, 12);
    assert.deepEqual(Object.keys(JSON.parse(storage.getItem("mr:builds") ?? "")).length, 8);
  });
});
