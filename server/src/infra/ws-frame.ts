/**
 * Bytes that go to many sockets are framed once. Owns: the WebSocket frame around a payload, and writing one past `ws`.
 * Does not own: which sockets, what is in them. `ws` writes whole frames at once while compression is off, so that none
 * of ours lands inside one of its own.
 */
import { Duplex } from "node:stream";

/** One unmasked binary WebSocket frame (RFC 6455 5.2) around `payload`. */
export function webSocketFrame(payload: Uint8Array): Buffer {
  const { length } = payload;
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + length);
  frame[0] = 0x82;
  if (header === 2) frame[1] = length;
  else if (header === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.set(payload, header);
  return frame;
}

/** The stream under a socket of `ws`, while it is open; undefined for anything else. */
export function streamUnder(ref: object): Duplex | undefined {
  if (!("_socket" in ref && "readyState" in ref && "OPEN" in ref)) return undefined;
  return ref._socket instanceof Duplex && ref.readyState === ref.OPEN ? ref._socket : undefined;
}
