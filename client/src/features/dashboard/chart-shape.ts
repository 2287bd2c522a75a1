/** Earnings as a line over time. Pure. Owns: the sums, the scales, the path. Does not own: drawing (earnings-chart.tsx). */
import type { Earnings } from "@meme-rounds/shared-schema/rest-activity";
import { scaleLinear, scaleTime } from "d3-scale";
import { curveStepAfter, line } from "d3-shape";

export interface ChartPoint {
  /** ms since the epoch. */
  at: number;
  /** sat of this point's rounds. */
  netSats: number;
  /** sat of all rounds up to here. */
  sumSats: number;
  /** How many rounds it stands for. */
  rounds: number;
  x: number;
  y: number;
}

export interface ChartShape {
  points: ChartPoint[];
  /** SVG path. */
  path: string;
  /** Where nothing is won or lost. */
  zeroY: number;
  ticks: { y: number; sats: number }[];
  times: { x: number; at: number }[];
}

/** The chart in a box of `width` x `height` pixels; undefined without a point. */
export function chartShape(
  earnings: Earnings,
  box: { width: number; height: number },
): ChartShape | undefined {
  const [first] = earnings.points;
  const last = earnings.points.at(-1);
  if (first === undefined || last === undefined) return undefined;
  let sum = earnings.beforeSats;
  const summed = earnings.points.map((point) => {
    sum += point.netSats;
    return { ...point, sumSats: sum };
  });
  const sums = [0, earnings.beforeSats, ...summed.map(({ sumSats }) => sumSats)];
  // One round alone has no width of its own: it stands in the middle of an hour.
  const spread = first.at === last.at ? 1_800_000 : 0;
  const x = scaleTime([new Date(first.at - spread), new Date(last.at + spread)], [0, box.width]);
  const y = scaleLinear([Math.min(...sums), Math.max(...sums)], [box.height, 0]).nice(4);
  const points = summed.map((point) => ({ ...point, x: x(point.at), y: y(point.sumSats) }));
  const start = { x: 0, y: y(earnings.beforeSats) };
  const path = line<{ x: number; y: number }>()
    .x((point) => point.x)
    .y((point) => point.y)
    .curve(curveStepAfter)([start, ...points, { x: box.width, y: points.at(-1)?.y ?? start.y }]);
  return {
    points,
    path: path ?? "",
    zeroY: y(0),
    ticks: y.ticks(4).map((sats) => ({ y: y(sats), sats })),
    times: x.ticks(box.width / 110).map((at) => ({ x: x(at), at: at.getTime() })),
  };
}
