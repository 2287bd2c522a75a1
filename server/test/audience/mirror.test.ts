/** The mirror alone: order, gaps, takeover and silence, with frames made by hand. */
import assert from "node:assert/strict";
import { createMirror, type MirrorEnd } from "../../src/audience/mirror.ts";
import {
  decodeSnapshot,
  decodeTapFrame,
  encodeSnapshot,
  encodeTapFrame,
  TAP_KIND,
  type TapKind,
  type TapStored,
} from "../../src/infra/tap-format.ts";
import { createRandom } from "../support/random.ts";
import { until } from "../support/wait.ts";

const HANDSHAKE = Buffer.from("hs");
const patch = (seq: number, epoch = 1) => encodeTapFrame(TAP_KIND.patch, epoch, seq, Buffer.from([15, seq]));
const message = (seq: number) => encodeTapFrame(TAP_KIND.message, 1, seq, Buffer.from([13, seq]));
const snapshot = (seq: number, epoch = 1) =>
  encodeTapFrame(TAP_KIND.snapshot, epoch, seq, encodeSnapshot(HANDSHAKE, Buffer.from([14, seq]), []));

function setUp(stored: TapStored) {
  const out = {
    forwarded: [] as number[],
    resyncs: [] as Buffer[],
    moved: [] as boolean[],
    ends: [] as MirrorEnd[],
    errors: 0,
  };
  const clock = { now: 0 };
  const mirror = createMirror(
    { waitMs: 100, silenceMs: 10_000 },
    {
      load: () => Promise.resolve(stored),
      now: () => clock.now,
      onError: () => out.errors++,
      events: {
        forward: (bytes) => out.forwarded.push(bytes[1] ?? -1),
        resync: (bytes, moved) => {
          out.resyncs.push(bytes);
          out.moved.push(moved);
        },
        end: (reason) => out.ends.push(reason),
      },
    },
  );
  return { mirror, out, stored, clock };
}

