/** What playing has brought and cost, over time: a line, a point to read with mouse or keyboard, a table behind it. */
import type { Earnings } from "@meme-rounds/shared-schema/rest-activity";
import { type KeyboardEvent, type PointerEvent, useMemo, useState } from "react";
import { brief, dayOf, plural, signed, timeOf } from "../../ui/words.ts";
import { chartShape } from "./chart-shape.ts";

/** Drawn smaller on a phone, so that its words stay as large as the page's. */
const WIDE = { width: 640, height: 200 };
const NARROW = { width: 280, height: 180 };
const MARGIN = { left: 64, right: 16, top: 14, bottom: 28 };
const briefly = (sats: number): string => `${sats < 0 ? "−" : ""}${brief(Math.abs(sats))}`;

export function EarningsChart({ earnings }: { earnings: Earnings }) {
  const [box] = useState(() => (matchMedia("(max-width: 640px)").matches ? NARROW : WIDE));
  const shape = useMemo(() => chartShape(earnings, box), [earnings, box]);
  const [picked, setPicked] = useState<number>();
  if (shape === undefined) return null;
  const { points, path, zeroY, ticks, times } = shape;
  const point = picked === undefined ? undefined : points[picked];
  const move = (event: PointerEvent<SVGSVGElement>) => {
    const frame = event.currentTarget.getBoundingClientRect();
    const x =
      ((event.clientX - frame.left) / frame.width) * (box.width + MARGIN.left + MARGIN.right) - MARGIN.left;
    let nearest = 0;
    for (const [at, one] of points.entries())
      if (Math.abs(one.x - x) < Math.abs((points[nearest]?.x ?? 0) - x)) nearest = at;
    setPicked(nearest);
  };
  const step = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    setPicked(Math.min(points.length - 1, Math.max(0, (picked ?? (by > 0 ? -1 : points.length)) + by)));
  };
  return (
    <figure className="flex flex-col gap-3" data-testid="earnings">
      <div
        role="slider"
        tabIndex={0}
        aria-label="Earnings over time, in sat"
        aria-valuemin={0}
        aria-valuemax={points.length - 1}
        aria-valuenow={picked ?? points.length - 1}
        aria-valuetext={wordsOf(point ?? points.at(-1))}
        onKeyDown={step}
        onBlur={() => setPicked(undefined)}
        className="rounded-xl bg-raised p-2 focus-visible:outline-3"
      >
        <svg
          viewBox={`${-MARGIN.left} ${-MARGIN.top} ${box.width + MARGIN.left + MARGIN.right} ${box.height + MARGIN.top + MARGIN.bottom}`}
          className="block w-full touch-pan-y"
          aria-hidden="true"
          onPointerMove={move}
          onPointerLeave={() => setPicked(undefined)}
        >
          {ticks.map(({ y, sats }) => (
            <g key={sats} transform={`translate(0 ${y})`}>
              <line x2={box.width} className="stroke-line" />
              <text x={-10} dy="0.32em" textAnchor="end" className="fill-mist text-[12px]">
                {briefly(sats)}
              </text>
            </g>
          ))}
          {times.map(({ x, at }) => (
            <text key={at} x={x} y={box.height + 20} textAnchor="middle" className="fill-mist text-[12px]">
              {times.length > 1 && (times.at(-1)?.at ?? 0) - (times[0]?.at ?? 0) < 86_400_000
                ? timeOf(at)
                : dayOf(at)}
            </text>
          ))}
          <line x2={box.width} y1={zeroY} y2={zeroY} className="stroke-edge" strokeWidth={1.5} />
          <path d={path} fill="none" className="stroke-acid" strokeWidth={2.5} strokeLinejoin="round" />
          {point && (
            <g>
              <line x1={point.x} x2={point.x} y2={box.height} className="stroke-edge" strokeDasharray="3 4" />
              <circle cx={point.x} cy={point.y} r={5} className="fill-acid stroke-pit" strokeWidth={2} />
            </g>
          )}
        </svg>
      </div>
      <figcaption className="figures text-sm text-mist" data-testid="earnings-words">
        {wordsOf(point) ?? "Point at the line, or use the arrow keys, to read it."}
      </figcaption>
      <details className="text-sm">
        <summary className="font-semibold text-mist hover:text-acid">The same as a table</summary>
        <div className="mt-3 max-h-72 overflow-y-auto">
          <table className="figures w-full text-left">
            <thead className="text-mist">
              <tr>
                <th className="py-1.5 font-medium">When</th>
                <th className="py-1.5 text-right font-medium">Net, sat</th>
                <th className="py-1.5 text-right font-medium">Sum, sat</th>
              </tr>
            </thead>
            <tbody>
              {points.toReversed().map(({ at, netSats, sumSats }) => (
                <tr key={at} className="border-t border-line">
                  <td className="py-1.5">
                    {dayOf(at)}, {timeOf(at)}
                  </td>
                  <td className="py-1.5 text-right">{signed(netSats)}</td>
                  <td className="py-1.5 text-right">{signed(sumSats)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

function wordsOf(point: { at: number; netSats: number; sumSats: number; rounds: number } | undefined) {
  if (point === undefined) return undefined;
  const { at, netSats, sumSats, rounds } = point;
  return `${dayOf(at)}, ${timeOf(at)}: ${signed(netSats)} sat in ${plural(rounds, "round")}, ${signed(sumSats)} sat in all`;
}
