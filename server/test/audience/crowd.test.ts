/** A crowd with sockets made by hand: pings in turn, the silent and the slow dropped, joiners and slices in order. */
import assert from "node:assert/strict";
import { Protocol } from "@colyseus/core";
import { createCrowd, PING_WAVES } from "../../src/audience/crowd.ts";
import type { Stand } from "../../src/audience/mirror.ts";
import type { Spectator } from "../../src/audience/spectator.ts";

const standOf = (mark: number): Stand => ({ stateBytes: 2, frames: () => [Buffer.from([14, mark])] });

function fake() {
  const got = { frames: [] as number[][], pings: 0, dropped: 0, unread: 0 };
  const one: Spectator = {
    joined: false,
    alive: true,
    messages: 0,
    wave: 0,
    owesPing: false,
    sit: () => undefined,
    give({ frames }) {
      got.frames.push(...frames.map((frame) => [...frame]));
      if (this.owesPing) this.ping();
    },
    isOpen: () => true,
    unread: () => got.unread,
    ping() {
      this.owesPing = false;
      got.pings++;
    },
    close: () => undefined,
    drop: () => void got.dropped++,
  };
  return { one, got };
}

function setUp(count: number) {
  const later: (() => void)[] = [];
  const wrote: [number, number][] = [];
  const crowd = createCrowd(
    { maxBufferedBytes: 100 },
    {
      handshake: () => Buffer.from("hs"),
      soon: (run) => void later.push(run),
      wrote: (sockets, dropped) => void wrote.push([sockets, dropped]),
    },
  );
  crowd.show(standOf(1));
  const join = () => {
    const each = fake();
    crowd.seat(each.one, { skipHandshake: false });
    crowd.hear(each.one, Buffer.from([Protocol.JOIN_ROOM]));
    each.got.frames.shift();
    return each;
  };
  return { crowd, later, wrote, join, all: Array.from({ length: count }, join) };
}

describe("audience crowd", () => {
  it("pings a part of all each second, and drops at the next turn who did not answer", () => {
    const { crowd, all } = setUp(10 * PING_WAVES);
    crowd.ping();
    for (let second = 0; second < PING_WAVES; second++) {
      const before = all.filter(({ got }) => got.pings > 0).length;
      // With the next frame or, where there is none, a second later.
      if (second % 2 === 0) crowd.send([Buffer.from([15, 2])], () => undefined);
      else crowd.ping();
      const after = all.filter(({ got }) => got.pings > 0).length;
      assert.equal(after - before, 10);
      if (second % 2 === 0 && second < PING_WAVES - 1) crowd.ping();
    }
    assert.ok(all.every(({ got }) => got.pings === 1 && got.dropped === 0));
    for (const { one } of all.slice(50)) one.alive = true;
    for (let second = 0; second < PING_WAVES; second++) crowd.ping();
    crowd.send([Buffer.from([15, 3])], () => undefined);
    assert.deepEqual(
      all.map(({ got }) => [got.pings, got.dropped]),
      all.map((_, index) => (index < 50 ? [1, 1] : [2, 0])),
    );
  });

  it("writes in slices, in order, to those who had their state; who comes meanwhile has it in theirs", () => {
    const { crowd, later, wrote, join, all } = setUp(2_500);
    crowd.send([Buffer.from([15, 2])], () => undefined);
    crowd.show(standOf(2));
    crowd.send([Buffer.from([15, 3])], () => undefined);
    crowd.show(standOf(3));
    const late = join();
    assert.equal(all.filter(({ got }) => got.frames.length > 1).length, 1_000);
    for (let run = later.shift(); run; run = later.shift()) run();
    assert.deepEqual(wrote, [
      [2_500, 0],
      [2_500, 0],
    ]);
    const expected = [
      [14, 1],
      [15, 2],
      [15, 3],
    ];
    for (const { got } of all) assert.deepEqual(got.frames, expected);
    assert.deepEqual(late.got.frames, [[14, 3]]);
  });

  it("drops who has more unread than its share and the state, and writes to the others", () => {
    const { crowd, wrote, all } = setUp(3);
    const [slow, edge] = all;
    assert.ok(slow && edge);
    slow.got.unread = 103;
    edge.got.unread = 102;
    crowd.send([Buffer.from([15, 2])], () => undefined);
    assert.deepEqual([slow.got.dropped, edge.got.dropped, wrote], [1, 0, [[3, 1]]]);
    assert.deepEqual(edge.got.frames, [
      [14, 1],
      [15, 2],
    ]);
  });
});
