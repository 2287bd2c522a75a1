/**
 * A journal being read, record by record, into all that a room goes on from (R4, R5): the state, who was answered what, and
 * the scoreboard as it was when it went dark. Owns: putting those together. Does not own: reading, what a record does.
 */
import { apply, hashVouchers, openState, type Unhashed } from "@meme-rounds/shared-schema/reducer";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import type { StoredEntry } from "./journal-store.ts";
import { type Standings, standingsOf } from "./projection.ts";
import { RefBook } from "./refs.ts";

export interface Replayed {
  state: RoundState;
  refs: RefBook;
  /** Absent where the round was never dark (R6). */
  darkened: Standings | undefined;
}

export class Replay {
  private readonly refs = new RefBook();
  private readonly unhashed: Unhashed = new Map();
  private state: RoundState | undefined;
  private darkened: Standings | undefined;

  /** The last record it has; undefined before the first. */
  get head(): Readonly<RoundState["head"]> | undefined {
    return this.state?.head;
  }

  /** The next record. Throws when it cannot follow: then nothing of this replay counts. */
  add(item: StoredEntry): void {
    const { record } = item.entry;
    if (this.state === undefined) this.state = openState(item.entry);
    else {
      if (record.kind === "phase" && record.body.to === "blind") this.darkened = standingsOf(this.state);
      apply(this.state, item.entry, this.unhashed);
    }
    this.refs.replay(item);
  }

  /** What it comes to; undefined where there was no record. */
  done(): Replayed | undefined {
    hashVouchers(this.unhashed);
    return this.state && { state: this.state, refs: this.refs, darkened: this.darkened };
  }
}
