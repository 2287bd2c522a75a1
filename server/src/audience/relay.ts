/**
 * One process's relay: joins the taps of rounds to their spectators.
 * Owns: one mirror, feed and crowd per watched round, when they open and close, what it counts of itself.
 * Does not own: accepting sockets (door.ts), choosing a relay (seats.ts), the game; what passes through is not read.
 */
import type { Redis } from "ioredis";
import type { Logger } from "../infra/logger.ts";
import { counter, gauge } from "../infra/metrics.ts";
import { readTap, tapKeys } from "../infra/tap-format.ts";
import { AUDIENCE_CLOSE, type Crowd, createCrowd } from "./crowd.ts";
import { createFeed, type Feed } from "./feed.ts";
import { createMirror, type Mirror, type MirrorEnd } from "./mirror.ts";
import { flushMs, rushMs } from "./pace.ts";
import type { Spectator } from "./spectator.ts";

export interface RelayLimits {
  /** Unsent bytes a spectator may have. */
  maxBufferedBytes: number;
  /** Sockets this process carries at most. */
  maxSpectators: number;
  /** Rounds this process mirrors at most: round ids come from outside. */
  maxRounds: number;
  /** A round nobody watches any more is let go after this, ms. */
  lingerMs: number;
  /** A tap without a frame for this long is dead, ms: longer than another process takes to take the round over (R5). */
  silenceMs: number;
  /** How long the first spectator waits for the round's first snapshot, ms. */
  waitMs: number;
}

export const RELAY_LIMITS: RelayLimits = {
  maxBufferedBytes: 256 * 1024,
  maxSpectators: 20_000,
  maxRounds: 64,
  lingerMs: 60_000,
  silenceMs: 20_000,
  waitMs: 3_000,
};

export interface RelayDeps {
  /** For reading taps. */
  redis: Redis;
  /** For subscriptions only. */
  subscriber: Redis;
  logger: Logger;
  now: () => number;
  /** Calls after so many ms unless the function it returns was called before. */
  after(ms: number, run: () => void): () => void;
  /** Calls once the work in hand is done. */
  soon(run: () => void): void;
}

interface Watched {
  mirror: Mirror;
  feed: Feed;
  crowd: Crowd;
  ready: Promise<void>;
  isReady: boolean;
  emptySince: number | undefined;
}

/** What a spectator's address says beside the round. */
export interface SeatRequest {
  /** A client that was here before and wants to go on. */
  isReturning: boolean;
  /** It knows the state's description already. */
  skipHandshake: boolean;
}

export interface Relay {
  /** Seats a socket in a round, or closes it with a code that says what to do. Never rejects. */
  seat(roundId: string, one: Spectator, request: SeatRequest): Promise<void>;
  /** A socket was opened, or is gone. */
  opened(): void;
  gone(one: Spectator): void;
  /** Spectators per round, here. */
  counts(): Map<string, number>;
  /** Silence, lingering, a part of the pings: call it once a second. */
  tick(): void;
  /** Lets all rounds go and closes every socket with the code that sends its client to another relay. */
  stop(): void;
}

