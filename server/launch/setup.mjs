// @ts-check
/**
 * What has to be on the machine before anything runs: npm packages, Node 24, redis-server, Chromium, nginx, the built page.
 * Owns: finding each of them, and getting it where that is allowed. Does not own: starting anything.
 * Plain JavaScript without dependencies: it runs on Node 20 before node_modules exists.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Something is missing that only the person at the keyboard can bring: `message` says what to do. */
export class SetupError extends Error {
  /** @override */
  name = "SetupError";
}

/** @typedef {(line: string) => void} Say Prints one plain line for the person at the keyboard. */

/** The folder that holds package.json. */
export const projectRoot = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

const minNodeMajor = 24;
const minRedis = /** @type {const} */ ([6, 2]);

/**
 * Runs `npm ci` when node_modules is missing or older than package-lock.json.
 * @param {{ root: string, say: Say }} deps
 * @throws {SetupError} when npm fails
 */
export function ensurePackages({ root, say }) {
  const installed = modifiedAt(join(root, "node_modules", ".package-lock.json"));
  if (installed !== undefined && installed >= (modifiedAt(join(root, "package-lock.json")) ?? 0)) return;
  say(
    installed === undefined
      ? "Installing packages (npm ci)."
      : "Packages changed: installing them again (npm ci).",
  );
  const args = ["ci", "--include=dev", "--no-fund", "--no-audit", "--loglevel=error"];
  // npm must not run on the Node inside node_modules, which it is about to delete.
  const PATH = pathFolders()
    .filter((folder) => !folder.includes("node_modules"))
    .join(delimiter);
  const npm = spawnSync("npm", args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, PATH },
  });
  if (npm.status !== 0) {
    throw new SetupError(
      `npm ci did not succeed (${npm.error?.message ?? `exit code ${npm.status}`}). What npm said is above.`,
    );
  }
}

/**
 * The Node that runs the services: the npm package `node` brings it, whatever Node the machine has.
 * @param {{ root: string }} deps
 * @returns {string} path of a Node of version 24 or newer
 * @throws {SetupError} when there is none
 */
export function findNode({ root }) {
  const path = join(root, "node_modules", "node", "bin", "node");
  const version = outputOf(path, ["--version"])?.trim();
  if (version !== undefined && majorOf(version) >= minNodeMajor) return path;
  if (majorOf(process.version) >= minNodeMajor) return process.execPath;
  const found = version === undefined ? "is missing" : `is ${version}`;
  throw new SetupError(
    `Node ${minNodeMajor} is needed, and node_modules/node/bin/node ${found}. It comes with the packages through an install script: ` +
      "check that npm may run scripts (`npm config get ignore-scripts` says false), delete node_modules and start again.",
  );
}

/**
 * Finds redis-server, or installs it where that is allowed (root on Debian or Ubuntu).
 * @param {{ say: Say }} deps
 * @returns {string} path of a redis-server of version 6.2 or newer
 * @throws {SetupError} saying what to install
 */
export function ensureRedis({ say }) {
  const wanted = `redis-server ${minRedis.join(".")} or newer`;
  const present = findRedis();
  if (present.path !== undefined) return present.path;
  if (present.tooOld === undefined && mayInstall()) {
    say("Installing redis-server (apt-get).");
    aptInstallQuietly("redis-server", wanted);
  }
  const { path, tooOld } = findRedis();
  if (path !== undefined) return path;
  const found = tooOld === undefined ? "" : ` The one found is ${tooOld}.`;
  throw new SetupError(
    `${wanted} is needed.${found} On Debian or Ubuntu: sudo apt-get install redis-server. On macOS: brew install redis. ` +
      "Or give the address of a running one: REDIS_URL=redis://host:6379 npm start.",
  );
}

/**
 * Finds Chromium for the browser tests, or installs it where that is allowed.
 * @param {{ say: Say }} deps
 * @returns {string} path of the browser
 * @throws {SetupError} saying what to install
 */
export function ensureChromium({ say }) {
  const find = () =>
    [
      process.env.CHROMIUM_PATH,
      "/usr/bin/chromium",
      commandPath("chromium"),
      commandPath("chromium-browser"),
    ].find((path) => path !== undefined && isExecutable(path));
  const present = find();
  if (present !== undefined) return present;
  if (mayInstall()) {
    say("Installing chromium for the browser tests (apt-get).");
    aptInstall(["chromium"], "chromium");
  }
  const path = find();
  if (path !== undefined) return path;
  throw new SetupError(
    "Chromium is needed for the browser tests. On Debian: sudo apt-get install chromium. Elsewhere set CHROMIUM_PATH to its program.",
  );
}

/**
 * Finds nginx for the tests of the edge, or installs it where that is allowed. They are skipped without it.
 * @param {{ say: Say }} deps
 */