describe("audience mirror", () => {
  it("starts with the snapshot and the log after it, and joins them at the root", async () => {
    const { mirror } = setUp({ snapshot: snapshot(2), log: [patch(1), patch(2), patch(3), message(4)] });
    await mirror.start();
    assert.deepEqual(mirror.stand().frames(), [Buffer.from([14, 2, 255, 0, 3]), Buffer.from([13, 4])]);
    assert.equal(mirror.handshake().toString(), "hs");
    mirror.receive(patch(5));
    assert.deepEqual(mirror.stand().frames()[0], Buffer.from([14, 2, 255, 0, 3, 255, 0, 5]));
    mirror.receive(snapshot(5));
    assert.deepEqual(mirror.stand().frames(), [Buffer.from([14, 5])]);
  });

  it("forwards each frame once and in order, whatever arrives during the load, late or twice", async () => {
    const { mirror, out } = setUp({ snapshot: snapshot(2), log: [patch(1), patch(2), patch(3)] });
    mirror.receive(patch(3));
    mirror.receive(patch(4));
    await mirror.start();
    mirror.receive(patch(4));
    mirror.receive(snapshot(2));
    mirror.receive(message(5));
    assert.deepEqual(out.forwarded, [4, 5]);
    assert.equal(mirror.gaps(), 0);
    assert.deepEqual(mirror.stand().frames(), [
      Buffer.from([14, 2, 255, 0, 3, 255, 0, 4]),
      Buffer.from([13, 5]),
    ]);
  });

  it("keeps a newer snapshot when an older one comes late", async () => {
    const { mirror } = setUp({ snapshot: snapshot(0), log: [] });
    await mirror.start();
    mirror.receive(patch(1));
    mirror.receive(patch(2));
    mirror.receive(snapshot(2));
    mirror.receive(snapshot(1));
    assert.deepEqual(mirror.stand().frames(), [Buffer.from([14, 2])]);
  });

  it("fills a gap from the log; a snapshot ahead of the frames shows one too", async () => {
    const { mirror, out, stored } = setUp({ snapshot: snapshot(1), log: [patch(1)] });
    await mirror.start();
    stored.log = [patch(2), patch(3), patch(4)];
    mirror.receive(patch(4));
    mirror.receive(patch(5));
    await until(() => out.forwarded.length === 4);
    assert.deepEqual(out.forwarded, [2, 3, 4, 5]);
    stored.log = [patch(6)];
    mirror.receive(snapshot(6));
    await until(() => out.forwarded.length === 5);
    assert.deepEqual([out.resyncs, mirror.gaps()], [[], 2]);
    assert.deepEqual(mirror.stand().frames(), [Buffer.from([14, 6])]);
  });

  it("sends the whole state when the log cannot fill a gap, then goes on", async () => {
    const { mirror, out, stored } = setUp({ snapshot: snapshot(1), log: [] });
    await mirror.start();
    stored.snapshot = snapshot(8);
    stored.log = [patch(8), patch(9)];
    mirror.receive(patch(10));
    await until(() => out.forwarded.length === 1);
    assert.deepEqual(out.resyncs, [Buffer.from([14, 8, 255, 0, 9])]);
    assert.deepEqual(out.forwarded, [10]);
  });

  it("ends at the end and after silence, once; older epochs are not heard (R5)", async () => {
    const { mirror, out, clock } = setUp({ snapshot: snapshot(1, 7), log: [] });
    await mirror.start();
    mirror.receive(patch(2, 6));
    assert.deepEqual(out.forwarded, []);
    clock.now = 9_999;
    mirror.checkSilence();
    assert.deepEqual(out.ends, []);
    clock.now = 10_000;
    mirror.checkSilence();
    mirror.receive(patch(2, 7));
    assert.deepEqual([out.ends, out.forwarded], [["silent"], []]);
    const next = setUp({ snapshot: snapshot(1, 7), log: [] });
    await next.mirror.start();
    next.mirror.receive(encodeTapFrame(TAP_KIND.end, 6, 9, Buffer.alloc(0)));
    assert.deepEqual(next.out.ends, []);
    next.mirror.receive(encodeTapFrame(TAP_KIND.end, 7, 1, Buffer.alloc(0)));
    assert.deepEqual(next.out.ends, ["ended"]);
  });

  it("follows the round to its new owner with one whole state, and tells what it said since, once (R5)", async () => {
    const said = (kind: TapKind, seq: number) => encodeTapFrame(kind, 8, seq, Buffer.from([13, seq]));
    const { mirror, out, stored } = setUp({ snapshot: snapshot(5, 7), log: [patch(6, 7)] });
    await mirror.start();
    mirror.receive(patch(7, 7));
    // Its first patch comes before its snapshot is there: nothing of the old owner's is taken for it.
    mirror.receive(patch(1, 8));
    mirror.receive(patch(8, 7));
    stored.snapshot = snapshot(2, 8);
    stored.log = [patch(1, 8), said(TAP_KIND.line, 2), said(TAP_KIND.message, 3), patch(4, 8)];
    mirror.receive(patch(5, 8));
    await until(() => out.resyncs.length > 0);
    assert.deepEqual(out.resyncs, [Buffer.from([14, 2, 255, 0, 4])]);
    assert.deepEqual(out.forwarded, [7, 2, 3, 5]);
    assert.deepEqual([out.moved, out.ends], [[true], []]);
    mirror.receive(patch(9, 7));
    mirror.receive(encodeTapFrame(TAP_KIND.end, 7, 9, Buffer.alloc(0)));
    mirror.receive(patch(6, 8));
    assert.deepEqual([out.forwarded.at(-1), out.ends], [6, []]);
  });

  it("sends its clients for a new seat when the new owner describes the state otherwise", async () => {
    const { mirror, out, stored } = setUp({ snapshot: snapshot(5, 7), log: [] });
    await mirror.start();
    const body = encodeSnapshot(Buffer.from("other"), Buffer.from([14, 1]), []);
    stored.snapshot = encodeTapFrame(TAP_KIND.snapshot, 8, 1, body);
    mirror.receive(patch(1, 8));
    await until(() => out.ends.length > 0);
    assert.deepEqual([out.ends, out.resyncs], [["changed"], []]);
  });

  it("reports a tap without a snapshot", async () => {
    const { mirror, clock } = setUp({ snapshot: null, log: [] });
    clock.now = 50;
    const started = mirror.start();
    clock.now = 1_000;
    await assert.rejects(started, /no usable snapshot/);
  });

  it("reads back every frame and snapshot it writes, and refuses what is none", () => {
    const random = createRandom(99);
    for (let run = 0; run < 200; run++) {
      const parts = Array.from({ length: random.int(2, 6) }, () =>
        Buffer.from(random.bytes(random.int(0, 300))),
      );
      const [handshake, state, ...greeting] = parts as [Buffer, Buffer, ...Buffer[]];
      const body = encodeSnapshot(handshake, state, greeting);
      assert.deepEqual(decodeSnapshot(body), { handshake, state, greeting });
      if (body.length > 8) assert.throws(() => decodeSnapshot(body.subarray(0, body.length - 1)), RangeError);
      const frame = decodeTapFrame(encodeTapFrame(TAP_KIND.snapshot, 2 ** 32 - 1, run, body));
      assert.deepEqual([frame.epoch, frame.seq, frame.body], [2 ** 32 - 1, run, body]);
    }
    assert.throws(() => decodeTapFrame(Buffer.from("nonsense, more than nine bytes")), RangeError);
  });
});