export function createRelay(limits: RelayLimits, deps: RelayDeps): Relay {
  const { redis, subscriber, logger, now, after, soon } = deps;
  const rounds = new Map<string, Watched>();
  let sockets = 0;
  /** Who came in this second, and in the one before. */
  let arrivals = 0;
  let arrived = 0;
  let stopped = false;
  const carried = gauge("mr_audience_sockets", "Spectators' sockets this process carries.");
  const writes = counter("mr_audience_writes_total", "Writes to spectators' sockets.");
  const slow = counter("mr_audience_slow_total", "Spectators dropped because they read too slowly.");
  const resyncs = counter("mr_audience_resyncs_total", "Whole states sent to all spectators of a round.", [
    "reason",
  ]);
  const unsaid = counter("mr_audience_lines_left_out_total", "Lines of chat not passed on to a large round.");

  subscriber.on("messageBuffer", (channel: Buffer, message: Buffer) => {
    const watched = rounds.get(channel.toString().slice(tapKeys("").channel.length));
    try {
      watched?.mirror.receive(message);
    } catch (error) {
      logger.error({ err: error }, "a tap sent what is no tap frame");
    }
  });

  const release = (roundId: string, watched: Watched, code: number, reason: string): void => {
    if (rounds.get(roundId) !== watched) return;
    rounds.delete(roundId);
    watched.feed.flush();
    watched.feed.stop();
    watched.crowd.closeAll(code, reason);
    subscriber.unsubscribe(tapKeys(roundId).channel).catch((error: unknown) => {
      logger.warn({ err: error, roundId }, "could not unsubscribe from a tap");
    });
  };

  const watch = (roundId: string): Watched => {
    const mirror = createMirror(limits, {
      load: () => readTap(redis, roundId),
      now,
      events: {
        forward: (bytes, kind) => feed.forward(bytes, kind),
        resync: (bytes, moved) => {
          logger.warn({ roundId, moved }, "sends the whole state to all");
          resyncs.inc({ reason: moved ? "takeover" : "gap" });
          feed.resync(bytes);
        },
        end: (reason: MirrorEnd) => {
          logger.info({ roundId, reason }, "tap over");
          release(roundId, watched, AUDIENCE_CLOSE.reseat, reason);
        },
      },
      onError: (error) => logger.error({ err: error, roundId }, "could not catch up with a tap"),
    });
    const crowd = createCrowd(limits, {
      handshake: () => mirror.handshake(),
      soon,
      wrote(count, dropped) {
        writes.inc(count - dropped);
        slow.inc(dropped);
        if (dropped > 0) logger.info({ roundId, dropped }, "dropped spectators that read too slowly");
      },
    });
    const feed = createFeed({
      now,
      after,
      stand: () => mirror.stand(),
      everyMs: () => flushMs(sockets),
      restMs: (tookMs) => rushMs(Math.max(arrivals, arrived), tookMs),
      spectators: () => crowd.size(),
      show: (stand) => crowd.show(stand),
      send: (frames, sent) => crowd.send(frames, sent),
      leftOut: () => unsaid.inc(),
    });
    // Subscribed before the snapshot is read, so nothing falls between the two.
    const ready = subscriber.subscribe(tapKeys(roundId).channel).then(async () => {
      await mirror.start();
      feed.flush();
      crowd.show(mirror.stand());
      watched.isReady = true;
    });
    const watched: Watched = { mirror, feed, crowd, ready, isReady: false, emptySince: now() };
    rounds.set(roundId, watched);
    ready.catch((error: unknown) => {
      logger.info({ roundId, err: error }, "nothing to mirror");
      release(roundId, watched, AUDIENCE_CLOSE.reseat, "no such round");
    });
    return watched;
  };

  return {
    async seat(roundId, one, { isReturning, skipHandshake }) {
      if (stopped) return one.close(AUDIENCE_CLOSE.reseat, "going away");
      // A relay keeps no sessions: a client that was dropped starts afresh, with an empty state.
      if (isReturning) return one.close(AUDIENCE_CLOSE.reseat, "take a new seat");
      const known = rounds.get(roundId);
      if (sockets > limits.maxSpectators || (!known && rounds.size >= limits.maxRounds))
        return one.close(AUDIENCE_CLOSE.full, "full");
      const watched = known ?? watch(roundId);
      try {
        // Not waited for where there is nothing to wait for: the hello goes with the answer to the upgrade.
        if (!watched.isReady) await watched.ready;
      } catch {
        // `watch` has logged it.
        return one.close(AUDIENCE_CLOSE.reseat, "no such round");
      }
      if (rounds.get(roundId) !== watched) return one.close(AUDIENCE_CLOSE.reseat, "round over");
      if (one.isOpen()) watched.crowd.seat(one, { skipHandshake });
    },
    opened() {
      arrivals++;
      carried.set(++sockets);
    },
    gone() {
      carried.set(--sockets);
    },
    counts: () => new Map([...rounds].map(([roundId, { crowd }]) => [roundId, crowd.size()])),
    tick() {
      arrived = arrivals;
      arrivals = 0;
      // While Redis is away nobody hears anything: that says nothing about the rounds.
      const hearing = subscriber.status === "ready";
      for (const [roundId, watched] of rounds) {
        watched.crowd.ping();
        if (hearing) watched.mirror.checkSilence();
        if (watched.crowd.size() > 0) watched.emptySince = undefined;
        else {
          watched.emptySince ??= now();
          if (now() - watched.emptySince >= limits.lingerMs)
            release(roundId, watched, AUDIENCE_CLOSE.reseat, "nobody watches");
        }
      }
    },
    stop() {
      stopped = true;
      for (const [roundId, watched] of rounds) release(roundId, watched, AUDIENCE_CLOSE.reseat, "going away");
    },
  };
}
