/**
 * The report a scenario is given: its interface, and one made on this machine's clock. Does not own: what it keeps
 * (recorder.ts), the live view (live.ts), the files (files.ts).
 */
import { cpus, release, totalmem } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Bound } from "./document.ts";
import { readMachine, readProcess, readProportional } from "./proc.ts";
import { Recorder, type RecorderOptions } from "./recorder.ts";

export type { Bound } from "./document.ts";

/** What a scenario is given as its third argument. */
export interface Report {
  /** What goes on from now on; `limitSeconds`: how long at most. */
  phase(text: string, limitSeconds?: number): void;
  /** A value of a time series, taken now. The unit is the chart's; the first one told counts. */
  point(chart: string, series: string, value: number, unit?: string): void;
  /** Latencies, or anything else of which percentiles tell; the same name is the same one. */
  histogram(name: string, unit: string): Histogram;
  /** A stated bound or invariant. One that does not hold makes the exit status 1. The same name again replaces it. */
  bound(bound: Bound): void;
  /** CPU, memory and descriptors of a process, each second, from now on until it ends. */
  watch(name: string, pid: number): void;
  /** Numbers for the last line printed and the report; told again, they are added to and replaced by name. */
  figures(values: object): void;
  /** A sentence people should read; shown at once, kept in the report. */
  note(text: string): void;
}

export interface Histogram {
  /** `times`: so many of the same value (those another process has counted). */
  record(value: number, times?: number): void;
  /** Of everything so far, `share` 0..1; NaN of nothing. */
  percentile(share: number): number;
  readonly count: number;
}

/** ms between two looks of the event loop at itself. */
const LOOK_MS = 10;

/** A recorder of this process, on this machine's clock. `say` shows people a sentence at once. */
export function createRecorder(options: RecorderOptions, say: (text: string) => void): Recorder {
  const whole = monitorEventLoopDelay({ resolution: LOOK_MS });
  const second = monitorEventLoopDelay({ resolution: LOOK_MS });
  whole.enable();
  second.enable();
  // Node counts the time between two looks: what is beyond the agreed one is lateness.
  const late = (nanoseconds: number): number =>
    Number.isFinite(nanoseconds) ? Math.max(0, Number((nanoseconds / 1e6 - LOOK_MS).toPrecision(4))) : 0;
  return new Recorder(options, {
    now: () => Date.now(),
    readProcess,
    readMachine,
    readProportional,
    lag: () => ({
      p50: late(whole.percentile(50)),
      p99: late(whole.percentile(99)),
      greatest: late(whole.max),
    }),
    lagNow: () => {
      const ms = late(second.percentile(99));
      second.reset();
      return ms;
    },
    say,
    machine: () => ({
      cores: cpus().length,
      model: cpus()[0]?.model ?? "",
      memory: totalmem(),
      node: process.version,
      kernel: release(),
    }),
  });
}
