/**
 * A real Redis for one test file, on a free port, in a temporary folder of its own.
 * Owns: the redis-server process and its folder. Does not own: installing Redis (`npm test` does), the keys in it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { freePort } from "./ports.ts";
import { until } from "./wait.ts";

export interface RedisOptions {
  /** Append-only with fsync on every write, as in production: needed when data must outlive `kill()`. Default false. */
  durable?: boolean;
}

export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** Stops it and deletes its data. */
  close(): Promise<void>;
  /** SIGKILL, as a crash would be. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data; stops it first when it still runs. */
  restart(): Promise<void>;
}

/**
 * Hooks of one `describe`: a Redis of its own and a connection to it, handed over before the first test, gone after the
 * last. What is in it stays from test to test.
 */
export function connected(use: (redis: Redis) => void): void {
  let server: TestRedis;
  let redis: Redis;
  before(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
    use(redis);
  });
  after(async () => {
    redis?.disconnect();
    await server?.close();
  });
}

/**
 * Starts a Redis and waits until it answers.
 * @throws Error with redis-server's own words when it does not come up, or that it is not installed.
 */
export async function startRedis(options: RedisOptions = {}): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), "meme-rounds-redis-"));
  const { port, child } = await launchOnFreePort(folder, options);
  let current: ChildProcess | undefined = child;
  const killAtExit = (): void => {
    current?.kill("SIGKILL");
  };
  process.once("exit", killAtExit);

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (current) await endChild(current, signal);
    current = undefined;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    async close() {
      await end("SIGKILL");
      process.removeListener("exit", killAtExit);
      await rm(folder, { recursive: true, force: true });
    },
    kill: () => end("SIGKILL"),
    async restart() {
      await end("SIGTERM");
      current = await launch(port, folder, options);
    },
  };
}

async function launchOnFreePort(
  folder: string,
  options: RedisOptions,
): Promise<{ port: number; child: ChildProcess }> {
  // A port found free can be taken before Redis binds it; a few tries make that harmless.
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return { port, child: await launch(port, folder, options) };
    } catch (error) {
      if (attempt === 3 || !String(error).includes("Address already in use")) {
        await rm(folder, { recursive: true, force: true });
        throw error;
      }
    }
  }
}

async function launch(port: number, folder: string, options: RedisOptions): Promise<ChildProcess> {
  const durable = options.durable === true;
  const settings = {
    port: String(port),
    bind: "127.0.0.1",
    dir: folder,
    save: "",
    appendonly: durable ? "yes" : "no",
    appendfsync: "always",
    "maxmemory-policy": "noeviction",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = new Error("redis-server cannot be run: `npm test` installs it", { cause: error });
  });
  child.once("exit", (code, signal) => {
    failure ??= new Error(`redis-server ended (${signal ?? code}) before it answered:\n${output}`);
  });
  const answered = await until(async () => failure ?? ((await answersPing(port)) ? "PONG" : false), {
    deadlineMs: 10_000,
    what: `an answer of redis-server on port ${port}`,
  });
  if (answered instanceof Error) throw answered;
  return child;
}

/** True when what listens there says PONG; false while it loads its data or nothing listens. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const end = (value: boolean): void => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.once("error", () => end(false));
    socket.once("connect", () => socket.write("PING\r\n"));
    socket.once("data", (chunk: Buffer) => end(chunk.toString().startsWith("+PONG")));
  });
}

function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else {
      child.once("exit", () => resolve());
      child.kill(signal);
    }
  });
}
