/** What a scenario can tell while it runs. Owns: the words of it. Does not own: what becomes of them (recorder.ts). */
import type { Bound } from "./document.ts";

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
