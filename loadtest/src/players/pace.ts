/**
 * Things done at an even pace, whether or not the last one is answered yet: a server that slows down does not slow down
 * who asks it. Owns: when each is due. Does not own: what is done.
 */

export interface PaceOptions {
  /** How many a second. */
  rate: number;
  seconds: number;
}

export interface PaceDeps {
  /** ms. */
  now(): number;
  /** Resolves some ms later. */
  rest(): Promise<void>;
  signal: AbortSignal;
}

/**
 * Calls `act` with 0, 1, 2 ... and when it was due (ms). After a delay of its own it does all that are due by then at
 * once, still told the time at which each was due: a delay counts as waiting. Answers how many it did.
 */
export async function atPace(
  { rate, seconds }: PaceOptions,
  { now, rest, signal }: PaceDeps,
  act: (index: number, dueAt: number) => void,
): Promise<number> {
  const from = now();
  const count = Math.floor(rate * seconds);
  let done = 0;
  while (done < count && !signal.aborted) {
    const due = Math.min(count, Math.floor(((now() - from) * rate) / 1_000) + 1);
    for (; done < due; done++) act(done, from + (done * 1_000) / rate);
    if (done < count) await rest();
  }
  return done;
}
