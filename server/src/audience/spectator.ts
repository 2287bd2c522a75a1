/**
 * One spectator's socket on `ws`. Owns: writing bytes framed once for all, and the few fields a spectator takes; no
 * closures, for there are tens of thousands. Does not own: what is sent, when, or what a spectator's message means.
 */
import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import { descriptorOf, NO_DESCRIPTOR, writeNow } from "../infra/direct-write.ts";
import { webSocketFrame } from "../infra/ws-frame.ts";

const WS_PING = Buffer.from([0x89, 0]);

/** Frames on their way to many: framed for `ws` once, at the first socket that needs it. */
export class Parcel {
  readonly frames: readonly Buffer[];
  private made: Buffer | undefined;
  private madeWithPing: Buffer | undefined;

  constructor(frames: readonly Buffer[]) {
    this.frames = frames;
  }

  /** All frames as WebSocket frames, in one piece. */
  get wire(): Buffer {
    this.made ??= Buffer.concat(this.frames.map(webSocketFrame));
    return this.made;
  }

  /** The same, and a ping behind it. */
  get wireAndPing(): Buffer {
    this.madeWithPing ??= Buffer.concat([this.wire, WS_PING]);
    return this.madeWithPing;
  }
}

/** What a crowd needs of a socket, on whatever transport. */
export interface Spectator {
  /** Has its state: it gets what is written from now on. */
  joined: boolean;
  /** Has been heard of since the last ping. */
  alive: boolean;
  /** Messages since the last ping. */
  messages: number;
  /** Which of the pings is its own. */
  wave: number;
  /** The next thing it is given takes a ping along: a ping that goes alone costs both ends as much as an update. */
  owesPing: boolean;
  /** From here on `seating` hears what it sends. */
  sit(seating: Seating): void;
  give(parcel: Parcel): void;
  isOpen(): boolean;
  /** Bytes it has not read. */
  unread(): number;
  /** Pings it now. */
  ping(): void;
  close(code: number, reason: string): void;
  /** Cuts it off: a close frame would wait behind what it does not read. */
  drop(): void;
}

/** Who a socket reports to. */
export interface Seating {
  hear(one: Spectator, data: Uint8Array): void;
  gone(one: Spectator): void;
}

/** Whoever let a socket in, and counts it. */
export interface Door {
  gone(one: Spectator): void;
}

/** `ws` makes one per connection (WebSocketServer's option `WebSocket`). */
export class SpectatorSocket extends WebSocket implements Spectator {
  joined = false;
  alive = true;
  messages = 0;
  wave = 0;
  owesPing = false;
  private stream: Duplex | undefined;
  private descriptor = NO_DESCRIPTOR;
  private door: Door | undefined;
  private seating: Seating | undefined;

  /** The stream it was made of, for bytes framed already, and who counts it. Call it once, before anything is sent. */
  open(stream: Duplex, door: Door): void {
    this.stream = stream;
    this.descriptor = descriptorOf(stream);
    this.door = door;
    this.on("error", failed);
    this.on("close", left);
  }

  /** Begins to listen; before, nothing a client sends is heard. */
  sit(seating: Seating): void {
    this.seating = seating;
    this.on("message", heard);
    this.on("pong", ponged);
  }

  // ws writes whole frames at once (compression is off), so none of ours lands inside one of its own.
  give(parcel: Parcel): void {
    if (this.readyState !== WebSocket.OPEN || this.stream === undefined) return;
    writeNow(this.stream, this.owesPing ? parcel.wireAndPing : parcel.wire, this.descriptor);
    this.owesPing = false;
  }

  isOpen(): boolean {
    return this.readyState === WebSocket.OPEN;
  }

  unread(): number {
    return this.stream?.writableLength ?? 0;
  }

  override ping(): void {
    this.owesPing = false;
    if (this.readyState === WebSocket.OPEN) this.stream?.write(WS_PING);
  }

  drop(): void {
    this.terminate();
  }

  told(data: Uint8Array): void {
    this.seating?.hear(this, data);
  }

  goes(): void {
    this.door?.gone(this);
    this.seating?.gone(this);
  }
}

/** A peer that breaks off or breaks the protocol; `ws` closes the socket after it. */
function failed(): void {}

function heard(this: WebSocket, data: unknown): void {
  if (this instanceof SpectatorSocket && data instanceof Uint8Array) this.told(data);
}

function ponged(this: WebSocket): void {
  if (this instanceof SpectatorSocket) this.alive = true;
}

function left(this: WebSocket): void {
  if (this instanceof SpectatorSocket) this.goes();
}
