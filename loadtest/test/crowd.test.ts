/** The light spectators of the load test: what they cut, follow and count has to be right, or they prove nothing. */
import assert from "node:assert/strict";
import { Encoder } from "@colyseus/schema";
import { hashJson } from "@meme-rounds/shared-schema/hash";
import { MemeView, RoundView } from "@meme-rounds/shared-schema/sync-state";
import fc from "fast-check";
import { webSocketFrame } from "../../server/src/infra/ws-frame.ts";
import { Counts, dueBy, Times } from "../src/crowd/counts.ts";
import { clientFrame, cutFrames, OPCODE } from "../src/crowd/frames.ts";
import { type Reader, Row } from "../src/crowd/row.ts";
import { roundLengthFor } from "../src/crowd/slot.ts";
import { RelayStream, type Stand } from "../src/crowd/stream.ts";
import { breakOf, nextCount } from "../src/ladder/steps.ts";

describe("light spectators", () => {
  it("cut a stream of frames the same however it is chunked", () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 8 });
    const long = fc.nat({ max: 70_000 }).map((length) => new Uint8Array(length).fill(7));
    fc.assert(
      fc.property(payloads, long, fc.array(fc.integer({ min: 1, max: 300 })), (some, large, cuts) => {
        const sent = [...some, large].map((payload) => Buffer.from(payload));
        const wire = Buffer.concat(sent.map((payload) => webSocketFrame(payload)));
        const got: Buffer[] = [];
        let rest: Buffer = Buffer.alloc(0);
        let at = 0;
        for (const size of [...cuts, wire.length]) {
          const chunk = wire.subarray(at, at + size);
          at += chunk.length;
          // As an inbox: longer than what is in it.
          const bytes = Buffer.concat([rest, chunk, Buffer.alloc(9, 0x82)]);
          const end = rest.length + chunk.length;
          const from = cutFrames(bytes, end, {
            take(opcode, all, start, stop) {
              assert.equal(opcode, OPCODE.binary);
              got.push(Buffer.from(all.subarray(start, stop)));
            },
          });
          rest = Buffer.from(bytes.subarray(from, end));
        }
        assert.deepEqual(got, sent);
        assert.equal(rest.length, 0);
      }),
      { numRuns: 60 },
    );
  });

  it("mask what they send, with zeros, and send nothing long", () => {
    assert.deepEqual([...clientFrame(OPCODE.pong, Uint8Array.of(9))], [0x8a, 0x81, 0, 0, 0, 0, 9]);
    assert.throws(() => clientFrame(OPCODE.binary, new Uint8Array(126)), RangeError);
  });
});

/** A round that changes, as frames of its tap: whole states and patches. */
class Changing {
  readonly view = new RoundView();
  private readonly encoder = new Encoder(this.view);

  constructor() {
    this.view.roundId = "main-1";
    this.change(1);
    this.encoder.discardChanges();
  }

  private change(at: number): void {
    this.view.serverTime = at;
    const meme = this.view.memes.get(`m${at % 3}`) ?? new MemeView();
    meme.title = `title ${at}`;
    this.view.memes.set(`m${at % 3}`, meme);
  }

  patch(at: number): Buffer {
    this.change(at);
    const bytes = Buffer.from(this.encoder.encode());
    this.encoder.discardChanges();
    return Buffer.concat([Buffer.of(15), bytes]);
  }

  whole(): Buffer {
    return Buffer.concat([Buffer.of(14), Buffer.from(this.encoder.encodeAll())]);
  }

  hash(): string {
    return hashJson(this.view.toJSON());
  }
}

describe("a relay's stream", () => {
  it("knows what each spectator holds, whenever it came", () => {
    const round = new Changing();
    const stream = new RelayStream();
    const first = stream.begin(round.whole());
    const stands: Stand[] = [first];
    let late: Stand | undefined;
    for (let at = 2; at < 8; at++) {
      const frame = round.patch(at);
      for (const stand of stands) assert.ok(stream.follow(stand, frame));
      if (at === 4) {
        late = stream.begin(round.whole());
        stands.push(late);
      }
    }
    assert.equal(stream.timeOf(first.at), 7);
    const held = stream.held(stands);
    assert.equal(
      held.reduce((sum, { spectators }) => sum + spectators, 0),
      2,
    );
    for (const { hash, serverTime } of held) {
      assert.equal(hash, round.hash());
      assert.equal(serverTime, 7);
    }
  });

  it("notices a frame that is missing, comes twice, or is another one", () => {
    const round = new Changing();
    const frames = [2, 3, 4, 5].map((at) => round.patch(at));
    const [one, two, three, four] = frames as [Buffer, Buffer, Buffer, Buffer];
    const fresh = (): { stream: RelayStream; stand: Stand } => {
      const stream = new RelayStream();
      const whole = new Changing().whole();
      const leader = stream.begin(whole);
      for (const frame of frames) assert.ok(stream.follow(leader, frame));
      return { stream, stand: stream.begin(whole) };
    };
    const missing = fresh();
    assert.ok(missing.stream.follow(missing.stand, one));
    assert.equal(missing.stream.follow(missing.stand, three), false);
    const twice = fresh();
    assert.ok(twice.stream.follow(twice.stand, one));
    assert.ok(twice.stream.follow(twice.stand, two));
    assert.equal(twice.stream.follow(twice.stand, two), false);
    const other = fresh();
    assert.ok(other.stream.follow(other.stand, one));
    assert.equal(other.stream.follow(other.stand, Buffer.concat([four, Buffer.of(1)])), false);
  });

  it("a whole state in the middle, as after a takeover, is a frame like others", () => {
    const round = new Changing();
    const stream = new RelayStream();
    const stand = stream.begin(round.whole());
    assert.ok(stream.follow(stand, round.patch(2)));
    round.patch(3);
    assert.ok(stream.follow(stand, round.whole()));
    assert.deepEqual(
      stream.held([stand]).map(({ hash, serverTime }) => [hash, serverTime]),
      [[round.hash(), 3]],
    );
  });
});

