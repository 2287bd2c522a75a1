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

/** Who is told of each whole frame. Its payload is `bytes` from `from` to before `to`, and only until it returns. */
export interface FrameTaker {
  take(opcode: number, bytes: Buffer, from: number, to: number): void;
}

/**
 * Tells `taker` of each whole frame in the first `end` bytes, and returns where the rest begins, which belongs before the
 * next chunk. Nothing is allocated: tens of thousands of sockets get a frame each second.
 */
export function cutFrames(bytes: Buffer, end: number, taker: FrameTaker): number {
  let at = 0;
  for (;;) {
    if (at + 2 > end) return at;
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const header = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (at + header > end) return at;
    const length =
      short < 126
        ? short
        : short === 126
          ? bytes.readUInt16BE(at + 2)
          : Number(bytes.readBigUInt64BE(at + 2));
    const from = at + header;
    if (from + length > end) return at;
    const opcode = (bytes[at] ?? 0) & 0x0f;
    at = from + length;
    taker.take(opcode, bytes, from, at);
  }
}
