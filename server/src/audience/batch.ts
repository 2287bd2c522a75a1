/**
 * What a round's spectators are sent next: patches and messages of some time, as few Colyseus frames. Pure.
 * Owns: joining patches into one, leaving out what a later whole state says, the order of messages among them.
 * Does not own: when it leaves (pace.ts), sockets.
 */
import { AT_ROOT } from "./mirror.ts";

/** The whole state as of everything that was put in; see Stand of mirror.ts. */
export interface Whole {
  stateBytes: number;
  frames(): readonly Buffer[];
}

type Part = { kind: "state" | "message"; frame: Buffer } | { kind: "patch"; frames: Buffer[]; bytes: number };

export class Batch {
  private parts: Part[] = [];

  get isEmpty(): boolean {
    return this.parts.length === 0;
  }

  /** A ROOM_STATE_PATCH frame, to be applied after all that was put in before. */
  patch(frame: Buffer): void {
    const last = this.parts.at(-1);
    if (last?.kind === "patch") {
      last.frames.push(frame);
      last.bytes += AT_ROOT.length + frame.length - 1;
    } else this.parts.push({ kind: "patch", frames: [frame], bytes: frame.length });
  }

  message(frame: Buffer): void {
    this.parts.push({ kind: "message", frame });
  }

  /** A ROOM_STATE frame that replaces whatever a client holds: the patches before it need not be sent any more. */
  state(frame: Buffer): void {
    this.parts = this.parts.filter(({ kind }) => kind === "message");
    this.parts.push({ kind: "state", frame });
  }

  /**
   * The frames to be sent, in order; the batch is empty then. Where patches are longer than the whole state, that is
   * sent instead, in the place of the first: what a message speaks of is never behind it.
   */
  take(whole: Whole): Buffer[] {
    const { parts } = this;
    this.parts = [];
    const bytes = parts.reduce((sum, part) => sum + (part.kind === "patch" ? part.bytes : 0), 0);
    const state = bytes > whole.stateBytes ? whole.frames()[0] : undefined;
    if (state === undefined) return parts.map((part) => (part.kind === "patch" ? joined(part) : part.frame));
    const at = parts.findIndex(({ kind }) => kind !== "message");
    return parts.flatMap((part, index) => {
      if (part.kind === "message") return [part.frame];
      return index === at ? [state] : [];
    });
  }
}

/** Each patch begins at the root, whether it says so or not. */
function joined({ frames, bytes }: Part & { kind: "patch" }): Buffer {
  const [first] = frames;
  if (frames.length === 1 && first !== undefined) return first;
  const all = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const [index, frame] of frames.entries()) {
    if (index > 0) at += AT_ROOT.copy(all, at);
    at += frame.copy(all, at, index === 0 ? 0 : 1);
  }
  return all;
}
