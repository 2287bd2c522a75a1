/**
 * The report a scenario is given: its interface, and one made on this machine's clock. Does not own: what it keeps
 * (recorder.ts), the live view (live.ts), the files (files.ts).
 */
import { cpus, release, totalmem } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { readMachine, readProcess, readProportional } from "./proc.ts";
import { Recorder, type RecorderOptions } from "./recorder.ts";

export type { Histogram, Report } from "./contract.ts";

/** ms between two looks of the event loop at itself. */
const LOOK_MS = 10;

/** A recorder of this process, on this machine's clock. `say` shows people a sentence at once. */
export function createRecorder(options: RecorderOptions, say: (text: string) => void): Recorder {
  const whole = monitorEventLoopDelay({ resolution: LOOK_MS });
  const second = monitorEventLoopDelay({ resolution: LOOK_MS });
  whole.enable();
  second.enable();
  // Node counts the time between two looks: what is beyond the agreed one is lateness.
  const late = (nanoseconds: number): number =>
    Number.isFinite(nanoseconds) ? Math.max(0, Number((nanoseconds / 1e6 - LOOK_MS).toPrecision(4))) : 0;
  return new Recorder(options, {
    now: () => Date.now(),
    readProcess,
    readMachine,
    readProportional,
    lag: () => ({
      p50: late(whole.percentile(50)),
      p99: late(whole.percentile(99)),
      greatest: late(whole.max),
    }),
    lagNow: () => {
      const ms = late(second.percentile(99));
      second.reset();
      return ms;
    },
    say,
    machine: () => ({
      cores: cpus().length,
      model: cpus()[0]?.model ?? "",
      memory: totalmem(),
      node: process.version,
      kernel: release(),
    }),
  });
}
