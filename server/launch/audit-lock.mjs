// @ts-check
/**
 * `npm run check:lock`: reads package-lock.json and says what in it nobody has agreed to. Works without a network.
 * `npm run audit`: the same, then asks the registry for known weaknesses, and says so where it cannot be asked.
 * Owns: the rules and the exceptions, each with its reason. Does not own: which dependencies there are (docs/DEPENDENCIES.md).
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * @typedef {{ version?: string, resolved?: string, integrity?: string, license?: unknown, link?: boolean,
 *   optional?: boolean, hasInstallScript?: boolean, dependencies?: Record<string, string>,
 *   devDependencies?: Record<string, string>, optionalDependencies?: Record<string, string> }} LockEntry
 */

/** May be used, changed and passed on; MPL and LGPL as files and libraries of their own, unchanged. */
const LICENCES = new Set([
  "0BSD",
  "Apache-2",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "ISC",
  "LGPL-3.0-or-later",
  "MIT",
  "MPL-2.0",
  "OFL-1.1",
  "PSF-2.0",
  "Python-2.0",
]);

/** Packages whose licence is none of these, or is not in the lock: looked at by a person. */
const LICENCE_EXCEPTIONS = new Map([
  ["@bsv/sdk", "Open BSV License 4, for applications on BSV"],
  ["@colyseus/playground", "MIT in its LICENSE; not loaded"],
  ["busboy", "MIT in its LICENSE"],
  ["cli-tableau", "MIT in its LICENSE; of pm2"],
  ["streamsearch", "MIT in its LICENSE; of busboy"],
  ["tv4", "public domain or MIT; of pm2"],
  ["pm2", "AGPL-3.0, a separate program that is not linked"],
]);

/** Packages that run something when they are installed. */
const INSTALL_SCRIPTS = new Map([
  ["node", "puts the runtime's binary in place"],
  ["core-js", "a line of advertising; not run: scripts are off but for `node` (allowScripts)"],
  ["msgpackr-extract", "builds a faster decoder; not run, the plain one is used"],
  ["secp256k1", "builds the native verifier where a binary does not fit"],
]);

/** Of these, two versions in one program are two opinions on what is valid. */
const CRYPTO =
  /^(?:@noble\/|@scure\/|@bsv\/sdk$|elliptic$|hash\.js$|bn\.js$|jose$|jsonwebtoken$|jws$|jwa$|secp256k1$|tweetnacl$|crypto-)/;

/** @param {string} path */
const nameOf = (path) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

/** @param {string} text An SPDX expression. */
const isAllowed = (text) => {
  const any = text.replace(/[()]/g, "").split(/ OR /);
  return any.some((all) => all.split(/ AND /).every((one) => LICENCES.has(one.trim())));
};

/**
 * @param {string} name
 * @param {LockEntry} entry
 * @returns {string[]}
 */
function faultsOf(name, entry) {
  const faults = [];
  // Binaries of other systems, which this lock was not made on: npm checks them when it first fetches them.
  const foreign = entry.optional === true && entry.integrity === undefined;
  if (!foreign && !/^sha512-[A-Za-z0-9+/]{86}==$/.test(entry.integrity ?? ""))
    faults.push(`${name}: no sha512 of what is installed`);
  if (/^(?:git(?:\+\w+)?|http|https|ssh|file):/.test(entry.resolved ?? ""))
    faults.push(`${name}: comes from an address of its own (${entry.resolved?.split(":")[0]})`);
  if (!/^\d+\.\d+\.\d+/.test(entry.version ?? "")) faults.push(`${name}: has no version`);
  const licence = typeof entry.license === "string" ? entry.license : "";
  if (!foreign && !LICENCE_EXCEPTIONS.has(name) && !isAllowed(licence))
    faults.push(`${name}: its licence is ${licence === "" ? "not stated" : licence}`);
  if (entry.hasInstallScript && !INSTALL_SCRIPTS.has(name))
    faults.push(`${name}: runs something when it is installed`);
  return faults;
}

/**
 * What is wrong with a lock, one sentence each; empty when nothing is.
 * @param {{ lockfileVersion?: number, packages?: Record<string, LockEntry> }} lock
 * @returns {string[]}
 */
export function auditLock(lock) {
  if (lock.lockfileVersion !== 3 || lock.packages === undefined)
    return ["package-lock.json is of no known form"];
  /** @type {string[]} */
  const faults = [];
  /** @type {Map<string, Set<string>>} */
  const versions = new Map();
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (!path.includes("node_modules/")) {
      faults.push(...loose(path === "" ? "the root" : path, entry));
      continue;
    }
    if (entry.link === true || isVendored(path)) continue;
    const name = nameOf(path);
    faults.push(...faultsOf(name, entry));
    if (CRYPTO.test(name)) versions.set(name, (versions.get(name) ?? new Set()).add(entry.version ?? ""));
  }
  for (const [name, found] of versions)
    if (found.size > 1) faults.push(`${name}: ${found.size} versions (${[...found].sort().join(", ")})`);
  return faults.sort();
}

/** Our own stub, which npm lists under the package that would have brought the original. @param {string} path */
const isVendored = (path) => path.endsWith("/server/vendor/no-uwebsockets");

/**
 * Our own packages name exact versions: what is tested is what is installed.
 * @param {string} path
 * @param {LockEntry} entry
 */
function loose(path, entry) {
  const all = { ...entry.dependencies, ...entry.devDependencies, ...entry.optionalDependencies };
  return Object.entries(all).flatMap(([name, range]) =>
    /^(?:npm:(?:@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(range) ||
    name.startsWith("@meme-rounds/")
      ? []
      : [`${path}: asks for ${name} ${range}, not for one version`],
  );
}

/** @param {string} root */
function askRegistry(root) {
  const { stdout, status } = spawnSync("npm", ["audit", "--json"], { cwd: root, encoding: "utf8" });
  /** @type {{ error?: unknown, message?: string, vulnerabilities?: Record<string, { severity: string, via: unknown[] }> }} */
  let answer = {};
  try {
    answer = JSON.parse(stdout);
  } catch {
    // Below it is said that there was no answer.
  }
  if (answer.vulnerabilities === undefined) {
    console.log("The registry could not be asked for known weaknesses; the lock itself was checked.");
    return 0;
  }
  const found = Object.entries(answer.vulnerabilities);
  for (const [name, { severity, via }] of found) {
    const titles = via.flatMap((one) =>
      typeof one === "object" && one !== null && "title" in one ? [String(one.title)] : [],
    );
    console.log(`${severity}: ${name}${titles.length > 0 ? `: ${titles.join("; ")}` : ""}`);
  }
  console.log(`${found.length} packages with known weaknesses.`);
  return status ?? 1;
}

/** @param {string[]} argv */
function main(argv) {
  const root = resolve(import.meta.dirname, "../..");
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const faults = auditLock(lock);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exit(1);
  console.log(
    `${Object.keys(lock.packages).length} entries of package-lock.json: nothing that was not agreed to.`,
  );
  if (argv.includes("--online")) process.exit(askRegistry(root));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main(process.argv.slice(2));
