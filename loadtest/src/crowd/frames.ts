/**
 * The client's side of WebSocket frames (RFC 6455), as little of it as a load test needs: unmasked messages of one piece
 * in, masked short ones out. Owns: cutting a byte stream into frames. Does not own: sockets, what a frame says.
 */

export const OPCODE = { binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A client's frame of at most 125 bytes. The mask is all zeros: it only has to be there. */
export function clientFrame(opcode: number, payload: Uint8Array): Buffer {
  if (payload.length > 125) throw new RangeError("a short frame holds 125 bytes");
  const frame = Buffer.alloc(6 + payload.length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | payload.length;
  frame.set(payload, 6);
  return frame;
}

/** Bytes of a frame's header and payload; undefined while the header is not there yet. */
function lengthOf(bytes: Buffer, at: number): { header: number; payload: number } | undefined {
  const short = bytes[at + 1];
  if (short === undefined) return undefined;
  const code = short & 0x7f;
  if (code < 126) return { header: 2, payload: code };
  const header = code === 126 ? 4 : 10;
  if (bytes.length < at + header) return undefined;
  const payload = code === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
  return { header, payload };
}

/**
 * Calls `take` for each whole frame in `bytes` and returns the rest, which belongs before the next chunk. A payload is a
 * view of `bytes`: who keeps it copies it.
 */
export function cutFrames(bytes: Buffer, take: (opcode: number, payload: Buffer) => void): Buffer {
  let at = 0;
  for (;;) {
    const length = lengthOf(bytes, at);
    if (length === undefined || at + length.header + length.payload > bytes.length) return bytes.subarray(at);
    const start = at + length.header;
    const opcode = (bytes[at] ?? 0) & 0x0f;
    at = start + length.payload;
    take(opcode, bytes.subarray(start, at));
  }
}
