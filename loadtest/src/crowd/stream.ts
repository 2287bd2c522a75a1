/**
 * What one relay sends its spectators, kept once for all of them: the frames of state in their order, and the states
 * people began with. Owns: telling identical bytes apart from others, decoding each once, the state each stand comes to.
 * Does not own: sockets, what the state should be.
 *
 * A spectator that got the same frames as another holds the same state, so it is enough to know where it began and how
 * far it is. Whoever got anything else than the next frame of the relay is odd, and fails the run.
 */
import { Decoder } from "@colyseus/schema";
import { hashJson } from "@meme-rounds/shared-schema/hash";
import { RoundView } from "@meme-rounds/shared-schema/sync-state";

/** Where a spectator stands: the state it began with, and the last frame it has. */
export interface Stand {
  /** Index of the state it began with. */
  began: number;
  /** Index of the last frame it has; before the first, that of the frame its state includes. */
  at: number;
}

interface Beginning {
  state: Buffer;
  /** The frame that follows it. */
  next: number;
}

/** A state some spectators hold, and the moment it is of. */
export interface Held {
  /** sha256 of the state's canonical JSON, hex. */
  hash: string;
  /** ms. */
  serverTime: number;
  spectators: number;
}

/** Bytes of somebody's inbox: `bytes` from `from` to before `to`. */
const isSame = (known: Buffer, bytes: Buffer, from: number, to: number): boolean =>
  known.length === to - from && bytes.compare(known, 0, known.length, from, to) === 0;

const decoderOf = (): Decoder<RoundView> => new Decoder(new RoundView());
/** The first byte says what kind of frame it is; the state's bytes follow. */
const apply = (decoder: Decoder<RoundView>, frame: Buffer): void => {
  decoder.decode(frame, { offset: 1 });
};

export class RelayStream {
  private readonly beginnings: Beginning[] = [];
  private readonly frames: Buffer[] = [];
  private readonly times: number[] = [];
  private readonly live = decoderOf();
  /** Frames that are counted, if any: from the one to before the other. */
  counted = { from: 0, to: 0 };

  /** Frames so far. */
  get length(): number {
    return this.frames.length;
  }

  /** `serverTime` of the state a stand has come to, ms. */
  timeOf(at: number): number {
    return this.times[at] ?? 0;
  }

  /** Somebody's first whole state: `bytes` from `from` to before `to`. */
  begin(bytes: Buffer, from = 0, to = bytes.length): Stand {
    const last = this.beginnings.at(-1);
    if (last !== undefined && isSame(last.state, bytes, from, to))
      return { began: this.beginnings.length - 1, at: -1 };
    const state = Buffer.from(bytes.subarray(from, to));
    if (this.beginnings.length === 0) apply(this.live, state);
    this.beginnings.push({ state, next: -1 });
    return { began: this.beginnings.length - 1, at: -1 };
  }

  /** The next frame of state a spectator got, likewise. False when it is not the one that comes next at its relay. */
  follow(stand: Stand, bytes: Buffer, from = 0, to = bytes.length): boolean {
    const beginning = this.beginnings[stand.began];
    if (beginning === undefined) return false;
    let next = stand.at + 1;
    if (stand.at < 0) {
      // The first frame after a state: which one that is, the first of its kind finds out.
      if (beginning.next < 0) beginning.next = this.find(bytes, from, to);
      next = beginning.next;
    }
    const known = this.frames[next];
    if (known === undefined) this.add(bytes.subarray(from, to));
    else if (!isSame(known, bytes, from, to)) return false;
    stand.at = next;
    return true;
  }

  /** Index of this frame, or the one it will have. */
  private find(bytes: Buffer, from: number, to: number): number {
    const at = this.frames.findLastIndex((known) => isSame(known, bytes, from, to));
    return at < 0 ? this.frames.length : at;
  }

  private add(frame: Buffer): void {
    const copy = Buffer.from(frame);
    this.frames.push(copy);
    apply(this.live, copy);
    this.times.push(this.live.state.serverTime);
  }

  /** The states these spectators hold now, each decoded from its beginning on by the real decoder. */
  held(stands: Iterable<Stand>): Held[] {
    const counts = new Map<string, { began: number; at: number; spectators: number }>();
    for (const { began, at } of stands) {
      const key = `${began} ${at}`;
      const one = counts.get(key) ?? { began, at, spectators: 0 };
      one.spectators++;
      counts.set(key, one);
    }
    return [...counts.values()].map(({ began, at, spectators }) => {
      const decoder = decoderOf();
      const beginning = this.beginnings[began];
      if (beginning !== undefined) {
        apply(decoder, beginning.state);
        for (let each = Math.max(0, beginning.next); each <= at; each++) {
          const frame = this.frames[each];
          if (frame !== undefined) apply(decoder, frame);
        }
      }
      const { state } = decoder;
      return { hash: hashJson(state.toJSON()), serverTime: state.serverTime, spectators };
    });
  }
}
