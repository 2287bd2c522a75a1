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
  type TapKind,
  type TapSnapshot,
  type TapStored,
} from "../infra/tap-format.ts";

/** SWITCH_TO_STRUCTURE root: a patch may begin at the root without saying so. */
export const AT_ROOT = Buffer.from([255, 0]);

/**
 * `ended`: the round closed its tap. `silent`: nothing came for too long, or nothing usable. `changed`: the new owner's
 * state is described in another way, as after a new release, and a client is told of that only when it comes.
 */
export type MirrorEnd = "ended" | "silent" | "changed";

export interface MirrorEvents {
  /** A patch, a room message or a line for everybody who has joined: whole Colyseus frames. */
  forward(bytes: Buffer, kind: Carried): void;
  /**
   * A full ROOM_STATE that replaces what everybody has: after a gap that could not be filled, and when another process
   * has taken the round over (`moved`), whose objects have ids of their own (R5).
   */
  resync(bytes: Buffer, moved: boolean): void;
  end(reason: MirrorEnd): void;
}

/** What is passed on as it comes. */
export type Carried = Exclude<TapKind, typeof TAP_KIND.snapshot | typeof TAP_KIND.end>;

/** What somebody who joins is sent, as of one frame of the tap; later frames do not change it. */
export interface Stand {
  /** One ROOM_STATE, then messages. Put together at the first call. */
  frames(): readonly Buffer[];
  /** Length of the ROOM_STATE, bytes; known without putting it together. */
  stateBytes: number;
}

const isCarried = (frame: TapFrame): frame is TapFrame & { kind: Carried } =>
  frame.kind !== TAP_KIND.snapshot && frame.kind !== TAP_KIND.end;

function standOf(snapshot: TapSnapshot, tail: readonly TapFrame[]): Stand {
  const state: Buffer[] = [snapshot.state];
  const messages = [...snapshot.greeting];
  for (const frame of tail) {
    if (frame.kind === TAP_KIND.patch) state.push(AT_ROOT, frame.body.subarray(1));
    else messages.push(frame.body);
  }
  let made: readonly Buffer[] | undefined;
  return {
    stateBytes: state.reduce((sum, { length }) => sum + length, 0),
    frames: () => {
      made ??= [Buffer.concat(state), ...messages];
      return made;
    },
  };
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
  /** What somebody who joins now is sent; the same until the next frame. */
  stand(): Stand;
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
  let cache: Stand | undefined;

  const end = (reason: MirrorEnd): void => {
    if (over) return;
    over = true;
    deps.events.end(reason);
  };

  const adopt = (frame: TapFrame): void => {
    // An older snapshot than the one held would need frames that were let go.
    if (snapshot !== undefined && frame.epoch === epoch && frame.seq < base) return;
    snapshot = decodeSnapshot(frame.body);
    epoch = frame.epoch;
    base = frame.seq;
    tail = tail.filter((one) => one.seq > frame.seq);
    cache = undefined;
  };

  const append = (frame: TapFrame & { kind: Carried }): void => {
    seq = frame.seq;
    tail.push(frame);
    cache = undefined;
    deps.events.forward(frame.body, frame.kind);
  };

  /** False when frames before this one are missing: also all that a new owner of the round has said before. */
  const apply = (frame: TapFrame): boolean => {
    if (over || frame.epoch < epoch) return true;
    if (frame.kind === TAP_KIND.end) {
      end("ended");
      return true;
    }
    if (frame.epoch > epoch) return false;
    if (frame.kind === TAP_KIND.snapshot) {
      if (frame.seq > seq) return false;
      adopt(frame);
      return true;
    }
    if (frame.seq <= seq) return true;
    if (frame.seq !== seq + 1) return false;
    append(frame as TapFrame & { kind: Carried });
    return true;
  };

  const stand = (): Stand => {
    if (snapshot === undefined) throw new Error("the mirror has not started");
    cache ??= standOf(snapshot, tail);
    return cache;
  };

  /** Takes over what Redis holds. True when the mirror now stands on a snapshot without a hole after it. */
  const takeStored = (stored: TapStored): boolean => {
    if (stored.snapshot === null) return false;
    const full = decodeTapFrame(stored.snapshot);
    if (full.epoch < epoch) return false;
    const log = stored.log.map(decodeTapFrame).filter((frame) => frame.epoch === full.epoch);
    const first = snapshot === undefined;
    const moved = !first && full.epoch > epoch;
    const filled = !first && !moved && (log.some((frame) => frame.seq === seq + 1) || full.seq <= seq);
    /** What those who are here have been told of this epoch. */
    const told = moved ? 0 : seq;
    const described = snapshot?.handshake;
    if (!filled) {
      tail = [];
      seq = full.seq;
      adopt(full);
    }
    if (moved && described && snapshot && !described.equals(snapshot.handshake)) {
      end("changed");
      return true;
    }
    const ordered = log.filter(isCarried).sort((left, right) => left.seq - right.seq);
    for (const frame of ordered) {
      if (frame.seq <= seq) continue;
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
      deps.events.resync(stand().frames()[0] as Buffer, moved);
      // A state says nothing of what was said: lines and notices of the gap come after it, once.
      for (const frame of ordered)
        if (frame.kind !== TAP_KIND.patch && frame.seq > told && frame.seq <= seq)
          deps.events.forward(frame.body, frame.kind);
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
    stand,
    checkSilence() {
      if (deps.now() - lastHeard >= options.silenceMs) end("silent");
    },
    gaps: () => gapCount,
  };
}
