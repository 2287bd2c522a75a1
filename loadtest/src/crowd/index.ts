/**
 * A crowd of light clients in worker processes. Owns: starting and ending the workers, sharing work among them, adding up
 * what they say. Does not own: what a worker does (worker.ts), bounds.
 */
import { type ChildProcess, fork } from "node:child_process";
import { setPriority } from "node:os";
import { join } from "node:path";
import type { Report } from "../report/index.ts";
import type { Held } from "./stream.ts";
import type { Order, Progress, Tally, Word } from "./words.ts";

export interface CrowdOptions {
  gameUrl: string;
  workers: number;
}

/** How things stand, over all workers. */
export interface CrowdTotals {
  begun: number;
  joined: number;
  players: number;
  /** How often each reason was heard of. */
  failed: Map<string, number>;
  gone: Map<string, number>;
  delivered: number;
  due: number;
  /** The latest worker's event loop, p99 of its last second and the greatest such so far, ms. */
  lagMs: number;
  worstLagMs: number;
}

export interface Compared {
  held: Held[];
  odd: number;
  behind: number;
}

interface Worker {
  child: ChildProcess;
  last: Progress | undefined;
}

const READY_MS = 30_000;
/** Of the spectators, which are other machines' work: as far behind the round's process as the relays are. */
const NICENESS = 10;

const share = (count: number, workers: number, at: number): number =>
  Math.floor(count / workers) + (at < count % workers ? 1 : 0);

const addUp = (into: Map<string, number>, more: readonly [string, number][]): void => {
  for (const [reason, times] of more) into.set(reason, (into.get(reason) ?? 0) + times);
};

export class Crowd {
  readonly failed = new Map<string, number>();
  readonly gone = new Map<string, number>();
  private readonly workers: Worker[];
  private readonly report: Report;
  private worstLagMs = 0;

  private constructor(workers: Worker[], report: Report) {
    this.workers = workers;
    this.report = report;
    for (const worker of workers)
      worker.child.on("message", (word: Word) => {
        if (word.say === "progress") this.heard(worker, word);
      });
  }

  /** Workers that are ready. Rejects when one does not come up; none is left then. */
  static async start(options: CrowdOptions, report: Report, signal: AbortSignal): Promise<Crowd> {
    const workers: Worker[] = [];
    const end = (): void => {
      for (const { child } of workers) child.kill("SIGKILL");
    };
    process.once("exit", end);
    try {
      for (let at = 0; at < options.workers; at++) {
        const child = fork(join(import.meta.dirname, "worker.ts"), [options.gameUrl, String(at)], {
          stdio: ["ignore", "ignore", "inherit", "ipc"],
          // Garbage of a moment, as a relay's: kept small it stays in the processor's caches.
          execArgv: ["--max-semi-space-size=8"],
        });
        workers.push({ child, last: undefined });
        if (child.pid !== undefined) setPriority(child.pid, NICENESS);
        if (child.pid !== undefined) report.watch(`spectators-${at + 1}`, child.pid);
      }
      await Promise.all(
        workers.map(({ child }) =>
          wordOf(child, isWord("ready"), AbortSignal.any([signal, AbortSignal.timeout(READY_MS)])),
        ),
      );
      return new Crowd(workers, report);
    } catch (error) {
      end();
      throw error;
    }
  }

  get totals(): CrowdTotals {
    const sum = (of: (progress: Progress) => number): number =>
      this.workers.reduce((all, { last }) => all + (last ? of(last) : 0), 0);
    return {
      begun: sum(({ begun }) => begun),
      joined: sum(({ joined }) => joined),
      players: sum(({ players }) => players),
      failed: this.failed,
      gone: this.gone,
      delivered: sum(({ delivered }) => delivered),
      due: sum(({ due }) => due),
      lagMs: Math.max(0, ...this.workers.map(({ last }) => last?.lagMs ?? 0)),
      worstLagMs: this.worstLagMs,
    };
  }

  get pids(): number[] {
    return this.workers.flatMap(({ child }) => (child.pid === undefined ? [] : [child.pid]));
  }

