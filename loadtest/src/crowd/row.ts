/**
 * Reading a relay's spectators in the order it writes to them. A process that waits for tens of thousands of sockets is
 * told of each by the kernel, in the middle of the relay's burst and on the cores the relay needs; spectators on machines
 * of their own cost a relay nothing of the kind. So nobody waits: every few ms a row is read from where it stood up to the
 * first that has not got the newest update yet. Owns: where a row stands. Does not own: sockets, what is read.
 */

export interface Reader {
  /** Reads what is there; false when there is nothing yet. */
  readNow(): boolean;
  /** Has what anybody of the row has, or will get no more. */
  isCurrent(): boolean;
}

/** Between two readings, ms: what a latency can be longer by. */
const REST_MS = 10;
/**
 * A row that stands so many readings (10 s) at one reader goes on without it: it was left out, and the others were not.
 * Longer than an update takes to be with everybody.
 */
const PATIENCE = 1_000;

export class Row {
  private readonly readers: readonly Reader[];
  private at = 0;
  /** How many in a row, up to `at`, were current when they were passed. */
  private passed: number;
  private stood = 0;

  /** `readers` in the order they came to the relay; not empty. */
  constructor(readers: readonly Reader[]) {
    this.readers = readers;
    this.passed = readers.length;
  }

  /** Reads on. */
  read(): void {
    const { readers } = this;
    // All had the same: one look tells whether there is something newer. It may be with one that was passed by now.
    if (this.passed === readers.length) {
      if (readers[this.at]?.readNow() !== true) return;
      this.passed = 0;
    }
    for (; this.passed < readers.length; this.passed++) {
      const reader = readers[this.at];
      // What has just been read may not be the newest: that is under way then.
      if (
        reader &&
        !reader.isCurrent() &&
        !(reader.readNow() && reader.isCurrent()) &&
        ++this.stood < PATIENCE
      )
        return;
      this.stood = 0;
      this.at = (this.at + 1) % readers.length;
    }
  }
}

/** Reads `rows` again and again for as long as the process lives, sleeping in between; timers and messages have their turn. */
export function keepReading(rows: readonly Row[]): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const turn = (): void => {
    // Each row ends at a socket with nothing in it, which node tells by an error: its stack would cost more than reading.
    const depth = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    for (const row of rows) row.read();
    Error.stackTraceLimit = depth;
    Atomics.wait(cell, 0, 0, REST_MS);
    setImmediate(turn);
  };
  turn();
}