export function ensureNginx({ say }) {
  if (commandPath("nginx") !== undefined) return;
  try {
    if (mayInstall()) {
      say("Installing nginx for the tests of the edge (apt-get).");
      aptInstallQuietly("nginx", "nginx");
    }
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
  }
  if (commandPath("nginx") === undefined) say("There is no nginx here: the tests of the edge are skipped.");
}

/**
 * Builds the page when it was never built or something it is made of is newer.
 * @param {{ root: string, say: Say }} deps
 * @throws {SetupError} with the build's own words when it fails
 */
export function ensurePage({ root, say }) {
  const built = modifiedAt(join(root, "client", "dist", "index.html"));
  const sources = ["client", "shared-schema/src", "package-lock.json"].map((path) => join(root, path));
  if (built !== undefined && sources.every((path) => newestIn(path) <= built)) return;
  say(built === undefined ? "Building the page." : "The page's sources changed: building it again.");
  const PATH = [join(root, "node_modules", ".bin"), ...pathFolders()].join(delimiter);
  const build = spawnSync("npm", ["run", "build", "-w", "client"], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, PATH },
  });
  if (build.status !== 0) throw new SetupError(`The page cannot be built:\n${build.stdout}${build.stderr}`);
}

/**
 * Reads `redis-server --version`.
 * @param {string} text
 * @returns {{ version: string, enough: boolean } | undefined} undefined when it is not Redis' own line
 */
export function readRedisVersion(text) {
  const match = /v=(\d+)\.(\d+)(\.\d+)?/.exec(text);
  if (!match) return undefined;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const enough = major > minRedis[0] || (major === minRedis[0] && minor >= minRedis[1]);
  return { version: `${major}.${minor}${match[3] ?? ""}`, enough };
}

/**
 * The newest modification time in a file or folder, in ms; what builds and editors leave behind does not count.
 * @param {string} path
 * @returns {number} 0 when there is nothing
 */
export function newestIn(path) {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined) return 0;
  if (!info.isDirectory()) return info.mtimeMs;
  const names = readdirSync(path).filter(
    (name) => !["node_modules", "dist", "test"].includes(name) && !name.startsWith("."),
  );
  return names.reduce((newest, name) => Math.max(newest, newestIn(join(path, name))), 0);
}

/** @returns {{ path?: string, tooOld?: string }} */
function findRedis() {
  const places = [commandPath("redis-server"), "/usr/bin/redis-server", "/usr/local/bin/redis-server"];
  /** @type {string | undefined} */
  let tooOld;
  for (const path of places) {
    if (path === undefined || !isExecutable(path)) continue;
    const redis = readRedisVersion(outputOf(path, ["--version"]) ?? "");
    if (redis?.enough) return { path };
    if (redis) tooOld = redis.version;
  }
  return tooOld === undefined ? {} : { tooOld };
}

/** Root on a machine with apt-get. */
function mayInstall() {
  return process.getuid?.() === 0 && commandPath("apt-get") !== undefined;
}

/**
 * @param {string[]} packages
 * @param {string} wanted in words, for the error
 */
function aptInstall(packages, wanted) {
  // Another install may hold the lock for a while; a fresh machine has no package lists yet.
  const options = ["-qq", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  /** @param {string[]} args */
  const apt = (args) => spawnSync("apt-get", [...options, ...args], { encoding: "utf8", env });
  apt(["update"]);
  const install = apt(["install", ...packages]);
  if (install.status !== 0) {
    throw new SetupError(
      `${wanted} is needed and apt-get could not install it:\n${install.stdout}${install.stderr}`,
    );
  }
}

/**
 * Installs a package whose installation would leave a service running: ours run on ports of their own.
 * @param {string} name of package and service
 * @param {string} wanted in words, for the error
 */
function aptInstallQuietly(name, wanted) {
  const isRunning = () => spawnSync("service", [name, "status"], { stdio: "ignore" }).status === 0;
  const ran = isRunning();
  aptInstall([name], wanted);
  if (ran) return;
  if (existsSync("/run/systemd/system")) {
    spawnSync("systemctl", ["disable", "--now", name], { stdio: "ignore" });
  } else {
    spawnSync("service", [name, "stop"], { stdio: "ignore" });
  }
}

/** @param {string} version such as v24.21.0 */
function majorOf(version) {
  return Number(/^v(\d+)\./.exec(version)?.[1] ?? 0);
}

function pathFolders() {
  return (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
}

/** @param {string} name */
function commandPath(name) {
  return pathFolders()
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // A missing file is the answer here, not a failure.
  }
}

/**
 * @param {string} path
 * @returns {number | undefined} ms since the epoch
 */
function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

/**
 * @param {string} command
 * @param {string[]} args
 * @returns {string | undefined} what it printed, or undefined when it cannot be run
 */
function outputOf(command, args) {
  const result = spawnSync(command, args, { encoding: "utf8" });
  return result.status === 0 ? result.stdout : undefined;
}
