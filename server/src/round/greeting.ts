/**
 * The last lines of chat for those who join (R10). Owns: encoding them once for all who come, and that a join's state,
 * `you` and lines leave in one write. Does not own: the lines.
 */
import { type Client, getMessageBytes, Protocol } from "@colyseus/core";
import type { ChatLine } from "@meme-rounds/shared-schema/round-state";
import { streamUnder, webSocketFrame } from "../infra/ws-frame.ts";

const frameOf = (line: ChatLine): Buffer =>
  webSocketFrame(getMessageBytes.raw(Protocol.ROOM_DATA, "chat", line));

export class Greeting {
  private made = { first: 0, last: 0, count: 0, bytes: Buffer.alloc(0) };

  /** To be called while a client joins, before anything listens to it: it gets `lines` once it is ready to hear them. */
  greet(client: Pick<Client, "ref">, lines: readonly ChatLine[]): void {
    // What is said between here and there is on its way to the client already.
    const bytes = this.bytesOf(lines);
    client.ref.once("message", () => {
      const stream = streamUnder(client.ref);
      if (!stream) return;
      // The room answers this message with the state and all that waits for this client: one system call, not sixty.
      stream.cork();
      stream.write(bytes);
      process.nextTick(() => stream.uncork());
    });
  }

  private bytesOf(lines: readonly ChatLine[]): Buffer {
    const first = lines[0]?.seq ?? 0;
    const last = lines.at(-1)?.seq ?? 0;
    const { made } = this;
    if (made.first !== first || made.last !== last || made.count !== lines.length)
      this.made = { first, last, count: lines.length, bytes: Buffer.concat(lines.map(frameOf)) };
    return this.made.bytes;
  }
}
