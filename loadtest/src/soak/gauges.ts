/**
 * What may grow in a game that runs for long, read once a round. Owns: reading it: the kernel about processes, /metrics
 * about the game's heap and handles, Redis about itself. Does not own: what growth is too much (index.ts).
 */
import type { Redis } from "../../../server/src/infra/redis.ts";
import { readProcess } from "../report/proc.ts";

export interface Reading {
  /** What it is of, in words that stay the same. */
  name: string;
  value: number;
  unit: string;
}

/** Lines of /metrics, and what they are called here. A line that is not there is left out. */
const METRICS: readonly { line: string; name: string; unit: string }[] = [
  { line: "nodejs_heap_size_used_bytes", name: "heap of the game", unit: "bytes" },
  { line: "nodejs_external_memory_bytes", name: "memory outside the heap of the game", unit: "bytes" },
  { line: "nodejs_active_resources_total", name: "timers, sockets and handles of the game", unit: "" },
];
const ANSWER_MS = 5_000;

/** The value of one line without labels; undefined where there is none. */
export function metricOf(text: string, line: string): number | undefined {
  const found = new RegExp(`^${line}(?:\\{[^}]*\\})? ([-+0-9.eE]+)$`, "m").exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

export async function readMetrics(url: string): Promise<Reading[]> {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(ANSWER_MS) });
  const text = await response.text();
  return METRICS.flatMap(({ line, name, unit }) => {
    const value = metricOf(text, line);
    return value === undefined ? [] : [{ name, value, unit }];
  });
}

/**
 * Keeps the least value of each gauge since it was last taken: a heap is a sawtooth, and only its lower edge tells what
 * is held for good.
 */
export class Lowest {
  private readonly least = new Map<string, Reading>();

  see(readings: readonly Reading[]): void {
    for (const reading of readings) {
      const known = this.least.get(reading.name);
      if (known === undefined || reading.value < known.value) this.least.set(reading.name, reading);
    }
  }

  take(): Reading[] {
    const all = [...this.least.values()];
    this.least.clear();
    return all;
  }
}

const infoOf = (text: string, name: string): number =>
  Number(new RegExp(`^${name}:(\\d+)`, "m").exec(text)?.[1] ?? Number.NaN);

export async function readRedis(redis: Redis): Promise<Reading[]> {
  const memory = infoOf(await redis.info("memory"), "used_memory_dataset");
  const clients = infoOf(await redis.info("clients"), "connected_clients");
  return [
    { name: "data in Redis", value: memory, unit: "bytes" },
    { name: "keys in Redis", value: await redis.dbsize(), unit: "" },
    { name: "connections to Redis", value: clients, unit: "" },
  ];
}

export async function readProcesses(
  watched: readonly { name: string; pid: number | undefined }[],
): Promise<Reading[]> {
  const all: Reading[] = [];
  for (const { name, pid } of watched) {
    const seen = pid === undefined ? undefined : await readProcess(pid);
    if (seen === undefined) continue;
    all.push({ name: `memory of ${name}`, value: seen.memory, unit: "bytes" });
    all.push({ name: `descriptors of ${name}`, value: seen.descriptors, unit: "" });
  }
  return all;
}
