/**
 * Reading a relay's spectators in the order it writes to them. A process that waits for tens of thousands of sockets is
 * told of each by the kernel, in the middle of the relay's burst and on the cores the relay needs; spectators on machines
 * of their own cost a relay nothing of the kind. So nobody waits: every few ms a row is read from where it stood up to the
 * first socket with nothing in it. Owns: where a row stands. Does not own: sockets, what is read.
 */

export interface Reader {
  /** Reads what is there, or is over; false when there is nothing yet. */
  readNow(): boolean;
}

/** A row that stands so many calls at one socket goes on without it: it was left out, and the others were not. */
const PATIENCE = 100;

export class Row {
  private readonly readers: readonly Reader[];
  private at = 0;
  private stood = 0;

  /** `readers` in the order they came to the relay. */
  constructor(readers: readonly Reader[]) {
    this.readers = readers;
  }

  /** Reads on, each socket at most once. Returns how many had something. */
  read(): number {
    const { readers } = this;
    for (let count = 0; count < readers.length; count++) {
      if (readers[this.at]?.readNow() !== true && ++this.stood < PATIENCE) return count;
      this.stood = 0;
      this.at = (this.at + 1) % readers.length;
    }
    return readers.length;
  }
}

/** Between two readings, ms: what a latency can be longer by. */
export const REST_MS = 10;

/** Reads `rows` again and again, sleeping in between; timers and messages have their turn. Returns what ends it. */
export function keepReading(rows: readonly Row[]): () => void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let isOver = false;
  const turn = (): void => {
    if (isOver) return;
    for (const row of rows) row.read();
    Atomics.wait(cell, 0, 0, REST_MS);
    setImmediate(turn);
  };
  turn();
  return () => {
    isOver = true;
  };
}
