/**
 * What travels between a round's tap and the relays: keys, channel and the bytes of a frame.
 * Owns: the layout. Does not own: who writes (the round) or reads (the audience), nor what a patch means.
 *
 * Frame: [kind u8][epoch u32 LE][seq u32 LE][body]. `epoch` grows with every process that takes the round over;
 * `seq` counts patches, messages and lines of one epoch from 1. A snapshot carries the seq it includes.
 */
import type { Redis } from "ioredis";

/** `line` is a message a relay may leave out where very many watch: a line of chat. */
export const TAP_KIND = { patch: 1, snapshot: 2, message: 3, end: 4, line: 5 } as const;
export type TapKind = (typeof TAP_KIND)[keyof typeof TAP_KIND];

/** How many frames a relay can miss and still catch up without asking its spectators for anything. */
export const TAP_LOG_LENGTH = 128;
/** The tap's keys live this long after their last write, s. */
export const TAP_TTL_SECONDS = 900;

const HEADER_BYTES = 9;
const KINDS: ReadonlySet<number> = new Set(Object.values(TAP_KIND));

export interface TapFrame {
  kind: TapKind;
  epoch: number;
  seq: number;
  body: Buffer;
}

/** What a spectator needs to start: state as of a seq, its description, and messages shown to everyone who joins. */
export interface TapSnapshot {
  handshake: Buffer;
  /** ROOM_STATE frame, first byte included. */
  state: Buffer;
  /** ROOM_DATA frames, in order. */
  greeting: Buffer[];
}

/** What Redis holds of a tap: the last snapshot frame (null when there is none) and the last frames after it. */
export interface TapStored {
  snapshot: Buffer | null;
  log: Buffer[];
}

export const tapKeys = (roundId: string) => ({
  channel: `mr:tap:${roundId}`,
  full: `mr:tap:${roundId}:full`,
  log: `mr:tap:${roundId}:log`,
});

export function encodeTapFrame(kind: TapKind, epoch: number, seq: number, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  frame[0] = kind;
  frame.writeUInt32LE(epoch, 1);
  frame.writeUInt32LE(seq, 5);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/** @throws RangeError on bytes that are no tap frame. */
export function decodeTapFrame(frame: Buffer): TapFrame {
  const kind = frame[0];
  if (frame.length < HEADER_BYTES || kind === undefined || !KINDS.has(kind))
    throw new RangeError("not a tap frame");
  return {
    kind: kind as TapKind,
    epoch: frame.readUInt32LE(1),
    seq: frame.readUInt32LE(5),
    body: frame.subarray(HEADER_BYTES),
  };
}

/** Body of a snapshot frame: parts, each behind its u32 LE length. */
export function encodeSnapshot(handshake: Uint8Array, state: Uint8Array, greeting: Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const part of [handshake, state, ...greeting]) {
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32LE(part.length);
    parts.push(length, part);
  }
  return Buffer.concat(parts);
}

/** @throws RangeError on a body that was cut short. */
export function decodeSnapshot(body: Buffer): TapSnapshot {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const start = at + 4;
    at = start + body.readUInt32LE(at);
    if (at > body.length) throw new RangeError("snapshot cut short");
    parts.push(body.subarray(start, at));
  }
  const [handshake, state, ...greeting] = parts;
  if (handshake === undefined || state === undefined) throw new RangeError("snapshot without a state");
  return { handshake, state, greeting };
}

/** Reads snapshot and log in one atomic step, so that the log has no hole after the snapshot. */
export async function readTap(redis: Redis, roundId: string): Promise<TapStored> {
  const keys = tapKeys(roundId);
  const replies = await redis.multi().getBuffer(keys.full).lrangeBuffer(keys.log, 0, -1).exec();
  const [[fullError, full], [logError, log]] = replies as [[Error | null, unknown], [Error | null, unknown]];
  if (fullError ?? logError) throw fullError ?? logError;
  return {
    snapshot: Buffer.isBuffer(full) ? full : null,
    log: Array.isArray(log) ? log.filter((item) => Buffer.isBuffer(item)) : [],
  };
}
