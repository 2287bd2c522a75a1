/** A room's patch to many sockets: framed once, in slices, in order. And the greeting of those who join (R10). */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { type Client, ClientState } from "@colyseus/core";
import { FanOut } from "../../src/round/fan-out.ts";
import { Greeting } from "../../src/round/greeting.ts";

const OPEN = 1;

/** A socket as `ws` makes them, as far as writing past it goes. */
class Socket extends EventEmitter {
  readonly OPEN = OPEN;
  readyState = OPEN;
  readonly _socket = new PassThrough();
  read(): Buffer {
    return this._socket.read() ?? Buffer.alloc(0);
  }
}

const receiver = (state: number = ClientState.JOINED) => {
  const ref = new Socket();
  return { state, ref, raw: (): void => assert.fail("a socket of ws is written to as it is") };
};

function rig() {
  const turns: (() => void)[] = [];
  const done: number[] = [];
  let now = 0;
  const fanOut = new FanOut({
    soon: (run) => turns.push(run),
    done: (stretchMs) => done.push(stretchMs),
    clock: () => ++now,
  });
  return { fanOut, turns, done };
}

const framed = (text: string): string => `\x82${String.fromCharCode(text.length)}${text}`;

describe("fan-out", () => {
  it("gives everybody that has its state the patch, framed, and nobody else", () => {
    const { fanOut, done } = rig();
    const here = receiver();
    const joining = receiver(ClientState.JOINING);
    const gone = receiver();
    gone.ref.readyState = 3;
    gone.raw = () => undefined;
    fanOut.send([here, joining, gone] as never, Buffer.from("patch"));
    assert.equal(here.ref.read().toString("latin1"), framed("patch"));
    assert.equal(joining.ref.read().length + gone.ref.read().length, 0);
    assert.equal(done.length, 1);
  });

  it("pauses between slices; who comes back meanwhile does not get it twice; patches stay in order", () => {
    const { fanOut, turns, done } = rig();
    const many = Array.from({ length: 4_500 }, () => receiver());
    fanOut.send(many as never, Buffer.from("one"));
    fanOut.send(many as never, Buffer.from("two"));
    assert.deepEqual([turns.length, done.length], [1, 0]);
    assert.equal(many[1_999]?.ref.read().toString("latin1"), framed("one"));
    assert.equal(many[2_000]?.ref.read().length, 0);
    // It reconnected: another client has its place, with the whole state.
    const back = many[3_000];
    assert.ok(back);
    back.state = ClientState.RECONNECTED;
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) turn();
    assert.equal(done.length, 2);
    assert.equal(back.ref.read().length, 0);
    assert.equal(many[4_499]?.ref.read().toString("latin1"), framed("one") + framed("two"));
  });

  it("R10: who joins gets the lines of that moment with its first state, in one write", async () => {
    const greeting = new Greeting();
    const { ref } = receiver();
    const line = (seq: number) => ({ seq, playKey: "02ab", at: seq, text: `line ${seq}` });
    const lines = [line(1), line(2)];
    greeting.greet({ ref } as unknown as Client, lines);
    lines.push(line(3));
    const writes: number[] = [];
    ref._socket._writev = (chunks, callback) => {
      writes.push(chunks.length);
      for (const { chunk } of chunks) ref._socket.push(chunk);
      callback();
    };
    ref.once("message", () => {
      ref._socket.write("state");
    });
    ref.emit("message");
    await new Promise(setImmediate);
    const text = ref.read().toString("latin1");
    assert.deepEqual(writes, [2]);
    assert.ok(text.includes("line 1") && text.includes("line 2") && text.endsWith("state"));
    assert.ok(!text.includes("line 3"), "that one was sent to it as it was said");
  });
});
