/**
 * The report as one page that needs nothing else: no script, no address outside. Owns: its sections and their order.
 * Does not own: plots (plot.ts), looks (style.ts). Pure.
 */
import { latencyAxis } from "./axis.ts";
import type { Bound, Chart, Latency, Point, ReportDocument } from "./document.ts";
import { escapeHtml } from "./markup.ts";
import { spreadPlot, timePlot } from "./plot.ts";
import { STYLE } from "./style.ts";
import { clockText, nameText, valueText } from "./words.ts";

/** Above this the harness's own times are in doubt, ms. */
const LATE_MS = 100;
/** Shown first and last; what a scenario adds stands between. */
const FIRST = ["connections"];
const LAST = ["CPU", "memory", "descriptors", "memory of the machine", "lateness of the harness"];

const section = (title: string, body: string): string =>
  body === "" ? "" : `<section><h2>${escapeHtml(title)}</h2>${body}</section>`;

type Cells = readonly string[];

/** A table that becomes a list of cards on a phone: each cell then names its own column. */
function table(heads: Cells, rows: readonly { name: string; cells: Cells }[]): string {
  const head = heads.map((text) => `<th scope="col">${escapeHtml(text)}</th>`).join("");
  const body = rows.map(({ name, cells }) => {
    const told = cells
      .map((cell, at) =>
        cell === "" ? `<td></td>` : `<td data-of="${escapeHtml(heads[at + 1] ?? "")}">${cell}</td>`,
      )
      .join("");
    return `<tr><th scope="row">${name}</th>${told}</tr>`;
  });
  return `<div class="card wide"><table class="cards"><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}

const row = (name: string, cells: Cells): { name: string; cells: Cells } => ({ name, cells });

const list = (pairs: readonly (readonly [string, string])[]): string =>
  `<dl>${pairs.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join("")}</dl>`;

function boundsOf(bounds: readonly Bound[]): string {
  if (bounds.length === 0) return "";
  const rows = bounds.map(({ name, value, limit, unit, holds, floor, ratio }) =>
    row(escapeHtml(name), [
      `<b>${escapeHtml(valueText(value, unit))}</b>`,
      escapeHtml(valueText(limit, unit)),
      floor === undefined ? "" : escapeHtml(valueText(floor, unit)),
      ratio === undefined ? "" : `${escapeHtml(valueText(ratio, ""))} x`,
      holds ? `<span class="verdict good">✓ holds</span>` : `<span class="verdict bad">✗ missed</span>`,
    ]),
  );
  return table(["what was promised", "measured", "bound", "floor of this run", "ratio", ""], rows);
}

/** The numbers among the figures, one level of objects opened. */
function tilesOf(figures: Readonly<Record<string, unknown>>): string {
  const flat = Object.entries(figures).flatMap(([name, value]): [string, unknown][] =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.entries(value).map(([inner, one]): [string, unknown] => [`${name} ${inner}`, one])
      : [[name, value]],
  );
  const tiles = flat.flatMap(([name, value]) => {
    if (typeof value !== "number") return [];
    const [, plain = name, unit = ""] = /^(.*?)(Ms| p50Ms| p99Ms)$/.exec(name) ?? [];
    const label = unit === "" ? name : `${plain} ${unit.replace("Ms", "").trim()}`;
    return [
      `<div class="tile"><b>${escapeHtml(valueText(value, unit === "" ? "" : "ms"))}</b><span>${escapeHtml(nameText(label.trim()))}</span></div>`,
    ];
  });
  return tiles.length === 0 ? "" : `<div class="tiles">${tiles.join("")}</div>`;
}

const asPoints = (latency: Latency, key: "p50" | "p90" | "p99" | "greatest"): Point[] =>
  latency.windows.map((window) => [window.at, window[key], window[key], window[key]]);

function latencyPlots(latency: Latency, { ms, phases }: ReportDocument): string {
  const { name, unit, p50, p90, p99, p999, greatest, count } = latency;
  const lines = (["greatest", "p99", "p90", "p50"] as const).map((key) => ({
    name: key === "greatest" ? "most" : key,
    points: asPoints(latency, key),
  }));
  const axis = latencyAxis(latency.windows.flatMap((window) => [window.p50, window.greatest]));
  const marks = [
    { name: "p50", value: p50 },
    { name: "p90", value: p90 },
    { name: "p99", value: p99 },
    { name: "p99.9", value: p999 },
    { name: "most", value: greatest },
  ];
  return (
    timePlot({ title: name, unit, lines, duration: ms, phases, axis }) +
    spreadPlot(`${name}: how ${valueText(count, "")} values are spread`, unit, latency.spread, marks)
  );
}

const rank = ({ name }: Chart): number => {
  const first = FIRST.indexOf(name);
  const last = LAST.indexOf(name);
  return first >= 0 ? first - FIRST.length : last >= 0 ? last + 1 : 0;
};

function chartPlots(document: ReportDocument, wanted: (chart: Chart) => boolean): string {
  const { charts, ms, phases } = document;
  const plots = charts
    .filter((chart) => chart.series.some(({ points }) => points.length > 0) && wanted(chart))
    .toSorted((left, right) => rank(left) - rank(right))
    .map(({ name, unit, series }) =>
      timePlot({
        title: name,
        unit,
        lines: series.map((one) => ({ ...one, band: true })),
        duration: ms,
        phases,
      }),
    );
  return plots.length === 0 ? "" : `<div class="plots">${plots.join("")}</div>`;
}

function processesOf({ processes, ms }: ReportDocument): string {
  if (processes.length === 0) return "";
  const rows = processes.map((one) =>
    row(`${escapeHtml(one.name)} <span class="quiet">${one.pid}</span>`, [
      escapeHtml(valueText(one.cpuSeconds, "s")),
      escapeHtml(valueText((one.cpuSeconds * 100_000) / Math.max(1, ms), "%")),
      escapeHtml(valueText(one.cpuPeakPercent, "%")),
      escapeHtml(valueText(one.memoryPeak, "bytes")),
      escapeHtml(valueText(one.memoryLast, "bytes")),
      one.proportional === undefined ? "" : escapeHtml(valueText(one.proportional, "bytes")),
      escapeHtml(valueText(one.descriptorsPeak, "")),
    ]),
  );
  return table(
    [
      "process",
      "CPU",
      "of a core, mean",
      "of a core, peak",
      "memory, peak",
      "memory, last",
      "own share",
      "descriptors",
    ],
    rows,
  );
}

function about(document: ReportDocument): string {
  const { options, machine, phases, notes } = document;
  const { p50, p99, greatest } = document.lag;
  const cards = [
    `<div class="card"><h3>Options</h3>${list(Object.entries(options).map(([name, value]) => [`--${name}`, value === "" ? "–" : String(value)]))}</div>`,
    `<div class="card"><h3>Machine</h3>${list([
      ["cores", `${machine.cores} x ${machine.model}`],
      ["memory", valueText(machine.memory, "bytes")],
      ["Node.js", machine.node],
      ["kernel", machine.kernel],
      [
        "harness late by",
        `p50 ${valueText(p50, "ms")}, p99 ${valueText(p99, "ms")}, most ${valueText(greatest, "ms")}`,
      ],
    ])}</div>`,
    phases.length === 0
      ? ""
      : `<div class="card"><h3>Phases</h3>${list(phases.slice(0, 60).map(({ at, text }) => [clockText(at), text]))}</div>`,
    notes.length === 0
      ? ""
      : `<div class="card"><h3>Notes</h3><ul>${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join("")}</ul></div>`,
  ];
  return `<div class="pair">${cards.join("")}</div>`;
}

/** The whole page. */
export function htmlOf(document: ReportDocument): string {
  const { scenario, ok, ended, startedAt, ms, bounds, latencies, lag, figures } = document;
  const missed = bounds.filter(({ holds }) => !holds).length;
  const held = bounds.length === 0 ? "" : ` · ${bounds.length - missed} of ${bounds.length} bounds hold`;
  const warnings = [
    ...(ended === undefined ? [] : [`This run ended before its time: ${ended}`]),
    ...(lag.p99 > LATE_MS
      ? [
          `The harness itself was late by ${valueText(lag.p99, "ms")} (p99): its own times are not to be trusted.`,
        ]
      : []),
  ];
  const isOwn = (chart: Chart): boolean => LAST.includes(chart.name);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escapeHtml(scenario)}: ${ok ? "held" : "did not hold"} · Meme Rounds load test</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<header><h1>${escapeHtml(scenario)}</h1><span class="badge ${ok ? "good" : "bad"}">${ok ? "✓ held" : "✗ did not hold"}</span></header>
<p class="quiet">Meme Rounds load test · ${escapeHtml(startedAt.slice(0, 19).replace("T", " "))} UTC · ${clockText(ms)} long${held}</p>
${warnings.map((text) => `<p class="warn">${escapeHtml(text)}</p>`).join("\n")}
${section("Bounds", boundsOf(bounds))}
${section("Figures", tilesOf(figures))}
${section(
  "Over time",
  chartPlots(document, (chart) => !isOwn(chart)),
)}
${section("Latency", latencies.length === 0 ? "" : `<div class="plots">${latencies.map((one) => latencyPlots(one, document)).join("")}</div>`)}
${section("Processes", processesOf(document))}
${section("The machine while it ran", chartPlots(document, isOwn))}
${section("About this run", about(document))}
<details><summary>All figures as JSON</summary><pre tabindex="0">${escapeHtml(JSON.stringify(figures, undefined, 2))}</pre></details>
</main>
</body>
</html>
`;
}
