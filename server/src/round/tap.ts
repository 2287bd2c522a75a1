/**
 * The tap of a live round: publishes its encoded public patches and messages for the relays (design 7).
 * Owns: the tap's channel and keys in Redis, numbering, bounds. Does not own: encoding state (serializer.ts), sockets.
 */
import { getMessageBytes, Protocol } from "@colyseus/core";
import type { Redis } from "ioredis";
import type { Logger } from "../infra/logger.ts";
import {
  encodeSnapshot,
  encodeTapFrame,
  TAP_KIND,
  TAP_LOG_LENGTH,
  TAP_TTL_SECONDS,
  type TapKind,
  tapKeys,
} from "../infra/tap-format.ts";

/** Writes Redis has not answered yet; beyond it frames are skipped, and relays resync from the next snapshot. */
const MAX_IN_FLIGHT = 256;

export interface TapMessage {
  type: string;
  payload: object;
}

export interface TapOptions {
  roundId: string;
  /** u32 that grows with every takeover of the round: the lease's fencing token. Unix seconds by default. */
  epoch?: number;
}

export interface TapDeps {
  /** A connection of the tap's own: nothing else must delay it. `close()` leaves it open. */
  redis: Redis;
  logger: Logger;
  now?: () => number;
  /** Messages everyone who joins must see (the last chat lines, R10); asked once per snapshot. */
  greeting?: () => TapMessage[];
}

export interface Tap {
  /** One encoded public patch (ROOM_STATE_PATCH frame). The bytes must not be reused by the caller. */
  patch(bytes: Uint8Array): void;
  /** The full public state (ROOM_STATE frame) right after the last patch, and the schema's handshake. */
  snapshot(state: Uint8Array, handshake: Uint8Array): void;
  /** A room message for every spectator: chat, notice, settled, model. */
  message(type: string, payload: object): void;
  /** Says that the round is over here; relays close their sockets. Resolves when Redis has it. */
  close(): Promise<void>;
}

/** A room message as spectators receive it: the same bytes `client.send(type, payload)` would make. */
const messageBytes = (type: string, payload: object): Buffer =>
  getMessageBytes.raw(Protocol.ROOM_DATA, type, payload);

/** Opens a tap. Nothing is written before the first patch, message or snapshot. */
export function createTap(options: TapOptions, deps: TapDeps): Tap {
  const { redis, logger } = deps;
  const now = deps.now ?? Date.now;
  const keys = tapKeys(options.roundId);
  const epoch = (options.epoch ?? Math.floor(now() / 1_000)) >>> 0;
  let seq = 0;
  let inFlight = 0;
  let closed = false;

  type Step = (multi: ReturnType<Redis["multi"]>) => ReturnType<Redis["multi"]>;
  const write = async (step: Step): Promise<void> => {
    if (inFlight >= MAX_IN_FLIGHT) {
      if (inFlight === MAX_IN_FLIGHT) logger.warn({ roundId: options.roundId }, "tap skips: Redis is behind");
      return;
    }
    inFlight++;
    try {
      const replies = await step(redis.multi()).exec();
      const failed = replies?.find(([error]) => error !== null);
      if (failed?.[0]) throw failed[0];
    } catch (error) {
      logger.error({ err: error, roundId: options.roundId }, "tap could not publish");
    } finally {
      inFlight--;
    }
  };

  const append = (kind: TapKind, bytes: Uint8Array): void => {
    if (closed) return;
    seq++;
    const frame = encodeTapFrame(kind, epoch, seq, bytes);
    void write((multi) =>
      multi
        .rpush(keys.log, frame)
        .ltrim(keys.log, -TAP_LOG_LENGTH, -1)
        .expire(keys.log, TAP_TTL_SECONDS)
        .publish(keys.channel, frame),
    );
  };

  return {
    patch: (bytes) => append(TAP_KIND.patch, bytes),
    message: (type, payload) =>
      append(type === "chat" ? TAP_KIND.line : TAP_KIND.message, messageBytes(type, payload)),
    snapshot(state, handshake) {
      if (closed) return;
      const greeting = (deps.greeting?.() ?? []).map((one) => messageBytes(one.type, one.payload));
      const body = encodeSnapshot(handshake, state, greeting);
      const frame = encodeTapFrame(TAP_KIND.snapshot, epoch, seq, body);
      void write((multi) => multi.set(keys.full, frame, "EX", TAP_TTL_SECONDS).publish(keys.channel, frame));
    },
    async close() {
      if (closed) return;
      closed = true;
      const frame = encodeTapFrame(TAP_KIND.end, epoch, seq, Buffer.alloc(0));
      // Short, not gone: a process that took the round over renews them with its next snapshot.
      await write((multi) => multi.publish(keys.channel, frame).expire(keys.full, 5).expire(keys.log, 5));
    },
  };
}
