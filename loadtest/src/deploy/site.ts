/**
 * The game as it runs for real on one host: Redis, a devchain, every process under PM2 as ecosystem.config.js says, nginx in
 * front as deploy/nginx.conf says. Owns: their settings, starting, reloading and ending them. Does not own: who plays.
 * Everything listens on this machine only; PM2 and nginx have folders of their own, so nobody else's are touched.
 */
import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { answersOk, Child } from "../money/child.ts";
import { freePort, isListening } from "../money/ports.ts";

const root = resolve(import.meta.dirname, "../../..");
const run = promisify(execFile);
const READY_MS = 60_000;

export interface SiteOptions {
  roundSeconds: number;
  drainSeconds: number;
  games: number;
  relays: number;
}

/** A process that clients come to. */
export interface Faced {
  name: string;
  port: number;
  /** Where it answers itself, without the edge. */
  url: string;
}

export interface Site {
  folder: string;
  redisUrl: string;
  /** Where everybody comes in: nginx. */
  url: string;
  faced: readonly Faced[];
  /** Their process ids by name, as PM2 knows them now. */
  pids(): Promise<Map<string, number>>;
  /** The deploy as docs/OPERATIONS.md has it: every process, one after the other. Resolves when all are ready again. */
  reload(): Promise<void>;
  /** Ends everything; the folder goes too unless it is to be kept. */
  stop(keepFolder: boolean): Promise<void>;
}

/** Starts it all. Throws a sentence when nginx or the built page is not there. On a failure nothing is left running. */
export async function startSite(options: SiteOptions, signal: AbortSignal): Promise<Site> {
  await run("nginx", ["-v"]).catch(() => {
    throw new Error("There is no nginx on this machine: install it first (apt-get install nginx-light).");
  });
  await access(join(root, "client/dist/index.html")).catch(() => {
    throw new Error("The page is not built, and is asked for here: npm run build, then this again.");
  });
  const folder = await mkdtemp(join(tmpdir(), "meme-rounds-site-"));
  for (const name of ["logs", "redis", "pm2", "edge/tmp"])
    await mkdir(join(folder, name), { recursive: true });
  const children: Child[] = [];
  const pm2 = pm2In(folder, await settingsFor(options, folder));
  const stop = async (keepFolder: boolean): Promise<void> => {
    await pm2.call("kill").catch(() => undefined); // Not started yet, or gone.
    for (const child of children.toReversed()) await endChild(child);
    if (!keepFolder) await rm(folder, { recursive: true, force: true });
  };
  try {
    const { redisPort, chainPort, edgePort, port } = pm2.settings;
    const redis = redisServer(redisPort, folder);
    const chain = devchain(chainPort, folder);
    children.push(redis, chain);
    await Promise.all([redis.start(), chain.start()]);
    signal.throwIfAborted();
    await pm2.call("start", join(root, "ecosystem.config.js"), "--silent");
    const faced = facedOf(options, port);
    await Promise.all(faced.map((one) => ready(one.url)));
    signal.throwIfAborted();
    const edge = await nginx(folder, edgePort, port, faced);
    children.push(edge);
    await edge.start();
    return {
      folder,
      redisUrl: `redis://127.0.0.1:${redisPort}`,
      url: `http://127.0.0.1:${edgePort}`,
      faced,
      pids: pm2.pids,
      async reload() {
        await pm2.call("reload", join(root, "ecosystem.config.js"), "--silent");
        await Promise.all(faced.map((one) => ready(one.url)));
      },
      stop,
    };
  } catch (error) {
    await stop(true);
    throw error;
  }
}

const facedOf = ({ games, relays }: SiteOptions, port: number): Faced[] => {
  const some = (kind: string, count: number, first: number): Faced[] =>
    Array.from({ length: count }, (_, at) => {
      const own = first + 10 * at;
      return { name: `${kind}-${at + 1}`, port: own, url: `http://127.0.0.1:${own}` };
    });
  return [...some("game", games, port), ...some("relay", relays, port + 5)];
};

/** A port that ends in 7, as the edge wants it, with the ones beside it free. */
async function freeRange({ games, relays }: SiteOptions): Promise<number> {
  const count = 10 * Math.max(games, relays);
  for (let port = 2_607; port + count < 3_000; port += 10) {
    const all = Array.from({ length: count }, (_, at) => port + at);
    const taken = await Promise.all(all.map(isListening));
    if (!taken.includes(true)) return port;
  }
  throw new Error("no free range of ports between 2600 and 3000");
}

interface Settings {
  redisPort: number;
  chainPort: number;
  edgePort: number;
  port: number;
  env: Record<string, string>;
}

