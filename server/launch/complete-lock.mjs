// @ts-check
/**
 * `npm run lock`: writes package-lock.json and completes it. A registry that does not carry a package's binaries for
 * foreign platforms makes npm leave them out of the lock, and `npm ci` then refuses the lock as incomplete. Here each
 * missing optional package gets its entry: version, os, cpu; nothing is installed for it on this platform.
 * Owns: those entries. Does not own: any other line of the lock.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
const path = join(root, "package-lock.json");

/** Words in package names that name a system or a processor. */
const SYSTEMS = new Map(
  ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"].map(
    (name) => [name, name],
  ),
).set("linuxmusl", "linux");
const PROCESSORS = [
  "arm",
  "arm64",
  "ia32",
  "loong64",
  "mips64el",
  "ppc",
  "ppc64",
  "riscv64",
  "s390x",
  "wasm32",
  "x64",
];

/**
 * @typedef {{ version?: string, dev?: boolean, optional?: boolean, os?: string[], cpu?: string[], libc?: string[],
 *   optionalDependencies?: Record<string, string> }} LockEntry
 */

/**
 * Whether npm would find `name` from the package at `from`, walking up its folders.
 * @param {Record<string, LockEntry>} packages
 * @param {string} from
 * @param {string} name
 */
function isListed(packages, from, name) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
    if (packages[`${at === "" ? "" : `${at}/`}node_modules/${name}`]) return true;
    if (at === "") return false;
    if (!at.includes("/node_modules/")) return packages[`node_modules/${name}`] !== undefined;
  }
}

/**
 * @param {string} name
 * @param {string} range
 * @param {boolean | undefined} dev
 * @returns {LockEntry}
 */
function entryOf(name, range, dev) {
  const words = name.split(/[-/]/);
  const os = words.map((word) => SYSTEMS.get(word)).find((system) => system !== undefined);
  const cpu = words.find((word) => PROCESSORS.includes(word));
  const libc = name.includes("musl") ? "musl" : name.includes("gnu") ? "glibc" : undefined;
  return {
    version: range.replace(/^[\^~]/, ""),
    optional: true,
    ...(cpu ? { cpu: [cpu] } : {}),
    ...(os ? { os: [os] } : {}),
    ...(libc ? { libc: [libc] } : {}),
    ...(dev ? { dev: true } : {}),
  };
}

execFileSync("npm", ["install", "--package-lock-only"], { cwd: root, stdio: "inherit" });
const lock = JSON.parse(readFileSync(path, "utf8"));
/** @type {Record<string, LockEntry>} */
const packages = lock.packages;
let added = 0;
for (const [from, { optionalDependencies = {}, dev }] of Object.entries({ ...packages }))
  for (const [name, range] of Object.entries(optionalDependencies)) {
    if (isListed(packages, from, name)) continue;
    packages[`node_modules/${name}`] = entryOf(name, range, dev);
    added += 1;
  }
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, "en")));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`package-lock.json is complete: ${added} optional packages of other platforms were added.`);
