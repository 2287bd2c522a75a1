/** The lines of the live view. Owns: what is on it and in which order. Pure; drawing it is live.ts. */
import type { Bound } from "./document.ts";
import type { Recorder } from "./recorder.ts";
import { clockText, valueText } from "./words.ts";

export interface Size {
  columns: number;
  rows: number;
}

const LABEL = 34;
const BAR = 24;
/** Charts that have their own place on the screen. */
const OWN = new Set(["CPU", "memory", "descriptors", "memory of the machine", "lateness of the harness"]);
const GREEN = "\u001b[32m";
const RED = "\u001b[31m";
const DIM = "\u001b[2m";
const BOLD = "\u001b[1m";
const PLAIN = "\u001b[0m";
// The escape character is what is looked for.
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");

/** Cut to the screen's width, colours not counted; a line that wraps would ruin the redrawing. */
export function cut(line: string, columns: number): string {
  if (line.replaceAll(COLOURS, "").length <= columns) return line;
  let seen = 0;
  let out = "";
  for (let at = 0; at < line.length && seen < columns - 1; at++) {
    const colour = line.startsWith("\u001b[", at) ? line.slice(at, line.indexOf("m", at) + 1) : "";
    if (colour) {
      out += colour;
      at += colour.length - 1;
    } else {
      out += line[at];
      seen++;
    }
  }
  return `${out}…${PLAIN}`;
}

const row = (label: string, parts: readonly string[]): string =>
  `${DIM}${label.slice(0, LABEL).padEnd(LABEL)}${PLAIN} ${parts.join("   ")}`;

function progress(recorder: Recorder, now: number): string {
  const { current } = recorder;
  if (current?.limitSeconds === undefined || current.limitSeconds <= 0) return "";
  const share = Math.min(1, (now - current.since) / (current.limitSeconds * 1_000));
  const full = Math.round(share * BAR);
  return `${"█".repeat(full)}${"░".repeat(BAR - full)} of ${clockText(current.limitSeconds * 1_000)}`;
}

function chartRows(recorder: Recorder): string[] {
  const charts = new Map<string, string[]>();
  for (const { chart, unit, series, value } of recorder.latest()) {
    if (OWN.has(chart)) continue;
    const parts = charts.get(chart) ?? [];
    parts.push(`${series} ${BOLD}${valueText(value, unit)}${PLAIN}`);
    charts.set(chart, parts);
  }
  return [...charts].map(([chart, parts]) => row(chart, parts));
}

const percentiles = (recorder: Recorder): string[] =>
  recorder
    .histograms()
    .filter(({ histogram }) => histogram.count > 0)
    .map(({ name, unit, histogram }) =>
      row(name, [
        `p50 ${BOLD}${valueText(histogram.percentile(0.5), unit)}${PLAIN}`,
        `p99 ${BOLD}${valueText(histogram.percentile(0.99), unit)}${PLAIN}`,
        `max ${valueText(histogram.percentile(1), unit)}`,
        `${DIM}of ${valueText(histogram.count, "")}${PLAIN}`,
      ]),
    );

/** "p99 of a join: 812 ms of at most 3,000 ms". */
function boundText({ name, value, limit, unit, ratio }: Bound): string {
  const beside = ratio === undefined ? "" : `, ${valueText(ratio, "")} x its floor`;
  return `${name}: ${valueText(value, unit)} (bound ${valueText(limit, unit)}${beside})`;
}

function machineRows(recorder: Recorder): string[] {
  const machine = recorder.latest().find(({ series }) => series === "whole machine");
  const running = recorder.watcher.now().toSorted((left, right) => right.cpuPercent - left.cpuPercent);
  const whole = machine === undefined ? [] : [`machine ${BOLD}${valueText(machine.value, "%")}${PLAIN}`];
  return [
    row("CPU", [...whole, ...running.map(({ name, cpuPercent }) => `${name} ${valueText(cpuPercent, "%")}`)]),
    row(
      "memory",
      running.map(({ name, memory }) => `${name} ${valueText(memory, "bytes")}`),
    ),
  ];
}

/** The whole screen, top first; never more lines or columns than there are. */
export function screenOf(recorder: Recorder, now: number, { columns, rows }: Size): string[] {
  const { scenario, startedAt, current } = recorder;
  const late = recorder.latest().find(({ chart }) => chart === "lateness of the harness");
  const lines = [
    `${BOLD}${scenario}${PLAIN}  ${clockText(now - startedAt)}  ${current?.text ?? ""}  ${progress(recorder, now)}`,
    "",
    ...chartRows(recorder),
    ...percentiles(recorder),
    ...machineRows(recorder),
    ...(late === undefined ? [] : [row("this harness is late", [valueText(late.value, "ms")])]),
    ...[...recorder.bounds.values()].map((bound) =>
      bound.holds ? `${GREEN}✓${PLAIN} ${boundText(bound)}` : `${RED}✗ ${boundText(bound)}${PLAIN}`,
    ),
  ];
  return lines.slice(0, Math.max(1, rows - 1)).map((line) => cut(line, columns));
}

/** One line for where there is no terminal. */
export function lineOf(recorder: Recorder, now: number): string {
  const { scenario, startedAt, current } = recorder;
  const values = recorder
    .latest()
    .filter(({ chart, series }) => !OWN.has(chart) || series === "whole machine")
    .map(({ chart, series, value, unit }) =>
      chart === "CPU" ? `machine ${valueText(value, "%")}` : `${series} ${valueText(value, unit)}`,
    );
  const latencies = recorder
    .histograms()
    .filter(({ histogram }) => histogram.count > 0)
    .map(({ name, unit, histogram }) => `${name} p99 ${valueText(histogram.percentile(0.99), unit)}`);
  const parts = [...values.slice(0, 8), ...latencies.slice(0, 4)];
  return `${clockText(now - startedAt)} ${scenario}: ${current?.text ?? ""}${parts.length > 0 ? " | " : ""}${parts.join(" | ")}`;
}
