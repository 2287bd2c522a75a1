/**
 * Real processes for integration tests: one service, a stand-in, or the whole game as `npm start` runs it.
 * Owns: starting them, waiting until they are ready, their output, their end. Does not own: the Redis and the stand-ins
 * a single service needs; the test starts them and names them in `env`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "./ports.ts";
import { until } from "./wait.ts";

const root = resolve(import.meta.dirname, "../../..");

export interface ProcessOptions {
  /** What it is called in errors. */
  name: string;
  /** Program file, from the project's root, and its arguments. */
  args: readonly string[];
  /** Added to the environment of the tests. */
  env?: Record<string, string>;
  /** Ready when this address answers 200, or when a line of the output matches. */
  ready: { url: string } | { line: RegExp };
  /** How long it may take to get ready. Default 15,000 ms. */
  deadlineMs?: number;
}

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface TestProcess {
  readonly pid: number;
  /** Everything it wrote to stdout and stderr so far. */
  output(): string;
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<Ending>;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL after `deadlineMs` (10,000); resolves when it has ended. */
  stop(deadlineMs?: number): Promise<Ending>;
  /** SIGKILL, as a crash would be; resolves when it has ended. */
  kill(): Promise<Ending>;
}

/**
 * Runs a program on the Node of the tests (24) and waits until it is ready.
 * @throws Error with its output when it ends or the deadline passes before that.
 */
export async function startProcess(options: ProcessOptions): Promise<TestProcess> {
  const { name, args, env = {}, ready, deadlineMs = 15_000 } = options;
  const child = spawn(process.execPath, [...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const running = handleOf(child, () => output);
  let ending: Ending | undefined;
  running.ended.then((how) => {
    ending = how;
  });
  const isReady = (): boolean | Promise<boolean> =>
    "line" in ready ? ready.line.test(output) : answersOk(ready.url);
  try {
    await until(async () => ending !== undefined || (await isReady()), {
      deadlineMs,
      what: `readiness of ${name}`,
    });
    if (ending !== undefined)
      throw new Error(`it ended (${ending.signal ?? ending.code}) before it was ready`);
  } catch (error) {
    await running.kill();
    throw new Error(`${name} did not start. Its output:\n${output}`, { cause: error });
  }
  return running;
}

/**
 * Starts services of ours as one process (`SERVICES=<services> node server/src/main.ts`) on a free port.
 * `env` has to name what they need: REDIS_URL, WOC_URL, ARC_URL, DATA_DIR and so on.
 */
export async function startService(
  services: string,
  env: Record<string, string>,
): Promise<TestProcess & { url: string; port: number }> {
  const port = env.PORT === undefined ? await freePort() : Number(env.PORT);
  const url = `http://127.0.0.1:${port}`;
  const running = await startProcess({
    name: services,
    args: ["server/src/main.ts"],
    env: { NODE_ENV: "testing", NETWORK: "devchain", ...env, SERVICES: services, PORT: String(port) },
    ready: { url: `${url}/healthz` },
  });
  return { ...running, url, port };
}

/**
 * The whole game, as `npm start` runs it, on a free port with a data folder of its own.
 * `stop()` is Ctrl-C (everything stops in order); `close()` stops it and deletes the data.
 */
export async function startGame(
  env: Record<string, string> = {},
): Promise<TestProcess & { url: string; port: number; dataDir: string; close(): Promise<Ending> }> {
  const port = await freePort();
  const dataDir = env.DATA_DIR ?? (await mkdtemp(join(tmpdir(), "meme-rounds-game-")));
  const running = await startProcess({
    name: "npm start",
    args: ["server/launch/start.mjs"],
    env: { NODE_ENV: "development", ...env, PORT: String(port), DATA_DIR: dataDir },
    ready: { line: /Meme Rounds is open: / },
    deadlineMs: 120_000,
  });
  return {
    ...running,
    url: `http://127.0.0.1:${port}`,
    port,
    dataDir,
    async close() {
      const ending = await running.stop(60_000);
      await rm(dataDir, { recursive: true, force: true });
      return ending;
    },
  };
}

function handleOf(child: ChildProcess, output: () => string): TestProcess {
  const killAtExit = (): void => {
    child.kill("SIGTERM");
  };
  process.once("exit", killAtExit);
  const ended = new Promise<Ending>((resolve) => {
    child.once("error", () => resolve({ code: null, signal: null }));
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  ended.then(() => process.removeListener("exit", killAtExit));
  return {
    pid: child.pid ?? 0,
    output,
    ended,
    signal: (signal) => {
      child.kill(signal);
    },
    async stop(deadlineMs = 10_000) {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
      const ending = await ended;
      clearTimeout(timer);
      return ending;
    },
    kill() {
      child.kill("SIGKILL");
      return ended;
    },
  };
}

async function answersOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
  return response.status === 200;
}
