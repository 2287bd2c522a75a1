/**
 * What the kernel says of a process and of the machine. Owns: reading /proc. Does not own: when, and what becomes of it.
 * Where there is no /proc, or the process is gone, the answer is undefined.
 */
import { readdir, readFile, stat } from "node:fs/promises";

/** Linux counts time in hundredths of a second for programs on every architecture Node runs on. */
const TICK_MS = 10;

export interface ProcessSample {
  /** ms of CPU since it began, all threads. */
  cpuMs: number;
  /** bytes that are resident. */
  memory: number;
  descriptors: number;
}

export interface MachineSample {
  /** ms of CPU used since it booted, all cores. */
  busyMs: number;
  /** bytes. */
  available: number;
  /** bytes the kernel uses for itself; sockets are most of it. */
  slab: number;
}

const orNothing = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch {
    // A process may end at any time; without /proc there is nothing to read at all.
    return undefined;
  }
};

const bytesOf = (text: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) * 1_024;

async function descriptorsOf(pid: number): Promise<number> {
  const folder = `/proc/${pid}/fd`;
  // Newer kernels tell the number as the folder's size; listing 20,000 of them takes time from the run.
  const { size } = await stat(folder);
  return size > 0 ? size : (await readdir(folder)).length;
}

export async function readProcess(pid: number): Promise<ProcessSample | undefined> {
  return await orNothing(
    (async () => {
      const line = await readFile(`/proc/${pid}/stat`, "utf8");
      // The name may hold spaces and brackets; what follows the last bracket does not.
      const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      return {
        cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
        memory: bytesOf(status, "VmRSS"),
        descriptors: await descriptorsOf(pid),
      };
    })(),
  );
}

/** bytes of memory that are this process's share. It stops the process while it counts: not for every second. */
export async function readProportional(pid: number): Promise<number | undefined> {
  const text = await orNothing(readFile(`/proc/${pid}/smaps_rollup`, "utf8"));
  return text === undefined ? undefined : bytesOf(text, "Pss");
}

export async function readMachine(): Promise<MachineSample | undefined> {
  return await orNothing(
    (async () => {
      const cpu = (await readFile("/proc/stat", "utf8")).split("\n", 1)[0] ?? "";
      const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = cpu
        .split(/\s+/)
        .slice(1)
        .map(Number);
      const memory = await readFile("/proc/meminfo", "utf8");
      return {
        busyMs: (user + nice + system + irq + softirq) * TICK_MS,
        available: bytesOf(memory, "MemAvailable"),
        slab: bytesOf(memory, "Slab"),
      };
    })(),
  );
}
