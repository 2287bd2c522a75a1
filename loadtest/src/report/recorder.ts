/**
 * What a scenario told, in bounded memory. Owns: series, percentiles, bounds, notes, the processes that are watched, and
 * the document of it all. Does not own: drawing it (live.ts, html.ts), writing it (files.ts), clocks.
 */

import type { Histogram, Report } from "./contract.ts";
import { Distribution } from "./distribution.ts";
import type { Bound, Chart, Latency, ReportDocument } from "./document.ts";
import { Watcher, type WatcherDeps } from "./watcher.ts";
import { Windows } from "./windows.ts";

export interface RecorderOptions {
  scenario: string;
  options: ReportDocument["options"];
}

export interface RecorderDeps extends Omit<WatcherDeps, "point"> {
  /** How late this process was since it began, ms. */
  lag(): { p50: number; p99: number; greatest: number };
  /** How late it was since the last call, ms. */
  lagNow(): number;
  machine(): ReportDocument["machine"];
  /** Shows people a sentence at once. */
  say(text: string): void;
}

const MAX_CHARTS = 48;
const MAX_SERIES = 40;
const MAX_NOTES = 200;
const MAX_PHASES = 500;
const POINTS = { max: 480, widthMs: 500 };
const WINDOWS = { max: 240, widthMs: 1_000 };

interface Seen {
  count: number;
  sum: number;
  least: number;
  greatest: number;
}

interface Line {
  windows: Windows<Seen>;
  latest: number;
}

interface Measured extends Histogram {
  unit: string;
  whole: Distribution;
  windows: Windows<Distribution>;
}

const nothingSeen = (): Seen => ({
  count: 0,
  sum: 0,
  least: Number.POSITIVE_INFINITY,
  greatest: Number.NEGATIVE_INFINITY,
});

function joinSeen(earlier: Seen, later: Seen): void {
  earlier.count += later.count;
  earlier.sum += later.sum;
  earlier.least = Math.min(earlier.least, later.least);
  earlier.greatest = Math.max(earlier.greatest, later.greatest);
}

export class Recorder implements Report {
  readonly startedAt: number;
  readonly scenario: string;
  readonly bounds = new Map<string, Bound>();
  readonly notes: string[] = [];
  readonly phases: { at: number; text: string }[] = [];
  /** What goes on, since when (ms), for how long at most (s). */
  current: { text: string; since: number; limitSeconds: number | undefined } | undefined;
  readonly watcher: Watcher;
  private readonly options: ReportDocument["options"];
  private readonly deps: RecorderDeps;
  private readonly charts = new Map<string, { unit: string; series: Map<string, Line> }>();
  private readonly measured = new Map<string, Measured>();
  private values: Record<string, unknown> = {};
  /** Values that were no number, and series beyond the cap. */
  private leftOut = 0;

  constructor({ scenario, options }: RecorderOptions, deps: RecorderDeps) {
    this.scenario = scenario;
    this.options = options;
    this.deps = deps;
    this.startedAt = deps.now();
    this.watcher = new Watcher({ ...deps, point: (...args) => this.point(...args) });
  }

  phase(text: string, limitSeconds?: number): void {
    const since = this.deps.now();
    this.current = { text, since, limitSeconds };
    if (this.phases.length < MAX_PHASES) this.phases.push({ at: since - this.startedAt, text });
  }

  point(chart: string, series: string, value: number, unit = ""): void {
    const line = this.line(chart, series, unit);
    if (line === undefined || !Number.isFinite(value)) {
      this.leftOut++;
      return;
    }
    line.latest = value;
    joinSeen(line.windows.at(this.deps.now()), { count: 1, sum: value, least: value, greatest: value });
  }

  histogram(name: string, unit: string): Histogram {
    const known = this.measured.get(name);
    if (known !== undefined) return known;
    const { now } = this.deps;
    const whole = new Distribution();
    const windows = new Windows<Distribution>(
      { ...WINDOWS, from: this.startedAt },
      { empty: () => new Distribution(), join: (earlier, later) => earlier.join(later) },
    );
    const made: Measured = {
      unit,
      whole,
      windows,
      record: (value, times = 1) => {
        if (!Number.isFinite(value) || !(times > 0)) {
          this.leftOut++;
          return;
        }
        whole.record(value, times);
        windows.at(now()).record(value, times);
      },
      percentile: (share) => whole.percentile(share),
      get count() {
        return whole.count;
      },
    };
    this.measured.set(name, made);
    return made;
  }

