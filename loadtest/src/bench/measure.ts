/** How figures are taken and shown. Owns: medians of repeated runs, ratios beside a floor, the table. */

export interface Figure {
  name: string;
  /** What was measured, in its unit. */
  value: number;
  unit: string;
  /** What bounds it, measured in the same run; the ratio is value / floor. */
  floor?: { name: string; value: number };
}

/** Median wall time of `runs` runs, ms, after one that warms up. */
export async function medianMs(runs: number, work: () => Promise<unknown> | unknown): Promise<number> {
  await work();
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)] ?? Number.NaN;
}

const short = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** One line per figure for people, then one line of JSON for programs. */
export function show(figures: readonly Figure[]): void {
  for (const { name, value, unit, floor } of figures) {
    const beside = floor
      ? `   ${short(value / floor.value)} x ${floor.name} (${short(floor.value)} ${unit})`
      : "";
    console.log(`${name.padEnd(58)} ${short(value).padStart(9)} ${unit}${beside}`);
  }
  console.log(JSON.stringify(figures));
}
