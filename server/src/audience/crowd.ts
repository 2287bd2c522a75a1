/**
 * The spectators of one round: who has the state, what each of them is sent, who is too slow, silent or talks too much.
 * Owns: joining, writing in slices, back-pressure, liveness. Does not own: what the frames say and when they leave
 * (feed.ts), how a socket writes (spectator.ts), accepting connections.
 */
import { getMessageBytes, Protocol } from "@colyseus/core";
import type { Stand } from "./mirror.ts";
import { Parcel, type Seating, type Spectator } from "./spectator.ts";

/** Close codes of the relay. The SDK leaves the room on each (no retry of its own): take a new seat where it says so. */
export const AUDIENCE_CLOSE = {
  /** The round ended or its tap fell silent, or the relay goes away: fetch a new seat, after a random part of a second. */
  reseat: 4100,
  /** More messages than a spectator has reason to send. */
  flood: 4101,
  /** The relay is full: fetch a new seat later. */
  full: 4102,
} as const;

/** Between two pings to the same socket lie so many calls of `ping`; a ping may wait for one more. */
export const PING_WAVES = 29;

const CONSENTED = 4000;
/** Messages a spectator may send between two pings (acknowledgement, its own pings, leaving). */
const MAX_MESSAGES_PER_PING = 60;
/** Sockets written to in one go: some 8 ms. */
const SLICE = 1_000;

export interface CrowdOptions {
  /** Unsent bytes a spectator may have beside its first state before it is dropped. */
  maxBufferedBytes: number;
}

export interface CrowdDeps {
  handshake(): Buffer;
  /** Calls once the work in hand is done. */
  soon(run: () => void): void;
  /** A frame has gone to so many, and so many were dropped as too slow. */
  wrote(sockets: number, dropped: number): void;
}

export interface Crowd extends Seating {
  /** Seats a connected socket: says hello, and sends the state once the client has acknowledged it. */
  seat(one: Spectator, options: { skipHandshake: boolean }): void;
  /** What somebody who joins from now on is sent. */
  show(stand: Stand): void;
  /**
   * Sends frames to all who have their state now. In slices: behind what is on its way, before whatever comes later.
   * `sent` is called after the last.
   */
  send(frames: readonly Buffer[], sent: () => void): void;
  /**
   * Pings a part of all, with their next frame or at the next call, and drops those of it that did not answer the last
   * time. Call it once a second.
   */
  ping(): void;
  size(): number;
  closeAll(code: number, reason: string): void;
}

interface Job {
  parcel: Parcel;
  receivers: readonly Spectator[];
  next: number;
  dropped: number;
  sent(): void;
}

export function createCrowd(options: CrowdOptions, deps: CrowdDeps): Crowd {
  const members = new Set<Spectator>();
  /** Those of them that have their state. Apart, so that nobody is looked at twice for each update. */
  const watching = new Set<Spectator>();
  const jobs: Job[] = [];
  let welcome: { stand: Stand; parcel: Parcel | undefined } | undefined;
  let hello: Parcel | undefined;
  const pong = new Parcel([getMessageBytes[Protocol.PING]()]);
  let seated = 0;
  let wave = 0;
  let pinged: Spectator[] = [];

  const greet = (one: Spectator): void => {
    if (welcome === undefined) return;
    one.joined = true;
    watching.add(one);
    welcome.parcel ??= new Parcel(welcome.stand.frames());
    one.give(welcome.parcel);
  };

  const slice = (): void => {
    const [job] = jobs;
    if (job === undefined) return;
    const limit = options.maxBufferedBytes + (welcome?.stand.stateBytes ?? 0);
    const end = Math.min(job.next + SLICE, job.receivers.length);
    for (; job.next < end; job.next++) {
      const one = job.receivers[job.next] as Spectator;
      if (one.unread() > limit) {
        one.drop();
        job.dropped++;
      } else one.give(job.parcel);
    }
    const isDone = job.next === job.receivers.length;
    if (isDone) jobs.shift();
    if (jobs.length > 0) deps.soon(slice);
    if (!isDone) return;
    deps.wrote(job.receivers.length, job.dropped);
    job.sent();
  };

  return {
    seat(one, { skipHandshake }) {
      one.wave = seated++ % PING_WAVES;
      members.add(one);
      one.sit(this);
      hello ??= new Parcel([getMessageBytes[Protocol.JOIN_ROOM]("spectator", "schema", deps.handshake())]);
      one.give(
        skipHandshake ? new Parcel([getMessageBytes[Protocol.JOIN_ROOM]("spectator", "schema")]) : hello,
      );
    },
    hear(one, data) {
      one.alive = true;
      if (++one.messages > MAX_MESSAGES_PER_PING) {
        one.close(AUDIENCE_CLOSE.flood, "too many messages");
        return;
      }
      const code = data[0];
      if (code === Protocol.JOIN_ROOM && !one.joined) greet(one);
      else if (code === Protocol.PING) one.give(pong);
      else if (code === Protocol.LEAVE_ROOM) one.close(CONSENTED, "");
      // Anything else is a command: spectators have none.
    },
    gone(one) {
      members.delete(one);
      watching.delete(one);
    },
    show(stand) {
      if (welcome?.stand !== stand) welcome = { stand, parcel: undefined };
    },
    send(frames, sent) {
      jobs.push({ parcel: new Parcel(frames), receivers: [...watching], next: 0, dropped: 0, sent });
      if (jobs.length === 1) slice();
    },
    ping() {
      for (const one of pinged) if (one.owesPing) one.ping();
      pinged = [];
      for (const one of members) {
        if (one.wave !== wave) continue;
        if (!one.alive) {
          one.drop();
          continue;
        }
        one.alive = false;
        one.messages = 0;
        one.owesPing = true;
        pinged.push(one);
      }
      wave = (wave + 1) % PING_WAVES;
    },
    size: () => members.size,
    closeAll(code, reason) {
      for (const one of members) one.close(code, reason);
    },
  };
}
