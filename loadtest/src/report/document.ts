/** What a report file holds: plain data, the whole of report.json and all that report.html is made of. */

/** One stated promise, and what was measured. */
export interface Bound {
  name: string;
  value: number;
  limit: number;
  unit: string;
  holds: boolean;
  /** What bounds the value from below on this machine, measured in the same run, in the same unit. */
  floor?: number;
  /** value / floor. */
  ratio?: number;
}

/** A moment of a series: ms since the beginning, mean, least and greatest of what was seen since the last one. */
export type Point = [at: number, mean: number, least: number, greatest: number];

export interface Chart {
  name: string;
  unit: string;
  series: { name: string; points: Point[]; last: number }[];
}

export interface Latency {
  name: string;
  unit: string;
  count: number;
  mean: number;
  least: number;
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  greatest: number;
  /** ms. */
  windowMs: number;
  windows: { at: number; count: number; p50: number; p90: number; p99: number; greatest: number }[];
  spread: { from: number; to: number; count: number }[];
}

export interface ProcessFigures {
  name: string;
  pid: number;
  cpuSeconds: number;
  /** Of one core, 0..100 and above. */
  cpuPeakPercent: number;
  /** bytes. */
  memoryPeak: number;
  memoryLast: number;
  descriptorsPeak: number;
  /** bytes of its own share; taken once, at the end. */
  proportional?: number;
}

export interface ReportDocument {
  scenario: string;
  ok: boolean;
  /** Why it ended early, when it did. */
  ended?: string;
  startedAt: string;
  ms: number;
  options: Record<string, string | number | boolean>;
  machine: { cores: number; model: string; memory: number; node: string; kernel: string };
  phases: { at: number; text: string }[];
  figures: Record<string, unknown>;
  bounds: Bound[];
  charts: Chart[];
  latencies: Latency[];
  processes: ProcessFigures[];
  /** How late the harness itself was, ms: above some 100 its own times are not to be trusted. */
  lag: { p50: number; p99: number; greatest: number };
  notes: string[];
}
