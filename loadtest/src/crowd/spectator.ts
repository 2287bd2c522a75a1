/**
 * Somebody on a relay. Owns: where it stands in what that relay sends, and that each update is the next one.
 * Does not own: its bytes (light-socket.ts), what the relay sent (stream.ts), who is counted.
 */
import { Protocol } from "colyseus.js";
import { type Address, LightSocket, type Listener } from "./light-socket.ts";
import type { Reader } from "./row.ts";
import type { RelayStream, Stand } from "./stream.ts";

/** One for all spectators of a process. */
export interface SpectatorDeps {
  /** Where their bytes arrive. */
  readonly inbox: Buffer;
  /** One that began at `beganAt` (ms of `performance`) has its state. */
  seated(beganAt: number): void;
  /** One has an update that is counted, so many ms after the change. */
  delivered(ms: number): void;
  /** One is over; `code`: the close frame's, 0 without one. Called once for each. */
  gone(one: Spectator, code: number): void;
}

export class Spectator implements Listener, Stand, Reader {
  began = -1;
  at = -1;
  isSeated = false;
  isOdd = false;
  readonly stream: RelayStream;
  private isGone = false;
  private readonly beganAt: number;
  private readonly socket: LightSocket;
  private readonly deps: SpectatorDeps;

  constructor(address: Address, stream: RelayStream, beganAt: number, deps: SpectatorDeps) {
    this.stream = stream;
    this.beganAt = beganAt;
    this.deps = deps;
    this.socket = new LightSocket(address, this, deps.inbox);
  }

  drop(): void {
    this.socket.drop();
  }

  stopListening(): void {
    this.socket.stopListening();
  }

  readNow(): boolean {
    return this.socket.readNow();
  }

  isCurrent(): boolean {
    return this.at === this.stream.length - 1 || this.isOdd || this.isGone;
  }

  frame(bytes: Buffer, from: number, to: number): void {
    const code = bytes[from];
    if (code !== Protocol.ROOM_STATE && code !== Protocol.ROOM_STATE_PATCH) return;
    const { stream } = this;
    if (!this.isSeated) {
      Object.assign(this, stream.begin(bytes, from, to));
      this.isSeated = true;
      this.deps.seated(this.beganAt);
      return;
    }
    if (!stream.follow(this, bytes, from, to)) this.isOdd = true;
    // What was under way when counting began is no part of it.
    if (this.at < stream.counted.from || this.at >= stream.counted.to) return;
    this.deps.delivered(Date.now() - stream.timeOf(this.at));
  }

  gone(code: number): void {
    this.isGone = true;
    this.deps.gone(this, code);
  }
}
