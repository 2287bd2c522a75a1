/** Long work in short stretches. Owns: the pauses, in which sockets and timers get their turn. Does not own: the work. */
import { setImmediate as turn } from "node:timers/promises";

/** Calls `work` for each item, in order, `size` of them without a pause. Rejects with what `work` throws. */
export async function inSlices<T>(
  items: readonly T[],
  size: number,
  work: (item: T) => void,
  pause: () => Promise<unknown> = turn,
): Promise<void> {
  for (let from = 0; from < items.length; from += size) {
    if (from > 0) await pause();
    for (const item of items.slice(from, from + size)) work(item);
  }
}
