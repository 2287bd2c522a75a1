// @ts-check
/**
 * Small parts of keeping a child process: its last lines, its log file, its group.
 * Owns: nothing that lives longer than a call, but the tail. Does not own: when a child starts and stops (processes.mjs).
 */
import { createWriteStream, renameSync, statSync } from "node:fs";

/**
 * The last lines that came, for the moment of death.
 * @param {number} limit lines
 */
export function createTail(limit) {
  /** @type {string[]} */
  let whole = [];
  let rest = "";
  return {
    /** @param {string} text */
    add(text) {
      const lines = (rest + text).split("\n");
      // One endless line must not grow without bound.
      rest = (lines.pop() ?? "").slice(-4_000);
      whole = [...whole, ...lines].slice(-limit);
    },
    lines: () => [...whole, rest].filter((line) => line.trim() !== "").slice(-limit),
    clear() {
      whole = [];
      rest = "";
    },
  };
}

const logLimitBytes = 10_000_000;

/**
 * One older file is kept beside the log, so that logs stay below twice the limit however often it is started.
 * @param {string} path
 */
export function openLog(path) {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > logLimitBytes) renameSync(path, `${path}.1`);
  return createWriteStream(path, { flags: "a" });
}

/** @param {number | undefined} pid leader of the group */
export function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // ESRCH: nobody is left, which is what is wanted.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ESRCH") throw error;
  }
}

/**
 * Promise.withResolvers, which Node 20 does not have.
 * @template T
 * @returns {PromiseWithResolvers<T>}
 */
export function withResolvers() {
  /** @type {(value: T | PromiseLike<T>) => void} */
  let resolve = () => {};
  /** @type {(reason?: unknown) => void} */
  let reject = () => {};
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
