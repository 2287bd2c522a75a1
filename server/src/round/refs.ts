/**
 * Which commands were answered, and how (protocol.md 6). Owns: the last refs of each player, so that the same command
 * again gets the same answer. Does not own: answers' signatures: they are made anew when somebody asks, for a journal of
 * hundreds of thousands of records is read in seconds only without them.
 */
import type { ErrorCode } from "@meme-rounds/shared-schema/errors";
import type { Accepted, Rejected } from "@meme-rounds/shared-schema/messages";
import type { Entry } from "@meme-rounds/shared-schema/records";
import type { CommandMark, StoredEntry } from "./journal-store.ts";

/** Refs remembered per player: a client has one command of a kind in flight. */
const MAX_REFS = 32;

export type Answer = ({ ok: true } & Accepted) | ({ ok: false } & Rejected);

/** What an accepted command became. */
export interface Written {
  seq: number;
  /** ms. */
  at: number;
  hash: string;
}

/** `waiting`: it is not decided or not durable yet. */
export type Outcome =
  | { kind: "waiting"; answer: Promise<Answer> }
  | ({ kind: "accepted" } & Written)
  | { kind: "rejected"; code: ErrorCode; message: string | undefined };

interface Remembered {
  digest: string;
  outcome: Outcome;
}

export class RefBook {
  private readonly players = new Map<string, Map<string, Remembered>>();

  get(playKey: string, ref: string): Readonly<Remembered> | undefined {
    return this.players.get(playKey)?.get(ref);
  }

  /** Remembers a command; the oldest of its player is forgotten where there are too many. */
  note({ playKey, ref, digest }: CommandMark, outcome: Outcome): void {
    let mine = this.players.get(playKey);
    if (mine === undefined) {
      mine = new Map();
      this.players.set(playKey, mine);
    }
    mine.set(ref, { digest, outcome });
    if (mine.size <= MAX_REFS) return;
    const oldest = mine.keys().next().value;
    if (oldest !== undefined) mine.delete(oldest);
  }

  /** A command that waited has its answer; nothing where it was forgotten meanwhile. */
  settle({ playKey, ref }: CommandMark, outcome: Outcome): void {
    const had = this.players.get(playKey)?.get(ref);
    if (had !== undefined) had.outcome = outcome;
  }

  /** Remembers what a journal says was answered. */
  replay({ entry, mark }: StoredEntry): void {
    if (mark) this.note(mark, writtenAs(entry));
  }
}

export function writtenAs({ record, hash }: Entry): { kind: "accepted" } & Written {
  return { kind: "accepted", seq: record.seq, at: record.at, hash };
}
