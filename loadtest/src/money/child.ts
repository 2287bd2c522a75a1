/**
 * One child process of the soak. Owns: starting it, its log file, waiting until it is ready, ending it by its pid.
 * Does not own: what it is, or when it is killed (chaos.ts).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

export interface ChildOptions {
  name: string;
  command: string;
  args: readonly string[];
  /** The whole environment: nothing of the caller's gets in. */
  env: Record<string, string>;
  cwd: string;
  /** stdout and stderr are appended here. */
  logFile: string;
  isReady(): Promise<boolean>;
  /** ms it may take to get ready. */
  readyMs: number;
}

const POLL_MS = 50;

export class Child {
  readonly options: ChildOptions;
  /** Ends that nobody asked for, with their codes. */
  readonly crashes: string[] = [];
  /** From a start that succeeded to the next end. */
  isUp = false;
  private process: ChildProcess | undefined;
  private wanted = false;

  constructor(options: ChildOptions) {
    this.options = options;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** Throws when it ends or the time passes before it is ready. */
  async start(): Promise<void> {
    const { name, command, args, env, cwd, logFile, isReady, readyMs } = this.options;
    const log = openSync(logFile, "a");
    const child = spawn(command, [...args], { cwd, env, stdio: ["ignore", log, log] });
    closeSync(log);
    this.process = child;
    this.wanted = true;
    const isCurrent = (): boolean => this.process === child;
    child.once("error", () => isCurrent() && this.gone());
    child.once("exit", (code, signal) => {
      if (!isCurrent()) return;
      if (this.wanted) this.crashes.push(`${name} ended by itself (${signal ?? code})`);
      this.gone();
    });
    const end = performance.now() + readyMs;
    while (!(await isReady().catch(() => false))) {
      if (!isCurrent()) throw new Error(`${name} ended before it was ready; see ${logFile}`);
      if (performance.now() > end) {
        await this.kill();
        throw new Error(`${name} was not ready within ${readyMs} ms; see ${logFile}`);
      }
      await delay(POLL_MS);
    }
    if (isCurrent()) this.isUp = true;
  }

  /** SIGKILL, as a crash would be; resolves when it has ended. */
  kill(): Promise<void> {
    return this.end("SIGKILL");
  }

  /** SIGTERM: it may write what it has to write; resolves when it has ended. */
  quit(): Promise<void> {
    return this.end("SIGTERM");
  }

  /** SIGKILL without waiting, for a process that is ending itself. */
  killNow(): void {
    this.wanted = false;
    this.process?.kill("SIGKILL");
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process;
    this.wanted = false;
    this.isUp = false;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
      child.kill(signal);
    });
  }

  private gone(): void {
    this.process = undefined;
    this.isUp = false;
  }
}

/** Answers 200 at the address. */
export async function answersOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
  await response.arrayBuffer();
  return response.status === 200;
}
