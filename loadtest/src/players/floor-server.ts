/**
 * What any server must do before it may say that a command is kept: take a message off a socket, append it durably, say
 * so. Owns: a bare websocket server in a thread of its own that does this and nothing else. No library reads its frames.
 */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { createRedis } from "../../../server/src/infra/redis.ts";

const { redisUrl } = z.object({ redisUrl: z.string().optional() }).parse(workerData);
const STREAM = "loadtest:floor";
const MAX_KEPT = 10_000;
/** What RFC 6455 adds to a client's key. */
const ACCEPT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const HEADER = 8;

const redis = redisUrl === undefined ? undefined : createRedis(redisUrl);

/** A client's text frame of 126 to 65,535 bytes at the buffer's beginning; undefined before it is whole. */
function firstFrame(buffer: Buffer): { text: Buffer; size: number } | undefined {
  if (buffer.length < HEADER) return undefined;
  const length = buffer.readUInt16BE(2);
  const size = HEADER + length;
  if (buffer.length < size) return undefined;
  const text = Buffer.from(buffer.subarray(HEADER, size));
  for (let at = 0; at < length; at++) text[at] = (text[at] ?? 0) ^ (buffer[4 + (at & 3)] ?? 0);
  return { text, size };
}

function answer(socket: Duplex, text: Buffer): void {
  const header = Buffer.alloc(4);
  header.writeUInt16BE(0x817e, 0);
  header.writeUInt16BE(text.length, 2);
  socket.write(Buffer.concat([header, text]));
}

function serve(socket: Duplex): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (part: Buffer) => {
    rest = rest.length === 0 ? part : Buffer.concat([rest, part]);
    // A short frame is the client's goodbye: there is no other than ours.
    if (rest.length >= 2 && ((rest[1] ?? 0) & 127) < 126) return void socket.end();
    for (let frame = firstFrame(rest); frame !== undefined; frame = firstFrame(rest)) {
      const { text, size } = frame;
      rest = rest.subarray(size);
      if (redis === undefined) answer(socket, text);
      else
        redis.xadd(STREAM, "MAXLEN", "~", MAX_KEPT, "*", "e", text).then(
          () => answer(socket, text),
          () => socket.destroy(),
        );
    }
  });
}

const server = createServer();
server.on("upgrade", (request, socket) => {
  const accept = createHash("sha1")
    .update(`${request.headers["sec-websocket-key"]}${ACCEPT}`)
    .digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  serve(socket);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  parentPort?.postMessage(typeof address === "object" && address ? address.port : 0);
});
