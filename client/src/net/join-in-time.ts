/**
 * A join that cannot hang. Owns: giving up one that is not answered, and one whose room is elsewhere meanwhile (R5).
 * Does not own: joining, trying again.
 */
import type { LiveRoom } from "./rooms.ts";

const JOIN_MS = 8_000;
/** While a join is not answered, it is asked this often whether the round has moved, ms. */
const MOVED_MS = 700;

export interface JoinDeps {
  after: (ms: number, work: () => void) => () => void;
  /** True when the room that is being joined is not the round's any more. Must not reject. */
  hasMoved: () => Promise<boolean>;
}

/** The room, or a rejection: what `begin` rejects with, or that it was given up. A room that comes too late is left. */
export function joinInTime(begin: () => Promise<LiveRoom>, deps: JoinDeps): Promise<LiveRoom> {
  return new Promise((resolve, reject) => {
    let over = false;
    let cancelAsking = (): void => undefined;
    const end = (): void => {
      over = true;
      cancelWaiting();
      cancelAsking();
    };
    const giveUp = (why: string): void => {
      if (over) return;
      end();
      reject(new Error(why));
    };
    const cancelWaiting = deps.after(JOIN_MS, () => giveUp("the room did not answer"));
    const ask = (): void => {
      cancelAsking = deps.after(MOVED_MS, () => {
        void deps.hasMoved().then((moved) => {
          if (moved) giveUp("the round has moved");
          else if (!over) ask();
        });
      });
    };
    ask();
    begin().then(
      (live) => {
        if (over) return live.leave();
        end();
        resolve(live);
      },
      (error: unknown) => {
        if (over) return;
        end();
        reject(error);
      },
    );
  });
}
