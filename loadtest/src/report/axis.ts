/** Round numbers along an axis. Owns: ticks, and where a value lies (0..1). Pure. */

export interface Axis {
  ticks: number[];
  /** 0 at the axis's beginning, 1 at its end. */
  place(value: number): number;
  isLog: boolean;
}

const STEPS = [1, 2, 2.5, 5, 10];
const BINARY_STEPS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];
const TIME_STEPS_S = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400,
];

const upTo = (step: number, end: number): number[] => {
  const ticks: number[] = [];
  // Multiplied, not added up: 0.1 + 0.2 would be told as 0.30000000000000004.
  for (let at = 0; at * step <= end * (1 + 1e-9); at++) ticks.push(Number((at * step).toPrecision(12)));
  return ticks;
};

/** From 0 to a round number not below `greatest`, about `wanted` ticks; `binary`: round as sizes in bytes are. */
export function linearAxis(greatest: number, wanted = 4, binary = false): Axis {
  const top = greatest > 0 ? greatest : 1;
  const raw = top / wanted;
  const base = binary
    ? 1_024 ** Math.floor(Math.log(raw) / Math.log(1_024))
    : 10 ** Math.floor(Math.log10(raw));
  const factor = (binary ? BINARY_STEPS : STEPS).find((one) => one * base >= raw * (1 - 1e-9)) ?? 10;
  const step = factor * base;
  const end = Math.ceil((top / step) * (1 - 1e-9)) * step;
  return { ticks: upTo(step, end), place: (value) => Math.min(1, Math.max(0, value / end)), isLog: false };
}

/** Powers of ten around `least`..`greatest`, both above 0. */
export function logAxis(least: number, greatest: number): Axis {
  const from = Math.floor(Math.log10(least) + 1e-9);
  const to = Math.max(from + 1, Math.ceil(Math.log10(greatest) - 1e-9));
  const ticks = Array.from({ length: to - from + 1 }, (_, at) => Number((10 ** (from + at)).toPrecision(12)));
  const place = (value: number): number =>
    value <= 0 ? 0 : Math.min(1, Math.max(0, (Math.log10(value) - from) / (to - from)));
  return { ticks, place, isLog: true };
}

/** From 0 to `ms`; ticks at round times, at most some eight. */
export function timeAxis(ms: number): Axis {
  const end = Math.max(ms, 1_000);
  const step = (TIME_STEPS_S.find((one) => end / (one * 1_000) <= 8) ?? 86_400) * 1_000;
  return { ticks: upTo(step, end), place: (value) => Math.min(1, Math.max(0, value / end)), isLog: false };
}

/** A logarithmic axis where the values lie far apart, a linear one otherwise. */
export function latencyAxis(values: readonly number[]): Axis {
  const above = values.filter((value) => value > 0);
  const greatest = above.reduce((most, value) => Math.max(most, value), 0);
  const least = above.reduce((fewest, value) => Math.min(fewest, value), greatest);
  return least > 0 && greatest / least > 20 ? logAxis(least, greatest) : linearAxis(greatest);
}
