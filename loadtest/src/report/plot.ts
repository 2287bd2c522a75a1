/**
 * Plots as SVG that stretches, with labels as text beside it: a label is as large on a phone as on a desk. Owns: lines,
 * bands, bars, axes, legend. Does not own: which plots a report has (html.ts). Pure: everything in, markup out.
 */
import { type Axis, linearAxis, logAxis, timeAxis } from "./axis.ts";
import type { Point } from "./document.ts";
import { escapeHtml } from "./markup.ts";
import { clockText, valueText } from "./words.ts";

export interface PlotLine {
  name: string;
  points: readonly Point[];
  /** The newest value; the newest point's mean when left out. */
  last?: number;
  /** Draws least to greatest behind the line. */
  band?: boolean;
}

export interface TimePlot {
  title: string;
  unit: string;
  lines: readonly PlotLine[];
  /** ms. */
  duration: number;
  phases: readonly { at: number; text: string }[];
  axis?: Axis;
}

/** More lines than colours are named, not drawn. */
const MAX_DRAWN = 8;
const WIDTH = 1_000;
const HEIGHT = 240;
const HOVERS = 60;

const x = (share: number): string => (share * WIDTH).toFixed(1);
const y = (share: number): string => ((1 - share) * HEIGHT).toFixed(1);
const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;

const path = (points: readonly (readonly [number, number])[]): string =>
  points.map(([left, up], at) => `${at === 0 ? "M" : "L"}${x(left)} ${y(up)}`).join("");

function frame(about: {
  label: string;
  svg: string;
  yAxis: Axis;
  yUnit: string;
  xLabels: string;
  legend: string;
  title: string;
}) {
  const { label, svg, yAxis, yUnit, xLabels, legend, title } = about;
  const lines = yAxis.ticks
    .map(
      (tick) =>
        `<line class="grid" x1="0" x2="${WIDTH}" y1="${y(yAxis.place(tick))}" y2="${y(yAxis.place(tick))}"/>`,
    )
    .join("");
  const labels = yAxis.ticks
    .map(
      (tick) =>
        `<span style="bottom:${percent(yAxis.place(tick))}">${escapeHtml(valueText(tick, yUnit))}</span>`,
    )
    .join("");
  return `<figure class="plot"><figcaption>${title}</figcaption><div class="area"><div class="ys" aria-hidden="true">${labels}</div>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${escapeHtml(label)}">${lines}${svg}</svg>
<div class="xs" aria-hidden="true">${xLabels}</div></div>${legend}</figure>`;
}

const xLabelsOf = (axis: Axis, text: (tick: number) => string): string =>
  axis.ticks
    .map((tick, at) => {
      const far = axis.place(tick) > 0.96 ? " far" : "";
      return `<span class="${at % 2 === 1 ? "odd" : "even"}${far}" style="left:${percent(axis.place(tick))}">${escapeHtml(text(tick))}</span>`;
    })
    .join("");

const greatestOf = (line: PlotLine): number =>
  line.points.reduce((most, [, , , up]) => Math.max(most, up), 0);
const meanOf = (line: PlotLine): number =>
  line.points.reduce((sum, [, mean]) => sum + mean, 0) / Math.max(1, line.points.length);

function legendOf(lines: readonly PlotLine[], unit: string): string {
  const rows = lines.map((line, at) => {
    const key = at < MAX_DRAWN ? `<i class="key c${at + 1}"></i>` : `<i class="key"></i>`;
    const cells = [meanOf(line), greatestOf(line), line.last ?? line.points.at(-1)?.[1] ?? Number.NaN]
      .map((value) => `<td>${escapeHtml(valueText(value, unit))}</td>`)
      .join("");
    return `<tr><th scope="row">${key}${escapeHtml(line.name)}</th>${cells}</tr>`;
  });
  const beyond = lines.length > MAX_DRAWN ? `<p class="quiet">The ${MAX_DRAWN} largest are drawn.</p>` : "";
  return `<div class="wide"><table class="legend"><thead><tr><th scope="col"><span class="unseen">line</span></th><th scope="col">mean</th><th scope="col">most</th><th scope="col">last</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>${beyond}`;
}

/** Transparent columns that tell their values to a pointer that rests on them. */
function hovers(lines: readonly PlotLine[], unit: string, duration: number): string {
  return Array.from({ length: HOVERS }, (_, column) => {
    const from = (column * duration) / HOVERS;
    const to = ((column + 1) * duration) / HOVERS;
    const said = lines.flatMap(({ name, points }) => {
      const found = points.filter(([at]) => at >= from && at < to).at(-1);
      return found === undefined ? [] : [`${name} ${valueText(found[1], unit)}`];
    });
    if (said.length === 0) return "";
    return `<rect class="hover" x="${x(column / HOVERS)}" y="0" width="${(WIDTH / HOVERS).toFixed(1)}" height="${HEIGHT}"><title>${escapeHtml(`${clockText(from)}\n${said.join("\n")}`)}</title></rect>`;
  }).join("");
}

