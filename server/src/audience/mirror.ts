/**
 * A relay's copy of one round's tap: the last snapshot and the frames after it, as bytes.
 * Owns: order, gaps, takeovers, what somebody who joins is sent. Does not own: Redis, sockets, the game; decodes nothing.
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  decodeSnapshot,
  decodeTapFrame,
  TAP_KIND,
  type TapFrame,
  type TapSnapshot,
  type TapStored,
} from "../infra/tap-format.ts";

/** SWITCH_TO_STRUCTURE root: a patch may begin at the root without saying so. */
const AT_ROOT = Buffer.from([255, 0]);

/** `ended`: the round closed its tap. `superseded`: another process took the round over, with other object ids. */
export type MirrorEnd = "ended" | "superseded" | "silent";

export interface MirrorEvents {
  /** Bytes for everybody who has joined: a patch or a room message, whole frames. */
  forward(bytes: Buffer): void;
  /** A full ROOM_STATE that replaces what everybody has, after a gap that could not be filled. */
  resync(bytes: Buffer): void;
  end(reason: MirrorEnd): void;
}

export interface MirrorOptions {
  /** How long `start` waits for a first snapshot, ms. */
  waitMs: number;
  /** Without any frame for so long the tap is taken for dead, ms. */
  silenceMs: number;
}

export interface MirrorDeps {
  /** Snapshot and log, read in one atomic step. */
  load(): Promise<TapStored>;
  now: () => number;
  events: MirrorEvents;
  onError(error: unknown): void;
}

export interface Mirror {
  /** Loads the first snapshot; frames must already be flowing into `receive`. @throws Error when none appears. */
  start(): Promise<void>;
  /** One frame of the tap's channel. */
  receive(frame: Buffer): void;
  /** The schema's description for JOIN_ROOM. */
  handshake(): Buffer;
  /** The frames for somebody who joins now: one ROOM_STATE, then messages. Cached until the next frame. */
  joinFrames(): readonly Buffer[];
  /** Ends the mirror when the tap has been silent too long. */
  checkSilence(): void;
  /** Gaps seen since the start. */
  gaps(): number;
}

export function createMirror(options: MirrorOptions, deps: MirrorDeps): Mirror {
  let snapshot: TapSnapshot | undefined;
  let epoch = 0;
  let seq = 0;
  /** The seq the snapshot includes. */
  let base = 0;
  let tail: TapFrame[] = [];
  let pending: TapFrame[] = [];
  let loading = false;
  let over = false;
  let gapCount = 0;
  let lastHeard = deps.now();
  let cache: readonly Buffer[] | undefined;

  const end = (reason: MirrorEnd): void => {
    if (over) return;
    over = true;
    deps.events.end(reason);
  };

  const adopt = (frame: TapFrame): void => {
    // An older snapshot than the one held would need frames that were let go.
    if (snapshot !== undefined && frame.seq < base) return;
    snapshot = decodeSnapshot(frame.body);
    epoch = frame.epoch;
    base = frame.seq;
    tail = tail.filter((one) => one.seq > frame.seq);
    cache = undefined;
  };

  const append = (frame: TapFrame): void => {
    seq = frame.seq;
    tail.push(frame);
    cache = undefined;
    deps.events.forward(frame.body);
  };

  /** False when frames before this one are missing. */
  const apply = (frame: TapFrame): boolean => {
    if (over || frame.epoch < epoch) return true;
    if (frame.epoch > epoch) {
      end("superseded");
      return true;
    }
    if (frame.kind === TAP_KIND.snapshot) {
      if (frame.seq > seq) return false;
      adopt(frame);
      return true;
    }
    if (frame.kind === TAP_KIND.end) {
      end("ended");
      return true;
    }
    if (frame.seq <= seq) return true;
    if (frame.seq !== seq + 1) return false;
    append(frame);
    return true;
  };

  const joinFrames = (): readonly Buffer[] => {
    if (cache !== undefined) return cache;
    if (snapshot === undefined) throw new Error("the mirror has not started");
    const state: Buffer[] = [snapshot.state];
    const messages = [...snapshot.greeting];
    for (const frame of tail) {
      if (frame.kind === TAP_KIND.patch) state.push(AT_ROOT, frame.body.subarray(1));
      else messages.push(frame.body);
    }
    cache = [Buffer.concat(state), ...messages];
    return cache;
  };

  /** Takes over what Redis holds. True when the mirror now stands on a snapshot without a hole after it. */
  const takeStored = (stored: TapStored): boolean => {
    if (stored.snapshot === null) return false;
    const full = decodeTapFrame(stored.snapshot);
    if (full.epoch < epoch) return false;
    if (snapshot !== undefined && full.epoch > epoch) {
      end("superseded");
      return true;
    }
    const log = stored.log.map(decodeTapFrame).filter((frame) => frame.epoch === full.epoch);
    const first = snapshot === undefined;
    const filled = !first && (log.some((frame) => frame.seq === seq + 1) || full.seq <= seq);
    if (!filled) {
      tail = [];
      seq = full.seq;
      adopt(full);
    }
    const missed = log.filter((frame) => frame.seq > seq).sort((left, right) => left.seq - right.seq);
    for (const frame of missed) {
      if (frame.seq !== seq + 1) break;
      if (filled) append(frame);
      else {
        seq = frame.seq;
        tail.push(frame);
      }
    }
    if (filled && full.seq <= seq) adopt(full);
    cache = undefined;
    if (!first && !filled) {
      deps.events.resync(joinFrames()[0] as Buffer);
      for (const frame of tail) if (frame.kind === TAP_KIND.message) deps.events.forward(frame.body);
    }
    return true;
  };

  /** Frames that arrived during a load; false when they leave a gap again. */
  const drain = (): boolean => {
    const waiting = pending;
    pending = [];
    for (const [index, frame] of waiting.entries()) {
      if (apply(frame)) continue;
      pending = waiting.slice(index);
      return false;
    }
    return true;
  };

  const load = async (deadline: number): Promise<void> => {
    loading = true;
    try {
      while (!over) {
        if (takeStored(await deps.load()) && drain()) return;
        if (deps.now() >= deadline) throw new Error("the round's tap holds no usable snapshot");
        await pause(50);
      }
    } finally {
      loading = false;
    }
  };

  return {
    async start() {
      await load(deps.now() + options.waitMs);
      lastHeard = deps.now();
    },
    receive(bytes) {
      if (over) return;
      lastHeard = deps.now();
      const frame = decodeTapFrame(bytes);
      if (loading || snapshot === undefined) {
        pending.push(frame);
        return;
      }
      if (apply(frame)) return;
      gapCount++;
      pending.push(frame);
      load(deps.now() + options.waitMs).catch((error: unknown) => {
        deps.onError(error);
        end("silent");
      });
    },
    handshake() {
      if (snapshot === undefined) throw new Error("the mirror has not started");
      return snapshot.handshake;
    },
    joinFrames,
    checkSilence() {
      if (deps.now() - lastHeard >= options.silenceMs) end("silent");
    },
    gaps: () => gapCount,
  };
}
