/**
 * A spectator that comes back by itself, as the page does. Owns: its seat, when it last saw the round move.
 * Does not own: what is wrong with the servers.
 */
import { setTimeout as delay } from "node:timers/promises";
import { seatAnswer } from "@meme-rounds/shared-schema/rest";
import type { RoundView } from "@meme-rounds/shared-schema/sync-state";
import { Client } from "colyseus.js";

export interface WatcherDeps {
  /** Addresses of the servers that give seats, whether or not they are up. */
  urls(): readonly string[];
  now(): number;
  /** 0 up to 1. */
  random(): number;
}

const SEAT_MS = 1_500;
const JOIN_MS = 3_000;
const RETRY_MS = 400;

export class Watcher {
  /** `serverTime` of the newest state seen, and when it was seen; ms since the epoch. */
  newest = { serverTime: 0, seenAt: 0 };
  /** Sockets it had so far. */
  seats = 0;
  private readonly deps: WatcherDeps;
  private turn: number;

  constructor(index: number, deps: WatcherDeps) {
    this.deps = deps;
    this.turn = index;
  }

  /** Watches until the signal fires. Does not reject. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.sit(signal).catch(() => {
        this.turn += 1; // That server is away: the next one.
      });
      await delay(RETRY_MS * (0.5 + this.deps.random()), undefined, { signal }).catch(() => undefined);
    }
  }

  /** One seat, until it is lost or the signal fires. */
  private async sit(signal: AbortSignal): Promise<void> {
    const urls = this.deps.urls();
    const url = urls[this.turn % Math.max(1, urls.length)];
    if (url === undefined) throw new Error("there is no server");
    const response = await fetch(`${url}/api/audience/seat`, { signal: AbortSignal.timeout(SEAT_MS) });
    const seat = seatAnswer.parse(await response.json());
    const joining = new Client(url).consumeSeatReservation<RoundView>(seat as never);
    const room = await Promise.race([joining, this.late()]);
    if (room === undefined) {
      joining.then((late) => late.leave()).catch(() => undefined);
      throw new Error("no answer");
    }
    this.seats += 1;
    room.reconnection.enabled = false;
    room.onMessage("*", () => undefined);
    room.onStateChange((state) => {
      if (state.serverTime > this.newest.serverTime)
        this.newest = { serverTime: state.serverTime, seenAt: this.deps.now() };
    });
    const gone = new Promise<void>((resolve) => room.onLeave(() => resolve()));
    const ended = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    await Promise.race([gone, ended]);
    if (signal.aborted) await Promise.race([room.leave(), delay(300)]);
  }

  private async late(): Promise<undefined> {
    await delay(JOIN_MS, undefined, { ref: false });
    return undefined;
  }
}
