/**
 * Virtual time and chance of the lease simulation. Owns: the order of events, letting promises settle between them.
 * Does not own: what happens. The same seed gives the same run.
 */
import { Random } from "../../../../loadtest/src/money/random.ts";

interface Event {
  at: number;
  order: number;
  work: () => void;
}

export class World {
  readonly random: Random;
  /** ms since the epoch, by the world's own clock, which is Redis'. */
  now: number;
  /** What happened, for whoever replays a seed. */
  readonly log: string[] = [];
  /** Broken promises of the system under test. */
  readonly violations: string[] = [];
  private readonly queue: Event[] = [];
  private order = 0;

  constructor(seed: number, start: number) {
    this.random = new Random(seed);
    this.now = start;
  }

  at(time: number, work: () => void): void {
    const event = { at: Math.max(time, this.now), order: this.order++, work };
    const { queue } = this;
    let place = queue.length;
    queue.push(event);
    // A binary heap by time, then by order.
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = queue[parent] as Event;
      if (before(above, event)) break;
      queue[place] = above;
      place = parent;
    }
    queue[place] = event;
  }

  note(text: string): void {
    this.log.push(`${(this.now % 1_000_000) / 1_000} ${text}`);
  }

  violated(text: string): void {
    this.note(`VIOLATION ${text}`);
    this.violations.push(text);
  }

  /** Runs what falls due until `end`, in order; promises settle after each event. */
  async run(end: number): Promise<void> {
    for (;;) {
      const next = this.queue[0];
      if (next === undefined || next.at > end) break;
      this.pop();
      this.now = next.at;
      next.work();
      await settled();
    }
    this.now = end;
  }

  private pop(): void {
    const { queue } = this;
    const last = queue.pop() as Event;
    const size = queue.length;
    if (size === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      if (child + 1 < size && before(queue[child + 1] as Event, queue[child] as Event)) child += 1;
      if (before(last, queue[child] as Event)) break;
      queue[place] = queue[child] as Event;
      place = child;
    }
    queue[place] = last;
  }
}

const before = (one: Event, other: Event): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);

/** Longer than any chain of promises between two events. A turn of the real event loop would cost ten times as much. */
const TICKS = 25;

async function settled(): Promise<void> {
  for (let tick = 0; tick < TICKS; tick++) await null;
}
