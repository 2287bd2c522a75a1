/**
 * One light client of a room or a relay: the SDK's handshake over a bare socket, a few hundred bytes of memory.
 * Owns: connecting, the upgrade, answering pings and the JOIN_ROOM frame. Does not own: what the frames say.
 */
import { readSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { Protocol } from "colyseus.js";
import { descriptorOf, NO_DESCRIPTOR, writeNow } from "../../../server/src/infra/direct-write.ts";
import { clientFrame, cutFrames, type FrameTaker, OPCODE } from "./frames.ts";

export interface Listener {
  /** One Colyseus frame, `bytes` from `from` to before `to`: its first byte is the protocol's code. Not kept. */
  frame(bytes: Buffer, from: number, to: number): void;
  /** Called once, whoever ended it. `code`: the close frame's, 0 without one. */
  gone(code: number): void;
}

const ACKNOWLEDGED = clientFrame(OPCODE.binary, Uint8Array.of(Protocol.JOIN_ROOM));
const PONG = clientFrame(OPCODE.pong, new Uint8Array());
const END_OF_HEAD = "\r\n\r\n";
const NOTHING = Buffer.alloc(0);

export interface Address {
  host: string;
  port: number;
  /** Path and query. */
  path: string;
  /**
   * The address and port it comes from: one of this machine's own, for one has too few ports for tens of thousands.
   * Without a port the kernel looks for a free one, which takes longer than all the rest once most are taken.
   */
  from: { address: string; port?: number };
  /** X-Forwarded-For: whom the server counts it as. */
  caller: string;
}

export class LightSocket implements FrameTaker {
  private readonly socket: Socket;
  private readonly inbox: Buffer;
  private descriptor = NO_DESCRIPTOR;
  private readonly listener: Listener;
  private rest: Buffer = NOTHING;
  private upgraded = false;
  /** Its descriptor may be somebody else's by now, though its end has not been told yet. */
  private isClosed = false;
  private over = false;
  private code = 0;

  /** `inbox`: where bytes arrive, the same for all sockets of a process: each empties it before the next one reads. */
  constructor(address: Address, listener: Listener, inbox: Buffer) {
    const { host, port, path, from, caller } = address;
    this.listener = listener;
    this.inbox = inbox;
    const onread = {
      buffer: inbox,
      callback: (length: number): boolean => {
        this.read(inbox, length);
        return true;
      },
    };
    this.socket = connect({
      host,
      port,
      localAddress: from.address,
      localPort: from.port,
      noDelay: true,
      onread,
    });
    this.socket.on("connect", () => {
      this.socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Forwarded-For: ${caller}${END_OF_HEAD}`,
      );
    });
    // `close` follows.
    this.socket.on("error", () => {
      this.isClosed = true;
    });
    this.socket.on("close", () => this.end());
  }

  /** Ends it without a word, as a browser that is closed. */
  drop(): void {
    this.isClosed = true;
    this.socket.destroy();
  }

  /** From here on nothing is heard but by `readNow`. */
  stopListening(): void {
    this.socket.pause();
    this.descriptor = descriptorOf(this.socket);
  }

  /** Reads what is there, or is over; false when there is nothing yet. */
  readNow(): boolean {
    if (this.isClosed) return true;
    try {
      const length = readSync(this.descriptor, this.inbox);
      if (length === 0) this.drop();
      else this.read(this.inbox, length);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") return false;
      this.drop();
    }
    return true;
  }

  private read(inbox: Buffer, length: number): void {
    let bytes = inbox;
    let end = length;
    if (this.rest.length > 0) {
      bytes = Buffer.concat([this.rest, inbox.subarray(0, length)]);
      end = bytes.length;
      this.rest = NOTHING;
    }
    if (!this.upgraded) {
      bytes = bytes.subarray(0, end);
      const head = bytes.indexOf(END_OF_HEAD);
      if (head < 0) {
        this.rest = Buffer.from(bytes);
        return;
      }
      this.code = Number(bytes.subarray(9, 12).toString());
      if (this.code !== 101) {
        this.drop();
        return;
      }
      this.upgraded = true;
      this.code = 0;
      bytes = bytes.subarray(head + END_OF_HEAD.length);
      end = bytes.length;
    }
    const at = cutFrames(bytes, end, this);
    // A copy: the inbox belongs to whoever reads next.
    if (at < end) this.rest = Buffer.from(bytes.subarray(at, end));
  }

  take(opcode: number, bytes: Buffer, from: number, to: number): void {
    if (opcode === OPCODE.binary) {
      if (bytes[from] === Protocol.JOIN_ROOM) this.socket.write(ACKNOWLEDGED);
      this.listener.frame(bytes, from, to);
    } else if (opcode === OPCODE.ping) writeNow(this.socket, PONG);
    else if (opcode === OPCODE.close) {
      this.code = to - from >= 2 ? bytes.readUInt16BE(from) : 1005;
      this.socket.end();
    }
  }

  private end(): void {
    this.isClosed = true;
    if (this.over) return;
    this.over = true;
    this.listener.gone(this.code);
  }
}
