/**
 * Processes of a run, looked at each second. Owns: their CPU, memory and descriptors since they are watched. Does not own:
 * starting or ending them; a process that is gone is no longer looked at, what is known of it stays.
 */
import type { ProcessFigures } from "./document.ts";
import type { MachineSample, ProcessSample } from "./proc.ts";

/** More are not watched: a chart of them would tell nobody anything. */
const MAX_WATCHED = 64;

export interface WatcherDeps {
  /** ms. */
  now(): number;
  readProcess(pid: number): Promise<ProcessSample | undefined>;
  readMachine(): Promise<MachineSample | undefined>;
  readProportional(pid: number): Promise<number | undefined>;
  /** Takes a value into a chart. */
  point(chart: string, series: string, value: number, unit: string): void;
}

interface Watched extends ProcessFigures {
  last: { at: number; cpuMs: number } | undefined;
  gone: boolean;
  cpuPercent: number;
}

export class Watcher {
  private readonly deps: WatcherDeps;
  private readonly watched: Watched[] = [];
  private machine: { at: number; busyMs: number } | undefined;
  /** Processes nobody had room for. */
  dropped = 0;

  constructor(deps: WatcherDeps) {
    this.deps = deps;
  }

  /** The same name again is the same line in the charts: a process that was started again. */
  add(name: string, pid: number): void {
    if (this.watched.some((one) => one.pid === pid && !one.gone)) return;
    if (this.watched.length >= MAX_WATCHED && !this.forgetOne()) {
      this.dropped++;
      return;
    }
    this.watched.push({
      name,
      pid,
      cpuSeconds: 0,
      cpuPeakPercent: 0,
      memoryPeak: 0,
      memoryLast: 0,
      descriptorsPeak: 0,
      last: undefined,
      gone: false,
      cpuPercent: 0,
    });
  }

  async sample(): Promise<void> {
    await this.sampleMachine();
    for (const one of this.watched) if (!one.gone) await this.sampleOne(one);
  }

  /** Of those that run, % of a core and bytes now. */
  now(): { name: string; cpuPercent: number; memory: number }[] {
    return this.watched
      .filter(({ gone }) => !gone)
      .map(({ name, cpuPercent, memoryLast }) => ({ name, cpuPercent, memory: memoryLast }));
  }

  async figures(): Promise<ProcessFigures[]> {
    const all: ProcessFigures[] = [];
    for (const { last: _, gone, cpuPercent: __, ...figures } of this.watched) {
      const proportional = gone ? undefined : await this.deps.readProportional(figures.pid);
      all.push({ ...figures, ...(proportional === undefined ? {} : { proportional }) });
    }
    return all;
  }

  private async sampleOne(one: Watched): Promise<void> {
    const { deps } = this;
    const seen = await deps.readProcess(one.pid);
    const at = deps.now();
    if (seen === undefined) {
      one.gone = true;
      return;
    }
    one.memoryLast = seen.memory;
    one.memoryPeak = Math.max(one.memoryPeak, seen.memory);
    one.descriptorsPeak = Math.max(one.descriptorsPeak, seen.descriptors);
    deps.point("memory", one.name, seen.memory, "bytes");
    deps.point("descriptors", one.name, seen.descriptors, "");
    if (one.last !== undefined && at > one.last.at) {
      const usedMs = Math.max(0, seen.cpuMs - one.last.cpuMs);
      one.cpuPercent = (usedMs * 100) / (at - one.last.at);
      one.cpuSeconds += usedMs / 1_000;
      one.cpuPeakPercent = Math.max(one.cpuPeakPercent, one.cpuPercent);
      deps.point("CPU", one.name, one.cpuPercent, "% of a core");
    }
    one.last = { at, cpuMs: seen.cpuMs };
  }

  private async sampleMachine(): Promise<void> {
    const seen = await this.deps.readMachine();
    if (seen === undefined) return;
    const at = this.deps.now();
    if (this.machine !== undefined && at > this.machine.at)
      this.deps.point(
        "CPU",
        "whole machine",
        ((seen.busyMs - this.machine.busyMs) * 100) / (at - this.machine.at),
        "% of a core",
      );
    this.machine = { at, busyMs: seen.busyMs };
    this.deps.point("memory of the machine", "available", seen.available, "bytes");
    this.deps.point("memory of the machine", "kernel (slab)", seen.slab, "bytes");
  }

  /** Makes room where a process has ended long ago; false when all of them run. */
  private forgetOne(): boolean {
    const at = this.watched.findIndex(({ gone }) => gone);
    if (at >= 0) this.watched.splice(at, 1);
    return at >= 0;
  }
}
