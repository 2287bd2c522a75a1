/**
 * Writing to tens of thousands of sockets, each a little. Owns: putting bytes into a TCP socket's kernel buffer past its
 * stream, and leaving to the stream what does not fit. Does not own: which sockets, what the bytes are.
 *
 * A stream's write makes a request, a callback and a turn of the queue for each socket; where the kernel takes the bytes
 * at once, as it does with all but the slow, that is as much work as the rest of our side together.
 */
import { writeSync } from "node:fs";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

/** There is none: every write is the stream's. */
export const NO_DESCRIPTOR = -1;

/**
 * The descriptor of the TCP socket a stream writes to as it is, or NO_DESCRIPTOR: TLS, no socket, closed, a platform
 * without. Node has no public name for it, so whatever is not as expected counts as none. It is the stream's until that
 * is destroyed, and from then on may be somebody else's.
 */
export function descriptorOf(stream: Duplex): number {
  if (!(stream instanceof Socket) || stream instanceof TLSSocket) return NO_DESCRIPTOR;
  const handle: unknown = Reflect.get(stream, "_handle");
  if (typeof handle !== "object" || handle === null || !("fd" in handle)) return NO_DESCRIPTOR;
  return typeof handle.fd === "number" ? handle.fd : NO_DESCRIPTOR;
}

/**
 * Writes `bytes`, behind all that was written to the stream before. They are not to be changed any more. What goes wrong
 * is the stream's to tell, as with its own `write`. `descriptor`: the stream's, where the caller has kept it.
 */
export function writeNow(stream: Duplex, bytes: Buffer, descriptor = descriptorOf(stream)): void {
  if (descriptor === NO_DESCRIPTOR || stream.writableLength > 0 || !stream.writable) {
    stream.write(bytes);
    return;
  }
  let written = 0;
  try {
    written = writeSync(descriptor, bytes);
  } catch {
    // The kernel's buffer is full, or the peer is gone: the stream's own write waits, or says so.
  }
  if (written < bytes.length) stream.write(written === 0 ? bytes : bytes.subarray(written));
}
