/** A run that never happened: a recorder on a clock of its own, fed as a scenario feeds it. Holds no assertion. */
import { Recorder } from "../../src/report/recorder.ts";

export interface Clock {
  now: number;
}

export function recorderOn(clock: Clock, said: string[] = []): Recorder {
  return new Recorder(
    { scenario: "storm", options: { count: 20_000, seconds: 60, target: "" } },
    {
      now: () => clock.now,
      readProcess: async (pid) => ({
        cpuMs: (clock.now - 1_000_000) * (pid === 11 ? 0.9 : 0.35) * (1 + 0.2 * Math.sin(clock.now / 5_000)),
        memory: 120e6 + pid * 8e6 + (clock.now - 1_000_000) * 1_000,
        descriptors: 40 + pid,
      }),
      readMachine: async () => ({ busyMs: (clock.now - 1_000_000) * 1.8, available: 12e9, slab: 900e6 }),
      readProportional: async () => 99e6,
      lag: () => ({ p50: 0.4, p99: 12.5, greatest: 41 }),
      lagNow: () => 2 + Math.abs(Math.sin(clock.now / 9_000)) * 9,
      machine: () => ({ cores: 2, model: "A processor", memory: 16e9, node: "v24.21.0", kernel: "6.8" }),
      say: (text) => said.push(text),
    },
  );
}

/** A whole storm: crowds come, latencies rise and fall, bounds hold and do not. */
export async function playedStorm(seconds: number): Promise<Recorder> {
  const clock = { now: 1_000_000 };
  const recorder = recorderOn(clock);
  recorder.watch("game-1", 11);
  recorder.watch("relay-1", 12);
  recorder.watch("harness", 13);
  recorder.phase("starting the game");
  const delivery = recorder.histogram("delivery of an update", "ms");
  const joins = recorder.histogram("join of a player", "ms");
  for (let second = 0; second < seconds; second++) {
    clock.now += 1_000;
    if (second === 5) recorder.phase("everybody comes", 5);
    if (second === 12) recorder.phase("watching", seconds - 12);
    const here = Math.max(0, Math.min(20_000, (second - 5) * 4_000));
    recorder.point("connections", "spectators", here);
    recorder.point("connections", "players", here / 10);
    recorder.point("cost per spectator and second", "relay", here > 0 ? 21 + Math.sin(second) * 2 : 0, "us");
    for (let at = 0; at < 60; at++)
      delivery.record(20 + (at % 17) * 9 + (at === 59 ? 300 : 0), 1 + here / 60);
    if (second > 4 && second < 12) for (let at = 0; at < 40; at++) joins.record(100 + at * at);
    await recorder.sample();
  }
  recorder.bound({ name: "p99 of a join", value: 1_540, limit: 3_000, unit: "ms", holds: true, floor: 700 });
  recorder.bound({ name: "p99 of a tick of the round", value: 61, limit: 50, unit: "ms", holds: false });
  recorder.bound({ name: "spectators whose state differs", value: 0, limit: 0, unit: "", holds: true });
  recorder.figures({
    spectators: 20_000,
    delivery: { p50Ms: 92, p99Ms: 471 },
    relayBytes: 8_412,
    ownLagP99Ms: 12.5,
  });
  recorder.note("Two of the <b>processes</b> were started again & went on.");
  return recorder;
}
