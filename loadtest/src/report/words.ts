/** Numbers and times for people, in the terminal and on the page. Pure. */

const KILO = 1_024;
const SIZES = ["B", "KB", "MB", "GB", "TB"];

function grouped(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en-US");
  if (size >= 10) return value.toFixed(1);
  if (size >= 1) return value.toFixed(2);
  return Number(value.toPrecision(2)).toString();
}

function bytesText(value: number): string {
  let size = value;
  let step = 0;
  while (Math.abs(size) >= KILO && step < SIZES.length - 1) {
    size /= KILO;
    step++;
  }
  return `${grouped(step === 0 ? Math.round(size) : size)} ${SIZES[step]}`;
}

/** "1,234", "81 ms", "1.20 s", "35.2 MB"; large milliseconds become seconds. */
export function valueText(value: number, unit: string): string {
  if (unit === "bytes" || unit === "B") return bytesText(value);
  if (unit === "ms" && Math.abs(value) >= 10_000) return `${grouped(value / 1_000)} s`;
  if (unit.startsWith("%")) return `${grouped(Math.round(value * 10) / 10)}%`;
  return unit === "" ? grouped(value) : `${grouped(value)} ${unit}`;
}

/** "0:42", "12:05", "1:02:03". */
export function clockText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = two(seconds % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** "ownLagP99" becomes "own lag p99". */
export const nameText = (name: string): string =>
  name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll(/[_-]/g, " ")
    .replaceAll(/ [A-Z](?=[a-z0-9])/g, (found) => found.toLowerCase());
