/**
 * The whole game as child processes in a folder of its own: Redis, devchain, auditor, workers, game servers.
 * Owns: their settings, starting them in order, ending all of them. Does not own: who is killed when (chaos.ts).
 * Every address is one of this machine; every process is ended by its own pid.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { answersOk, Child } from "./child.ts";
import { freePort, isListening, loopback } from "./ports.ts";

const root = resolve(import.meta.dirname, "../../..");
const READY_MS = 60_000;

export interface ClusterOptions {
  roundSeconds: number;
  blockSeconds: number;
  games: number;
  workers: number;
  /** Processes for spectators alone; without any, the game servers carry them. */
  relays?: number;
  /** Folder for CPU profiles of the game servers and relays; none without. */
  profiles?: string;
}

export type Role = "redis" | "devchain" | "auditor" | "payment-worker" | "relay" | "game";

export interface Service {
  role: Role;
  child: Child;
  /** Where it answers. */
  url: string;
}

export interface Cluster {
  folder: string;
  redisUrl: string;
  devchainUrl: string;
  services: Service[];
  /** Addresses of the game servers that are up. */
  gameUrls(): string[];
  /** Ends everything; the folder goes too unless it is to be kept. */
  stop(keepFolder: boolean): Promise<void>;
}

/** Clients come to it. */
const isFaced = (role: Role): boolean => role === "game" || role === "relay";

/** Only what a process needs to run at all; no setting of the caller's. */
const bareEnv = (): Record<string, string> => ({
  PATH: process.env.PATH ?? "",
  HOME: process.env.HOME ?? "",
  TMPDIR: tmpdir(),
});

/** Starts it all. On a failure, or when `signal` fires meanwhile, nothing of it is left running. */
export async function startCluster(options: ClusterOptions, signal: AbortSignal): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), "meme-rounds-soak-"));
  await mkdir(join(folder, "logs"));
  await mkdir(join(folder, "redis"));
  const services: Service[] = [];
  const atExit = (): void => {
    for (const { child } of services) child.killNow();
  };
  process.once("exit", atExit);
  const stop = async (keepFolder: boolean): Promise<void> => {
    // A profile is written by a process that ends itself.
    for (const { child, role } of services.toReversed())
      await (options.profiles !== undefined && isFaced(role) ? child.quit() : child.kill());
    process.removeListener("exit", atExit);
    if (!keepFolder) await rm(folder, { recursive: true, force: true });
  };
  try {
    const plan = await planServices(options, folder);
    for (const service of plan.services) {
      signal.throwIfAborted();
      services.push(service);
      await service.child.start();
    }
    return {
      folder,
      redisUrl: plan.redisUrl,
      devchainUrl: plan.devchainUrl,
      services,
      gameUrls: () =>
        services.filter(({ role, child }) => role === "game" && child.isUp).map(({ url }) => url),
      stop,
    };
  } catch (error) {
    await stop(true);
    throw error;
  }
}

async function planServices(options: ClusterOptions, folder: string) {
  const redisPort = await freePort();
  const chainPort = await freePort();
  const auditorPort = await freePort();
  const redisUrl = loopback(`redis://127.0.0.1:${redisPort}`);
  const devchainUrl = loopback(`http://127.0.0.1:${chainPort}`);
  const auditorUrl = loopback(`http://127.0.0.1:${auditorPort}`);
  const gamePorts: number[] = [];
  for (let at = 0; at < options.games; at++) gamePorts.push(await freePort());
  const settings = {
    // Whatever the callbacks tell, lost, repeated or false ones, comes to the first game server.
    CALLBACK_URL: loopback(`http://127.0.0.1:${gamePorts[0]}/api/chain/callback`),
    CALLBACK_TOKEN: "only-for-a-soak-on-this-machine",
    NODE_ENV: "testing",
    NETWORK: "devchain",
    LOG_LEVEL: "info",
    DATA_DIR: join(folder, "data"),
    REDIS_URL: redisUrl,
    ARC_URL: devchainUrl,
    WOC_URL: devchainUrl,
    DEVCHAIN_URL: devchainUrl,
    AUDITOR_URL: auditorUrl,
    AUDITOR_PORT: String(auditorPort),
    KEYSTORE_PASSPHRASE: "only for a soak on this machine",
    ROUND_SECONDS: String(options.roundSeconds),
    DRAIN_SECONDS: "0",
    // Every player comes from an address of its own, or the limits per address would be all there is to test.
    TRUST_PROXY: "loopback",
  };
  const ours = (name: string, services: string, port: number, role: Role): Service => ({
    role,
    url: `http://127.0.0.1:${port}`,
    child: new Child({
      name,
      command: process.execPath,
      args: [
        ...(options.profiles !== undefined && isFaced(role)
          ? ["--cpu-prof", `--cpu-prof-dir=${options.profiles}`, `--cpu-prof-name=${name}.cpuprofile`]
          : []),
        "server/src/main.ts",
      ],
      cwd: root,
      env: {
        ...bareEnv(),
        ...settings,
        SERVICES: services,
        // As ecosystem.config.js and kubernetes start them.
        ...(role === "relay" ? { NODE_OPTIONS: "--max-semi-space-size=8" } : {}),
        PORT: String(port),
        ...(isFaced(role) ? { PUBLIC_ADDRESS: `127.0.0.1:${port}` } : {}),
      },
      logFile: join(folder, "logs", `${name}.log`),
      isReady: () => answersOk(`http://127.0.0.1:${role === "auditor" ? auditorPort : port}/healthz`),
      readyMs: READY_MS,
    }),
  });
  const services: Service[] = [
    { role: "redis", url: redisUrl, child: redisServer(redisPort, folder) },
    {
      role: "devchain",
      url: devchainUrl,
      child: new Child({
        name: "devchain",
        command: process.execPath,
        args: ["server/standins/devchain/main.ts"],
        cwd: root,
        env: {
          ...bareEnv(),
          NODE_ENV: "testing",
          DEVCHAIN_PORT: String(chainPort),
          DATA_DIR: join(folder, "data"),
          DEVCHAIN_BLOCK_SECONDS: String(options.blockSeconds),
        },
        logFile: join(folder, "logs", "devchain.log"),
        isReady: () => isListening(chainPort),
        readyMs: READY_MS,
      }),
    },
    ours("auditor", "auditor", auditorPort, "auditor"),
  ];
  for (let at = 1; at <= options.workers; at++)
    services.push(ours(`payment-worker-${at}`, "payment-worker", await freePort(), "payment-worker"));
  const relays = options.relays ?? 0;
  for (let at = 1; at <= relays; at++)
    services.push(ours(`relay-${at}`, "audience", await freePort(), "relay"));
  const carried = relays > 0 ? "auth,content,round,payment" : "auth,content,round,payment,audience";
  for (const [at, port] of gamePorts.entries()) services.push(ours(`game-${at + 1}`, carried, port, "game"));
  return { services, redisUrl, devchainUrl };
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
    env: bareEnv(),
    logFile: join(folder, "logs", "redis.log"),
    isReady: () => isListening(port),
    readyMs: READY_MS,
  });
}
