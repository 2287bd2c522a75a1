// @ts-check
/**
 * What the launcher keeps in the data folder: who uses it, the ports it uses, the keystore passphrase of development.
 * Owns: launcher.lock, ports.json, keys/passphrase. Does not own: what Redis, the stand-ins and the services keep there.
 */
import { randomBytes, randomInt } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** The data folder cannot be used now: `message` says why and what to do. */
export class DataDirError extends Error {
  /** @override */
  name = "DataDirError";
}

/**
 * @typedef {{ name: string, pid: number, startedAt: string | undefined }} Holder
 * `startedAt` tells a process from a later one that got the same number.
 */

// Below the range from which systems take ports for outgoing connections.
const firstPort = 20_000;
const lastPort = 29_999;

/**
 * Takes the data folder for this launcher. A launcher that was killed leaves its children behind: they are stopped
 * first, since two Redis on one folder would destroy it.
 * @param {string} dataDir
 * @param {{ say: (line: string) => void }} deps
 * @returns {Promise<{ record: (running: { name: string, pid: number }[]) => void, release: () => void }>}
 * @throws {DataDirError} when another launcher runs on it
 */
export async function takeLock(dataDir, { say }) {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, "launcher.lock");
  const owner = holderOf("launcher", process.pid);
  for (let attempt = 1; ; attempt++) {
    try {
      writeFileSync(path, JSON.stringify({ owner, children: [] }), { flag: "wx" });
      break;
    } catch (error) {
      if (codeOf(error) !== "EEXIST" || attempt > 3) throw error;
      const left = readLock(path);
      if (left.owner !== undefined && isAlive(left.owner)) {
        throw new DataDirError(
          `Meme Rounds already runs on ${dataDir} (process ${left.owner.pid}). Stop it with Ctrl-C where it runs, or give this one its own: DATA_DIR=.data2 PORT=2568 npm start.`,
        );
      }
      await endLeftovers(left.children, say);
      rmSync(path, { force: true });
    }
  }
  return {
    record(running) {
      const children = running.map(({ name, pid }) => holderOf(name, pid));
      replaceFile(path, JSON.stringify({ owner, children }));
    },
    release: () => rmSync(path, { force: true }),
  };
}

/**
 * A port for each name: the one of the last start when it is free, else another free one. Kept in ports.json, so
 * that addresses stay the same from start to start.
 * @template {string} Name
 * @param {string} dataDir
 * @param {readonly Name[]} names
 * @param {{ isFree: (port: number) => Promise<boolean>, pick?: () => number }} deps
 * @returns {Promise<Record<Name, number>>}
 */
export async function choosePorts(
  dataDir,
  names,
  { isFree, pick = () => randomInt(firstPort, lastPort + 1) },
) {
  const path = join(dataDir, "ports.json");
  /** @type {Record<string, unknown>} */
  const remembered = readJson(path) ?? {};
  const chosen = /** @type {Record<Name, number>} */ ({});
  for (const name of names) {
    const taken = new Set([...Object.values(chosen), ...Object.values({ ...remembered, [name]: undefined })]);
    let port = remembered[name];
    while (typeof port !== "number" || taken.has(port) || !(await isFree(port))) port = pick();
    chosen[name] = port;
  }
  replaceFile(path, `${JSON.stringify({ ...remembered, ...chosen }, null, 2)}\n`);
  return chosen;
}

/**
 * The passphrase of the keystores in development: made at the first start, readable by its owner alone.
 * @param {string} dataDir
 * @returns {string}
 */
export function developmentPassphrase(dataDir) {
  const folder = join(dataDir, "keys");
  const path = join(folder, "passphrase");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(path, randomBytes(32).toString("hex"), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
  const passphrase = readFileSync(path, "utf8").trim();
  if (passphrase === "")
    throw new DataDirError(`${path} is empty: the keystores cannot be opened without what it held.`);
  return passphrase;
}

/**
 * @param {Holder[]} children in order of start
 * @param {(line: string) => void} say
 */
async function endLeftovers(children, say) {
  const alive = children.filter(isAlive);
  if (alive.length === 0) return;
  say(
    `The last start was killed: stopping what it left behind (${alive.map(({ name }) => name).join(", ")}).`,
  );
  for (const child of alive.toReversed()) {
    // Each leads its own group. It was alive a moment ago; should it end by itself now, that is just as well.
    signalGroup(child.pid, "SIGTERM");
    const deadline = Date.now() + 10_000;
    while (isAlive(child)) {
      if (Date.now() > deadline) signalGroup(child.pid, "SIGKILL");
      await pause(50);
    }
  }
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 */
function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}

/**
 * @param {string} name
 * @param {number} pid
 * @returns {Holder}
 */
function holderOf(name, pid) {
  return { name, pid, startedAt: startOf(pid) };
}

/** @param {Holder} holder */
function isAlive({ pid, startedAt }) {
  const now = startOf(pid);
  if (now !== undefined || startedAt !== undefined) return now === startedAt;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/**
 * When a process started, in the kernel's ticks; undefined when it does not run or the system has no /proc.
 * @param {number} pid
 * @returns {string | undefined}
 */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // Field 3 is the state (a zombie has ended), field 22 the start.
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined; // No such process, or no /proc: both are answers.
  }
}

/**
 * @param {string} path
 * @returns {{ owner?: Holder, children: Holder[] }}
 */
function readLock(path) {
  const lock = /** @type {{ owner?: Holder, children?: Holder[] } | undefined} */ (readJson(path));
  return { ...(lock?.owner ? { owner: lock.owner } : {}), children: lock?.children ?? [] };
}

/** @param {string} path */
function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    // Not there yet, or cut short by a crash: both mean that nothing is remembered.
    if (codeOf(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * All or nothing, whatever happens in between.
 * @param {string} path
 * @param {string} text
 */
function replaceFile(path, text) {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