function lineSvg(line: PlotLine, at: number, time: Axis, values: Axis): string {
  const { points, band } = line;
  const middle = points.map(([moment, mean]) => [time.place(moment), values.place(mean)] as const);
  const alone = middle.length === 1 && middle[0] ? `${path(middle)}h4` : path(middle);
  const upper = points.map(([moment, , , up]) => [time.place(moment), values.place(up)] as const);
  const lower = points.map(([moment, , down]) => [time.place(moment), values.place(down)] as const);
  const area =
    band && points.length > 1
      ? `<path class="band c${at + 1}" d="${path([...upper, ...lower.toReversed()])}Z"/>`
      : "";
  return `${area}<path class="line c${at + 1}" d="${alone}"/>`;
}

/** Lines over time, the largest first. */
export function timePlot({ title, unit, lines, duration, phases, axis }: TimePlot): string {
  const sorted =
    axis === undefined ? lines.toSorted((left, right) => greatestOf(right) - greatestOf(left)) : lines;
  const drawn = sorted.slice(0, MAX_DRAWN);
  const time = timeAxis(duration);
  const most = drawn.reduce((top, line) => Math.max(top, greatestOf(line)), 0);
  const values = axis ?? linearAxis(most, 4, unit === "bytes");
  const marks = phases
    .filter(({ at }) => at > 0)
    .map(
      ({ at, text }) =>
        `<line class="phase" x1="${x(time.place(at))}" x2="${x(time.place(at))}" y1="0" y2="${HEIGHT}"><title>${escapeHtml(`${clockText(at)} ${text}`)}</title></line>`,
    )
    .join("");
  const svg = `${marks}${drawn.map((line, at) => lineSvg(line, at, time, values)).join("")}${hovers(drawn, unit, duration)}`;
  const summary = drawn.map((line) => `${line.name} at most ${valueText(greatestOf(line), unit)}`).join(", ");
  return frame({
    title: `${escapeHtml(title)}${unit && unit !== "bytes" ? ` <span class="quiet">${escapeHtml(unit)}${values.isLog ? ", logarithmic" : ""}</span>` : ""}`,
    label: `${title} over ${clockText(duration)}: ${summary}`,
    svg,
    yAxis: values,
    yUnit: unit === "bytes" ? unit : unit.startsWith("%") ? "%" : "",
    xLabels: xLabelsOf(time, clockText),
    legend: legendOf(sorted, unit),
  });
}

/** How many values lie where, on a logarithmic axis. `marks`: percentiles drawn across. */
export function spreadPlot(
  title: string,
  unit: string,
  spread: readonly { from: number; to: number; count: number }[],
  marks: readonly { name: string; value: number }[],
): string {
  const real = spread.filter(({ from }) => from > 0);
  const least = real[0]?.from ?? 1;
  const greatest = real.at(-1)?.to ?? 10;
  const values = logAxis(least, greatest);
  const most = real.reduce((top, { count }) => Math.max(top, count), 0);
  const counts = linearAxis(most);
  const bars = real
    .map(({ from, to, count }) => {
      const left = values.place(from);
      const width = Math.max(0.001, values.place(to) - left);
      return `<rect class="bar" x="${x(left)}" y="${y(counts.place(count))}" width="${x(width)}" height="${x((counts.place(count) * HEIGHT) / WIDTH)}"><title>${escapeHtml(`${valueText(from, unit)} to ${valueText(to, unit)}: ${valueText(count, "")}`)}</title></rect>`;
    })
    .join("");
  const lines = marks
    .map(
      ({ name, value }) =>
        `<line class="mark" x1="${x(values.place(value))}" x2="${x(values.place(value))}" y1="0" y2="${HEIGHT}"><title>${escapeHtml(`${name} ${valueText(value, unit)}`)}</title></line>`,
    )
    .join("");
  return frame({
    title: escapeHtml(title),
    label: `${title}: ${marks.map(({ name, value }) => `${name} ${valueText(value, unit)}`).join(", ")}`,
    svg: bars + lines,
    yAxis: counts,
    yUnit: "",
    xLabels: xLabelsOf(values, (tick) => valueText(tick, unit)),
    legend: `<p class="quiet">${marks.map(({ name, value }) => `${escapeHtml(name)} <b>${escapeHtml(valueText(value, unit))}</b>`).join(" · ")}</p>`,
  });
}