/** Readers of one relay, which has written to so many of them: update n of `got`, of which `has` were read. */
class Waiting implements Reader {
  got = 0;
  has = 0;
  reads = 0;
  private readonly all: readonly Waiting[];

  constructor(all: readonly Waiting[]) {
    this.all = all;
  }

  readNow(): boolean {
    this.reads++;
    const isNew = this.got > this.has;
    this.has = this.got;
    return isNew;
  }

  isCurrent(): boolean {
    return this.has === Math.max(...this.all.map(({ has }) => has));
  }
}

const waiting = (count: number): Waiting[] => {
  const all: Waiting[] = [];
  for (let n = 0; n < count; n++) all.push(new Waiting(all));
  return all;
};

describe("a row of spectators", () => {
  it("is read as far as its relay has written, in whatever order that was, and all of it once the relay is done", () => {
    const orders = fc.shuffledSubarray([...Array(12).keys()], { minLength: 12 });
    const pieces = fc.array(fc.nat({ max: 12 }), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(fc.tuple(orders, pieces), { maxLength: 6 }), (updates) => {
        const all = waiting(12);
        const row = new Row(all);
        for (const [order, reading] of updates) {
          for (const [count, index] of order.entries()) {
            if (reading.includes(count)) row.read();
            const one = all[index];
            if (one) one.got++;
          }
          // The next update begins before this one was read to its end.
          if (reading.length > 0) continue;
          for (let turn = 0; turn < 3; turn++) row.read();
          assert.ok(all.every(({ has, got }) => has === got));
        }
        for (let turn = 0; turn < 3; turn++) row.read();
        assert.ok(all.every(({ has, got }) => has === got));
      }),
    );
  });

  it("asks one socket while nothing comes", () => {
    const all = waiting(100);
    const row = new Row(all);
    for (let turn = 0; turn < 10; turn++) row.read();
    assert.equal(
      all.reduce((sum, { reads }) => sum + reads, 0),
      10,
    );
  });

  it("goes on without one that was left out, after a while", () => {
    const all = waiting(3);
    const row = new Row(all);
    for (const [index, one] of all.entries()) if (index !== 1) one.got++;
    for (let turn = 0; turn < 500; turn++) row.read();
    assert.deepEqual(
      all.map(({ has }) => has),
      [1, 0, 0],
    );
    for (let turn = 0; turn < 600; turn++) row.read();
    assert.deepEqual(
      all.map(({ has }) => has),
      [1, 0, 1],
    );
  });
});

describe("a crowd's counting", () => {
  it("counters are empty once they were read", () => {
    const counts = new Counts<string>();
    counts.add("a");
    counts.add("a", 2);
    assert.deepEqual(counts.take(), [["a", 3]]);
    assert.deepEqual(counts.take(), []);
    const times = new Times();
    times.record(-3);
    times.record(1.6);
    assert.deepEqual(times.take(), [
      [0, 1],
      [2, 1],
    ]);
  });

  it("an even pace begins with one, ends with all, and never goes back", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 100_000 }),
        fc.integer({ min: 1, max: 50_000 }),
        fc.nat({ max: 20_000 }),
        (ms, count, pace) => {
          const now = dueBy(ms, count, pace);
          assert.ok(now >= 1 && now <= count);
          assert.ok(dueBy(ms + 10, count, pace) >= now);
        },
      ),
    );
    assert.equal(dueBy(1_000, 100, 10), 11);
  });

  it("a round is long enough, and begins soon", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1_700_000_000, max: 1_900_000_000 }),
        (needed, at) => {
          const length = roundLengthFor(needed, at);
          assert.ok(length * 0.95 >= needed && length >= 60);
          assert.ok((length - (at % length)) % length <= 30, "half a minute at most");
        },
      ),
    );
  });

  it("the ladder doubles, ends exactly, and names what gave way", () => {
    assert.equal(nextCount(1_000, 5_000), 2_000);
    assert.equal(nextCount(4_000, 5_000), 5_000);
    assert.equal(nextCount(5_000, 5_000), undefined);
    const bound = { name: "p99", value: 612.34, limit: 500, unit: "ms", holds: false };
    assert.equal(breakOf([bound]), "p99: 612.3 against 500 ms");
    assert.equal(breakOf([bound, { ...bound, value: 400, holds: true }]), undefined);
  });
});