  /** Spectators come, so many a second in all. Resolves when each has its state or has failed. */
  async join(
    wanted: { count: number; perSecond: number; atOnce: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { length } = this.workers;
    await this.all(
      (at) => ({
        do: "join",
        count: share(wanted.count, length, at),
        perSecond: wanted.perSecond / length,
        atOnce: Math.max(1, Math.ceil(wanted.atOnce / length)),
      }),
      signal,
    );
  }

  /** Players go into the room, evenly over `overMs`. */
  async play(roomId: string, tokens: readonly string[], overMs: number, signal: AbortSignal): Promise<void> {
    const { length } = this.workers;
    await this.all(
      (at) => ({ do: "play", roomId, overMs, tokens: tokens.filter((_, index) => index % length === at) }),
      signal,
    );
  }

  /** Everybody is here: from now on they are read in rows. The first update or two are late, until rows and relays go in step. */
  async lineUp(signal: AbortSignal): Promise<void> {
    await this.all(() => ({ do: "line up" }), signal);
  }

  async measure(on: boolean, signal: AbortSignal): Promise<void> {
    await this.all(() => ({ do: "measure", on }), signal);
  }

  /** What everybody holds now, by the decoded state. */
  async compare(signal: AbortSignal): Promise<Compared> {
    const answers = await Promise.all(
      this.workers.map(({ child }) => {
        const answer = wordOf(child, isWord("compared"), signal);
        child.send({ do: "compare" } satisfies Order);
        return answer;
      }),
    );
    return {
      held: answers.flatMap(({ held }) => held),
      odd: answers.reduce((sum, { odd }) => sum + odd, 0),
      behind: answers.reduce((sum, { behind }) => sum + behind, 0),
    };
  }

  /** All sockets and processes go. */
  async stop(): Promise<void> {
    await Promise.all(
      this.workers.map(
        ({ child }) =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null || child.signalCode !== null) return resolve();
            child.once("exit", () => resolve());
            child.kill("SIGKILL");
          }),
      ),
    );
  }

  private async all(orderOf: (at: number) => Order, signal: AbortSignal): Promise<void> {
    await Promise.all(
      this.workers.map(({ child }, at) => {
        const order = orderOf(at);
        const isDone = (word: Word): word is WordOf<"done"> => word.say === "done" && word.order === order.do;
        const done = wordOf(child, isDone, signal);
        child.send(order);
        return done;
      }),
    );
  }

  private heard(worker: Worker, progress: Progress): void {
    worker.last = progress;
    this.worstLagMs = Math.max(this.worstLagMs, progress.lagMs);
    addUp(this.failed, progress.failed);
    addUp(this.gone, progress.gone);
    const tell = (name: string, tally: Tally): void => {
      const histogram = this.report.histogram(name, "ms");
      for (const [ms, times] of tally) histogram.record(ms, times);
    };
    tell(JOIN_TIME, progress.joinTimes);
    tell(PLAY_TIME, progress.playTimes);
    tell(LATENCY, progress.latencies);
    const { joined, players, lagMs } = this.totals;
    this.report.point("connections", "spectators", joined);
    if (players > 0) this.report.point("connections", "players", players);
    this.report.point("load generators' event loop", "p99", lagMs, "ms");
  }
}

/** Names of the histograms a crowd fills. */
export const JOIN_TIME = "spectator's join";
export const PLAY_TIME = "player's join";
export const LATENCY = "change to spectator";

type WordOf<K extends Word["say"]> = Extract<Word, { say: K }>;

const isWord =
  <K extends Word["say"]>(kind: K) =>
  (word: Word): word is WordOf<K> =>
    word.say === kind;

/** The worker's next word of this kind. Rejects when it ends before, or the signal fires. */
function wordOf<W extends Word>(
  child: ChildProcess,
  isIt: (word: Word) => word is W,
  signal: AbortSignal,
): Promise<W> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      child.off("message", hear);
      child.off("exit", left);
      signal.removeEventListener("abort", aborted);
      act();
    };
    const hear = (word: Word): void => {
      if (isIt(word)) settle(() => resolve(word));
    };
    const left = (): void => settle(() => reject(new Error("a process of spectators ended by itself")));
    const aborted = (): void => settle(() => reject(signal.reason));
    child.on("message", hear);
    child.once("exit", left);
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) aborted();
  });
}