async function settingsFor(options: SiteOptions, folder: string): Promise<Settings> {
  const [redisPort, chainPort, edgePort] = [await freePort(), await freePort(), await freePort()];
  const port = await freeRange(options);
  const chainUrl = `http://127.0.0.1:${chainPort}`;
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: folder,
    PM2_HOME: join(folder, "pm2"),
    PM2_DISCRETE_MODE: "true",
    // As `npm run pm2:reload` sets it: PM2 would replace two at a time, and both games at once.
    PM2_CONCURRENT_ACTIONS: "1",
    NODE_ENV: "testing",
    NETWORK: "devchain",
    LOG_LEVEL: "info",
    DATA_DIR: join(folder, "data"),
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    ARC_URL: chainUrl,
    WOC_URL: chainUrl,
    DEVCHAIN_URL: chainUrl,
    KEYSTORE_PASSPHRASE: "only for a load test on this machine",
    ROUND_SECONDS: String(options.roundSeconds),
    DRAIN_SECONDS: String(options.drainSeconds),
    TRUST_PROXY: "loopback",
    DOMAIN: `127.0.0.1:${edgePort}`,
    PUBLIC_HOST: `127.0.0.1:${edgePort}`,
    PORT: String(port),
    GAMES: String(options.games),
    RELAYS: String(options.relays),
  };
  return { redisPort, chainPort, edgePort, port, env };
}

/** The pm2 of the project, with a daemon of its own. */
function pm2In(folder: string, settings: Settings) {
  const bin = join(root, "node_modules", "pm2", "bin", "pm2");
  const call = async (...args: string[]): Promise<string> => {
    const { stdout } = await run(process.execPath, [bin, ...args], {
      cwd: folder,
      env: settings.env,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  };
  return {
    settings,
    call,
    async pids(): Promise<Map<string, number>> {
      const text = await call("jlist", "--silent");
      const list = JSON.parse(text.slice(text.indexOf("["))) as { name: string; pid: number }[];
      return new Map(list.map(({ name, pid }) => [name, pid]));
    },
  };
}

async function ready(url: string): Promise<void> {
  const end = performance.now() + READY_MS;
  while (!(await answersOk(`${url}/readyz`).catch(() => false))) {
    if (performance.now() > end) throw new Error(`${url} is not ready after ${READY_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** deploy/nginx.conf with the ports of this run; nothing else is changed. */
async function nginx(
  folder: string,
  edgePort: number,
  port: number,
  faced: readonly Faced[],
): Promise<Child> {
  const text = await readFile(join(root, "deploy", "nginx.conf"), "utf8");
  const shift = port - 2_567;
  const conf = text
    .replaceAll(
      /server 127\.0\.0\.1:(\d+)/g,
      (_line, own: string) => `server 127.0.0.1:${Number(own) + shift}`,
    )
    .replace("listen 80;", `listen 127.0.0.1:${edgePort};`);
  for (const { port: own } of faced)
    if (!conf.includes(`server 127.0.0.1:${own} `))
      throw new Error(`deploy/nginx.conf does not know port ${own}`);
  await writeFile(join(folder, "edge", "nginx.conf"), conf);
  // Its workers would be somebody else otherwise, who may not look into a temporary folder.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  return new Child({
    name: "nginx",
    command: "nginx",
    args: [
      "-p",
      join(folder, "edge/"),
      "-c",
      join(folder, "edge", "nginx.conf"),
      "-g",
      `daemon off; ${user}`,
    ],
    cwd: folder,
    env: { PATH: process.env.PATH ?? "" },
    logFile: join(folder, "logs", "nginx.log"),
    isReady: () => isListening(edgePort),
    readyMs: 10_000,
  });
}

/** nginx ends its workers when it is asked to, not when it is killed. */
async function endChild(child: Child): Promise<void> {
  if (child.options.name === "nginx" && child.pid !== undefined) {
    process.kill(child.pid, "SIGTERM");
    const end = performance.now() + 3_000;
    while (child.isUp && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await child.kill();
}

function devchain(port: number, folder: string): Child {
  return new Child({
    name: "devchain",
    command: process.execPath,
    args: ["server/standins/devchain/main.ts"],
    cwd: root,
    env: {
      PATH: process.env.PATH ?? "",
      NODE_ENV: "testing",
      DEVCHAIN_PORT: String(port),
      DATA_DIR: join(folder, "data"),
      DEVCHAIN_BLOCK_SECONDS: "5",
    },
    logFile: join(folder, "logs", "devchain.log"),
    isReady: () => isListening(port),
    readyMs: READY_MS,
  });
}

function redisServer(port: number, folder: string): Child {
  const settings = {
    port: String(port),
    bind: "127.0.0.1",
    dir: join(folder, "redis"),
    save: "",
    appendonly: "yes",
    appendfsync: "always",
    "maxmemory-policy": "noeviction",
  };
  return new Child({
    name: "redis",
    command: "redis-server",
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    cwd: folder,
    env: { PATH: process.env.PATH ?? "" },
    logFile: join(folder, "logs", "redis.log"),
    isReady: () => isListening(port),
    readyMs: READY_MS,
  });
}
