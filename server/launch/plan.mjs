// @ts-check
/**
 * What `npm start` starts, decided from the environment alone.
 * Owns: the list of processes, their order, their settings and how each shows that it is ready. Does not own: starting
 * them (processes.mjs), reading the environment (settings.mjs), finding programs (setup.mjs), choosing ports and
 * keeping data (datadir.mjs). Pure.
 */
import { join } from "node:path";
import { filled } from "./settings.mjs";

/**
 * @typedef {import("./settings.mjs").Env} Env
 * @typedef {import("./settings.mjs").Settings} Settings
 * @typedef {import("./settings.mjs").PrivatePort} PrivatePort
 *
 * @typedef {{ kind: "http", url: string } | { kind: "tcp", port: number } | { kind: "redis", port: number }} Ready
 * How a process shows that it is ready: 200 on the address, an open port, or PONG.
 *
 * @typedef {object} ProcessSpec
 * @property {string} name also the name of its log file
 * @property {string} command
 * @property {string[]} args
 * @property {Record<string, string>} env added to the launcher's own environment
 * @property {number} port
 * @property {Ready} ready
 * @property {number} stopMs between SIGTERM and SIGKILL
 */

const standInApiKey = "aitubo-stand-in";
const workerStopMs = 15_000;

/**
 * The processes in the order of their start; they stop in the opposite order.
 * @param {Settings} settings
 * @param {object} deps
 * @param {string} deps.root the project's folder
 * @param {string} deps.node a Node of version 24 or newer
 * @param {string | undefined} deps.redisServer needed unless settings.redisUrl is set
 * @param {Partial<Record<PrivatePort, number>>} deps.ports one for each of settings.privatePorts
 * @param {string} deps.passphrase of the keystores
 * @param {Env} deps.env
 * @returns {ProcessSpec[]}
 */
export function planProcesses(settings, { root, node, redisServer, ports, passphrase, env }) {
  /** @param {PrivatePort} name */
  const portOf = (name) => {
    const port = ports[name];
    if (port === undefined) throw new Error(`No port was chosen for ${name}.`);
    return port;
  };
  /** @type {ProcessSpec[]} */
  const processes = [];

  if (settings.redisUrl === undefined) {
    if (redisServer === undefined) throw new Error("No redis-server was found, and REDIS_URL is not set.");
    processes.push(redisProcess(redisServer, portOf("redis"), join(settings.dataDir, "redis")));
  }
  if (settings.chain === undefined) {
    processes.push(
      standIn("devchain", portOf("devchain"), {
        DEVCHAIN_PORT: portOf("devchain"),
        DATA_DIR: settings.dataDir,
      }),
    );
  }
  if (settings.aitubo === undefined) {
    processes.push(
      standIn("aitubo", portOf("aitubo"), { AITUBO_PORT: portOf("aitubo"), AITUBO_API_KEY: standInApiKey }),
    );
  }

  const shared = {
    NODE_ENV: filled(env.NODE_ENV) ?? "development",
    DATA_DIR: settings.dataDir,
    NETWORK: settings.network,
    // The host that people read in the text they sign (I2).
    DOMAIN: filled(env.DOMAIN) ?? `localhost:${settings.port}`,
    REDIS_URL: settings.redisUrl ?? local(portOf("redis"), "redis"),
    ...chainEnv(settings, env, portOf),
    ...aituboEnv(settings, env, portOf),
    AUDITOR_URL: local(portOf("auditor")),
    KEYSTORE_PASSPHRASE: passphrase,
    ROUND_SECONDS: String(settings.roundSeconds),
    DRAIN_SECONDS: String(settings.drainSeconds),
  };
  processes.push(
    service("auditor", "auditor", portOf("auditor"), { AUDITOR_PORT: String(portOf("auditor")) }),
    service("payment-worker", "payment-worker", portOf("payment-worker")),
    service("content-worker", "content-worker", portOf("content-worker")),
    service("model-worker", "model-worker", portOf("model-worker")),
    service(
      "game",
      "auth,content,round,payment,audience",
      settings.port,
      {},
      settings.drainSeconds * 1_000 + workerStopMs,
    ),
  );
  return processes;

  /**
   * @param {string} name
   * @param {string} services
   * @param {number} port where it answers /healthz
   * @param {Record<string, string>} more
   * @returns {ProcessSpec}
   */
  function service(name, services, port, more = {}, stopMs = workerStopMs) {
    return {
      name,
      command: node,
      args: [join(root, "server", "src", "main.ts")],
      env: { ...shared, SERVICES: services, PORT: String(port), ...more },
      port,
      ready: { kind: "http", url: `${local(port)}/healthz` },
      stopMs,
    };
  }

  /**
   * @param {"devchain" | "aitubo"} name
   * @param {number} port
   * @param {Record<string, string | number>} more
   * @returns {ProcessSpec}
   */
  function standIn(name, port, more) {
    return {
      name,
      command: node,
      args: [join(root, "server", "standins", name, "main.ts")],
      env: Object.fromEntries(Object.entries(more).map(([key, value]) => [key, String(value)])),
      port,
      ready: { kind: "tcp", port },
      stopMs: 5_000,
    };
  }
}

/**
 * @param {string} command
 * @param {number} port
 * @param {string} folder
 * @returns {ProcessSpec}
 */
function redisProcess(command, port, folder) {
  const options = {
    port,
    bind: "127.0.0.1",
    dir: folder,
    // The append-only file alone is the truth (R4): an acknowledged write is on the disk.
    appendonly: "yes",
    appendfsync: "always",
    save: "",
    "maxmemory-policy": "noeviction",
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return { name: "redis", command, args, env: {}, port, ready: { kind: "redis", port }, stopMs: 20_000 };
}

/**
 * @param {Settings} settings
 * @param {Env} env
 * @param {(name: PrivatePort) => number} portOf
 * @returns {Record<string, string>}
 */
function chainEnv(settings, env, portOf) {
  if (settings.chain === undefined) {
    const url = local(portOf("devchain"));
    return { WOC_URL: `${url}/v1/bsv/main`, ARC_URL: url, DEVCHAIN_URL: url };
  }
  const { wocUrl, arcUrl } = settings.chain;
  // A devchain that runs elsewhere serves its faucet where it serves ARC.
  /** @type {Record<string, string>} */
  const faucet = settings.network === "devchain" ? { DEVCHAIN_URL: filled(env.DEVCHAIN_URL) ?? arcUrl } : {};
  return { WOC_URL: wocUrl, ARC_URL: arcUrl, ...faucet };
}

/**
 * @param {Settings} settings
 * @param {Env} env
 * @param {(name: PrivatePort) => number} portOf
 * @returns {Record<string, string>}
 */
function aituboEnv(settings, env, portOf) {
  const publicUrl = filled(env.PUBLIC_URL);
  if (settings.aitubo !== undefined) {
    // The real one fetches pictures from outside: only an address that was given can work (C8).
    return {
      AITUBO_API_KEY: settings.aitubo.apiKey,
      ...(publicUrl === undefined ? {} : { PUBLIC_URL: publicUrl }),
    };
  }
  return {
    AITUBO_URL: local(portOf("aitubo")),
    AITUBO_API_KEY: standInApiKey,
    PUBLIC_URL: publicUrl ?? local(settings.port),
  };
}

/** @param {number} port */
function local(port, scheme = "http") {
  return `${scheme}://127.0.0.1:${port}`;
}
