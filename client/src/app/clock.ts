/**
 * The server's clock as seen from here. Owns: the offset, from times the server said. A message can only arrive late,
 * so of the last few offsets the largest is nearest to the truth. Does not own: timers.
 */
export interface ServerClock {
  /** ms; the local clock until the server has said something. */
  now(): number;
  heard(serverTime: number): void;
}

const SAMPLES = 30;

export function createServerClock(deps: { now: () => number }): ServerClock {
  const offsets: number[] = [];
  let offset = 0;
  return {
    now: () => deps.now() + offset,
    heard(serverTime) {
      offsets.push(serverTime - deps.now());
      if (offsets.length > SAMPLES) offsets.shift();
      offset = Math.max(...offsets);
    },
  };
}
