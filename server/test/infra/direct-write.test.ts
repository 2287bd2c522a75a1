/** Writing past a stream: everything arrives in order, whoever reads late, hangs up or is no plain socket. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { TLSSocket } from "node:tls";
import { descriptorOf, NO_DESCRIPTOR, writeNow } from "../../src/infra/direct-write.ts";

/** Two ends of a connection on loopback. */
async function pair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const far = connect(address.port, "127.0.0.1");
  const [near] = (await once(server, "connection")) as [Socket];
  server.close();
  return { near, far };
}

const lineOf = (at: number): Buffer => Buffer.alloc(1_000, String(at % 10));

describe("writing past a stream", () => {
  it("is with the kernel at once, and leaves nothing in the stream", async () => {
    const { near, far } = await pair();
    writeNow(near, Buffer.from("hello"));
    assert.equal(near.writableLength, 0);
    assert.equal(near.bytesWritten, 0, "the stream itself has written nothing");
    near.end();
    assert.equal((await buffer(far)).toString(), "hello");
  });

  it("keeps the order with the stream's own writes, also when nobody reads for a while", async () => {
    const { near, far } = await pair();
    far.pause();
    const sent: Buffer[] = [];
    // More than both kernel buffers hold: from some point on the stream has to keep it.
    for (let at = 0; at < 20_000; at++) {
      sent.push(lineOf(at));
      if (at % 3 === 0) near.write(lineOf(at));
      else writeNow(near, lineOf(at));
    }
    assert.ok(near.writableLength > 0, "it has to be more than the kernel takes");
    near.end();
    assert.ok((await buffer(far)).equals(Buffer.concat(sent)));
  });

  it("keeps the order with what a corked stream holds", async () => {
    const { near, far } = await pair();
    near.cork();
    near.write("first ");
    writeNow(near, Buffer.from("second"));
    near.uncork();
    near.end();
    assert.equal((await buffer(far)).toString(), "first second");
  });

  it("touches no descriptor of a stream that is destroyed: it may be somebody else's by now", async () => {
    const one = await pair();
    const descriptor = descriptorOf(one.near);
    one.near.on("error", () => undefined);
    one.near.destroy();
    // The lowest free number is given next: how many are lower depends on what ran before.
    const others: Socket[] = [];
    while (!others.some((socket) => descriptorOf(socket) === descriptor)) {
      assert.ok(others.length < 200, "nobody got the descriptor");
      const { near, far } = await pair();
      others.push(near, far);
    }
    writeNow(one.near, Buffer.from("not for others"), descriptor);
    for (const socket of others) socket.end();
    const got = await Promise.all(others.map((socket) => buffer(socket)));
    assert.equal(Buffer.concat(got).length, 0);
  });

  it("lets the stream tell that the peer has gone", async () => {
    const { near, far } = await pair();
    far.resetAndDestroy();
    await once(far, "close");
    const failed = once(near, "error");
    // Whether the first or the second write learns of it is the kernel's business.
    for (let tries = 0; tries < 2; tries++) writeNow(near, Buffer.from("anybody?"));
    await failed;
    assert.ok(near.destroyed);
  });

  it("leaves TLS, and what is no socket, to the stream", async () => {
    const { near, far } = await pair();
    assert.notEqual(descriptorOf(near), NO_DESCRIPTOR);
    assert.equal(descriptorOf(new TLSSocket(near)), NO_DESCRIPTOR);
    const through = new PassThrough();
    assert.equal(descriptorOf(through), NO_DESCRIPTOR);
    writeNow(through, Buffer.from("as ever"));
    assert.equal(String(through.read()), "as ever");
    near.destroy();
    far.destroy();
    assert.equal(descriptorOf(near), NO_DESCRIPTOR);
  });
});
