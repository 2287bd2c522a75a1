/**
 * An append whose answer was lost is asked about again (R4, R5): Redis restarted or a connection broke in between, and
 * nobody knows whether the records were written. Owns: which errors leave that open, asking again. Does not own: the
 * append, which is made so that the same again changes nothing (journal-store.ts).
 */
import { ConflictError, FencedError } from "./journal-store.ts";

/** Between two tries, ms, and how many there are: beyond that the round is better replayed. */
const PAUSE_MS = 100;
const TRIES = 40;

/** Redis or the journal said no: nothing was written, and asking again changes nothing about it. */
const isClear = (error: unknown): boolean =>
  error instanceof FencedError ||
  error instanceof ConflictError ||
  (error instanceof Error && error.name === "ReplyError");

/** Resolves once the records are in the journal. Rejects with what says that they are not, or after TRIES tries. */
export async function appendSurely(
  append: () => Promise<void>,
  after: (ms: number, work: () => void) => void,
): Promise<void> {
  for (let left = TRIES; ; left--) {
    try {
      await append();
      return;
    } catch (error) {
      if (isClear(error) || left <= 1) throw error;
    }
    await new Promise<void>((resolve) => after(PAUSE_MS, resolve));
  }
}