  bound(bound: Bound): void {
    const { floor } = bound;
    const ratio = bound.ratio ?? (floor === undefined || floor === 0 ? undefined : bound.value / floor);
    this.bounds.set(bound.name, {
      ...bound,
      value: short(bound.value),
      limit: short(bound.limit),
      ...(floor === undefined ? {} : { floor: short(floor) }),
      ...(ratio === undefined ? {} : { ratio: short(ratio) }),
    });
  }

  watch(name: string, pid: number): void {
    this.watcher.add(name, pid);
  }

  figures(values: object): void {
    this.values = { ...this.values, ...values };
  }

  note(text: string): void {
    this.deps.say(text);
    if (this.notes.length < MAX_NOTES) this.notes.push(text);
  }

  /** One second's look at the processes and at itself. */
  async sample(): Promise<void> {
    await this.watcher.sample();
    this.point("lateness of the harness", "event loop, p99 of a second", this.deps.lagNow(), "ms");
  }

  /** The newest value of every series, by chart. */
  latest(): { chart: string; unit: string; series: string; value: number }[] {
    return [...this.charts].flatMap(([chart, { unit, series }]) =>
      [...series].map(([name, { latest }]) => ({ chart, unit, series: name, value: latest })),
    );
  }

  histograms(): { name: string; unit: string; histogram: Histogram }[] {
    return [...this.measured].map(([name, one]) => ({ name, unit: one.unit, histogram: one }));
  }

  get everyBoundHolds(): boolean {
    return [...this.bounds.values()].every(({ holds }) => holds);
  }

  get collected(): Record<string, unknown> {
    return this.values;
  }

  async document(outcome: { ok: boolean; ended?: string }): Promise<ReportDocument> {
    const notes = [...this.notes];
    if (this.leftOut > 0)
      notes.push(`${this.leftOut} values were no number or had no room, and are left out.`);
    if (this.watcher.dropped > 0) notes.push(`${this.watcher.dropped} more processes were not watched.`);
    return {
      scenario: this.scenario,
      ...outcome,
      startedAt: new Date(this.startedAt).toISOString(),
      ms: this.deps.now() - this.startedAt,
      options: this.options,
      machine: this.deps.machine(),
      phases: this.phases,
      figures: this.values,
      bounds: [...this.bounds.values()],
      charts: [...this.charts].map(([name, { unit, series }]) => chartOf(name, unit, series)),
      latencies: [...this.measured].filter(([, { count }]) => count > 0).map(latencyOf),
      processes: await this.watcher.figures(),
      lag: this.deps.lag(),
      notes,
    };
  }

  private line(chart: string, series: string, unit: string): Line | undefined {
    let drawn = this.charts.get(chart);
    if (drawn === undefined) {
      if (this.charts.size >= MAX_CHARTS) return undefined;
      drawn = { unit, series: new Map() };
      this.charts.set(chart, drawn);
    }
    const known = drawn.series.get(series);
    if (known !== undefined || drawn.series.size >= MAX_SERIES) return known;
    const made: Line = {
      windows: new Windows({ ...POINTS, from: this.startedAt }, { empty: nothingSeen, join: joinSeen }),
      latest: 0,
    };
    drawn.series.set(series, made);
    return made;
  }
}

function chartOf(name: string, unit: string, series: ReadonlyMap<string, Line>): Chart {
  return {
    name,
    unit,
    series: [...series].map(([line, { windows, latest }]) => ({
      name: line,
      last: short(latest),
      points: windows
        .all()
        .map(({ at, value }) => [at, value.sum / value.count, value.least, value.greatest] as const)
        .map(([at, mean, least, greatest]) => [at, short(mean), short(least), short(greatest)]),
    })),
  };
}

/** Enough digits for a plot; a soak's file stays small. */
const short = (value: number): number => Number(value.toPrecision(5));

function latencyOf([name, { unit, whole, windows }]: [string, Measured]): Latency {
  const p = (from: Distribution, share: number): number => short(from.percentile(share));
  return {
    name,
    unit,
    count: whole.count,
    mean: short(whole.sum / whole.count),
    least: short(whole.least),
    p50: p(whole, 0.5),
    p90: p(whole, 0.9),
    p99: p(whole, 0.99),
    p999: p(whole, 0.999),
    greatest: short(whole.greatest),
    windowMs: windows.widthMs,
    windows: windows.all().map(({ at, value }) => ({
      at,
      count: value.count,
      p50: p(value, 0.5),
      p90: p(value, 0.9),
      p99: p(value, 0.99),
      greatest: short(value.greatest),
    })),
    spread: whole.spread().map(({ from, to, count }) => ({ from: short(from), to: short(to), count })),
  };
}
