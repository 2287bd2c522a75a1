/**
 * The ladder: twice as many spectators each step, until something breaks, and what that was. Owns: the steps, and naming
 * what gave way. Does not own: one step (spectators/index.ts).
 */
import { openHouse, processesFor } from "../crowd/house.ts";
import { round3 } from "../crowd/verdict.ts";
import type { Values } from "../options.ts";
import type { Bound } from "../report/document.ts";
import type { Report } from "../report/index.ts";
import type { Outcome } from "../run.ts";
import { watch } from "../spectators/index.ts";
import { breakOf, nextCount } from "./steps.ts";

const options = {
  from: { value: 1_000, min: 10, max: 100_000, help: "spectators of the first step" },
  to: { value: 128_000, min: 10, max: 200_000, help: "the last step at most" },
  seconds: { value: 8, min: 2, max: 60, help: "how long each step is measured, s" },
  minutes: { value: 15, min: 1, max: 60, help: "no step is begun after this" },
} as const;
type Wanted = Values<typeof options>;

export const ladder = {
  summary: "doubles the spectators until something breaks, and says what",
  options,
  run,
};

interface Step {
  count: number;
  ok: boolean;
  broke: string;
  figures: object;
}

async function run(wanted: Wanted, signal: AbortSignal, report: Report): Promise<Outcome> {
  const end = performance.now() + wanted.minutes * 60_000;
  const steps: Step[] = [];
  let count: number | undefined = wanted.from;
  while (count !== undefined && performance.now() < end) {
    const step = await climb(count, wanted.seconds, signal, report);
    steps.push(step);
    report.point("ladder", "spectators held", step.ok ? count : 0);
    report.note(step.ok ? `${count} spectators: everything held` : `${count} spectators: ${step.broke}`);
    if (!step.ok) break;
    count = nextCount(count, wanted.to);
  }
  const held = steps.findLast(({ ok }) => ok);
  const broken = steps.find(({ ok }) => !ok);
  // Breaking is what a ladder is for; only a first step that does not hold is a failure.
  return {
    ok: held !== undefined,
    figures: {
      held: held?.count ?? 0,
      brokeAt: broken?.count ?? null,
      what: broken?.broke ?? "nothing broke",
      steps: steps.map(({ count: each, figures }) => ({ count: each, ...figures })),
    },
  };
}

/** One step in a game of its own. Its bounds decide whether it held; they are no bounds of the whole run. */
async function climb(count: number, seconds: number, signal: AbortSignal, report: Report): Promise<Step> {
  const bounds: Bound[] = [];
  const own = forStep(report, count, bounds);
  const processes = processesFor(count, Math.min(6, Math.max(1, Math.round(count / 8_000))));
  const joinSeconds = Math.ceil(count / 400);
  try {
    const house = await openHouse(
      { count, relays: processes, loaders: processes, profiles: "", seconds: joinSeconds + seconds + 40 },
      signal,
      own,
    );
    try {
      const figures = await watch(house, { count, seconds, "per-second": 2_000 }, signal, own);
      const broke = breakOf(bounds);
      return { count, ok: broke === undefined, broke: broke ?? "", figures };
    } finally {
      await house.stop(false);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    return { count, ok: false, broke: error instanceof Error ? error.message : String(error), figures: {} };
  }
}

/** The report of one step: its own latencies and bounds, everything else shown as it is. */
function forStep(report: Report, count: number, bounds: Bound[]): Report {
  return {
    phase: (text, limitSeconds) => report.phase(`${count}: ${text}`, limitSeconds),
    point: (chart, series, value, unit) => report.point(chart, series, value, unit),
    histogram: (name, unit) => report.histogram(`${name}, ${count} spectators`, unit),
    bound(one) {
      bounds.push(one);
      if (!one.holds)
        report.note(`${count}: ${one.name}: ${round3(one.value)} ${one.unit}, not ${one.limit}`);
    },
    watch: (name, pid) => report.watch(`${name} (${count})`, pid),
    figures: () => undefined,
    note: (text) => report.note(`${count}: ${text}`),
  };
}
