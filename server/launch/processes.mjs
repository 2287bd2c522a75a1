// @ts-check
/**
 * The supervisor: starts processes in order, waits until each is ready, restarts what dies, stops all in reverse.
 * Owns: the children's lives and their log files. Does not own: which processes there are (plan.mjs), signals and the
 * exit code of the launcher (start.mjs), how readiness is asked (ready.mjs).
 */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createTail, killGroup, openLog, withResolvers } from "./child.mjs";
import { isReady } from "./ready.mjs";

/**
 * @typedef {import("./plan.mjs").ProcessSpec} ProcessSpec
 *
 * @typedef {object} Options
 * @property {string} logsDir
 * @property {number} [maxRestarts] of one process within restartWindowMs; one more death ends everything. Default 5
 * @property {number} [restartWindowMs] default 60,000
 * @property {number} [restartDelayMs] times the number of recent deaths. Default 250
 * @property {number} [readyMs] how long one process may take to get ready. Default 60,000
 * @property {number} [hurryMs] between SIGTERM and SIGKILL once somebody is in a hurry. Default 2,000
 *
 * @typedef {object} Deps
 * @property {(line: string) => void} say
 * @property {() => number} [now] ms
 * @property {(running: { name: string, pid: number }[]) => void} [onChange] which processes run now
 */

/** A process could not be kept running: everything has to stop. */
export class ProcessFailure extends Error {
  /** @override */
  name = "ProcessFailure";
}

const tailLines = 20;

/**
 * @param {Options} options
 * @param {Deps} deps
 */
export function createSupervisor(options, deps) {
  const { logsDir, maxRestarts = 5, restartWindowMs = 60_000, restartDelayMs = 250 } = options;
  const { readyMs = 60_000, hurryMs = 2_000 } = options;
  const { say, now = Date.now, onChange = () => {} } = deps;
  mkdirSync(logsDir, { recursive: true });

  /** @type {Child[]} in order of start */
  const children = [];
  /** @type {PromiseWithResolvers<never>} */
  const failure = withResolvers();
  // Whoever awaits `failed` hears of it; nobody awaiting must not end the launcher by itself.
  failure.promise.catch(() => {});
  const stopping = new AbortController();
  let hurries = 0;
  /** @type {Promise<void> | undefined} */
  let stopped;

  return {
    /** Rejects with ProcessFailure when a process can not be kept running; never resolves. */
    failed: failure.promise,

    /**
     * Starts the processes one after the other, each when the one before is ready.
     * @param {ProcessSpec[]} specs
     * @returns {Promise<void>} early, without an error, when `stop` was called meanwhile
     * @throws {ProcessFailure}
     */
    async start(specs) {
      for (const spec of specs) {
        if (stopping.signal.aborted) return;
        const child = createChild(spec);
        children.push(child);
        child.launch();
        await Promise.race([child.becomesReady(), failure.promise]);
      }
    },

    /** Stops everything in reverse order of start, each with its own deadline. Calling it again waits for the same end. */
    stop() {
      stopped ??= stopAll();
      return stopped;
    },

    /** Somebody does not want to wait: the first call shortens every deadline, the second kills. */
    hurry() {
      hurries++;
      for (const child of children) child.hurry();
    },
  };

  async function stopAll() {
    stopping.abort();
    for (const child of children.toReversed()) await child.stop();
  }

  function tellChange() {
    onChange(children.flatMap(({ spec, pid }) => (pid === undefined ? [] : [{ name: spec.name, pid }])));
  }

  /** @typedef {ReturnType<typeof createChild>} Child */

  /** @param {ProcessSpec} spec */
  function createChild(spec) {
    const logFile = join(logsDir, `${spec.name}.log`);
    const tail = createTail(tailLines);
    /** @type {number[]} ms */
    let deaths = [];
    /** @type {import("node:child_process").ChildProcess | undefined} */
    let running;
    /** @type {Promise<void>} */
    let ended = Promise.resolve();
    let hurry = () => {};
    let lastWords = "";

    const child = {
      spec,
      launch,
      becomesReady,
      stop,
      hurry: () => hurry(),
      get pid() {
        return running?.pid;
      },
    };
    return child;

    function launch() {
      const log = openLog(logFile);
      log.once("error", (error) => say(`${logFile} cannot be written: ${error.message}`));
      tail.clear();
      // A group of its own: Ctrl-C in the terminal reaches the launcher alone, and the launcher keeps the order.
      const started = spawn(spec.command, spec.args, {
        env: { ...process.env, ...spec.env },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      });
      running = started;
      for (const stream of [started.stdout, started.stderr]) {
        stream.on("data", (chunk) => {
          tail.add(String(chunk));
          log.write(chunk);
        });
      }
      /** @type {PromiseWithResolvers<string>} */
      const end = withResolvers();
      started.once("error", (error) => end.resolve(`it cannot be started: ${error.message}`));
      started.once("exit", (code, signal) =>
        end.resolve(signal === null ? `exit code ${code}` : `by ${signal}`),
      );
      const closed = new Promise((resolve) => started.once("close", resolve));
      ended = end.promise.then(async (how) => {
        // Its last words come a moment after its end; a grandchild may hold the pipe open for ever.
        await Promise.race([closed, pause(200)]);
        killGroup(started.pid);
        started.stdout.destroy();
        started.stderr.destroy();
        log.end();
        running = undefined;
        tellChange();
        if (!stopping.signal.aborted) onDeath(how);
      });
      tellChange();
    }

    /** @param {string} how */
    function onDeath(how) {
      deaths = [...deaths.filter((at) => now() - at < restartWindowMs), now()];
      const words = tail.lines().map((line) => `    ${line}`);
      const again = words.length > 0 && words.join() === lastWords;
      lastWords = words.join();
      const then = again
        ? " Its last lines were the same."
        : words.length > 0
          ? " Its last lines:"
          : ` See ${logFile}`;
      say(`${spec.name} ended unexpectedly (${how}).${then}`);
      if (!again) for (const line of words) say(line);
      if (deaths.length > maxRestarts) {
        const seconds = Math.round(restartWindowMs / 1_000);
        fail(`${spec.name} ended ${deaths.length} times within ${seconds} s. Its log: ${logFile}`);
        return;
      }
      say(`Starting ${spec.name} again (${deaths.length} of ${maxRestarts}).`);
      restart().catch((error) => fail(String(error)));
    }

    async function restart() {
      await waitUnlessStopping(restartDelayMs * deaths.length);
      if (stopping.signal.aborted) return;
      launch();
      await becomesReady();
    }

    async function becomesReady() {
      const deadline = now() + readyMs;
      while (!stopping.signal.aborted) {
        if (running !== undefined && (await isReady(spec.ready))) return;
        if (now() >= deadline) {
          for (const line of tail.lines()) say(`    ${line}`);
          fail(`${spec.name} did not get ready within ${Math.round(readyMs / 1_000)} s. Its log: ${logFile}`);
          return;
        }
        await waitUnlessStopping(50);
      }
    }

    async function stop() {
      const victim = running;
      if (victim === undefined) return;
      say(`Stopping ${spec.name}.`);
      /** @type {NodeJS.Timeout} */
      let timer;
      const kill = () => {
        say(`${spec.name} did not stop in time: killed.`);
        killGroup(victim.pid);
      };
      const haste = () => {
        clearTimeout(timer);
        if (hurries > 1) return kill();
        // A service takes a second SIGTERM as "at once" (R11).
        victim.kill("SIGTERM");
        timer = setTimeout(kill, Math.min(hurryMs, spec.stopMs));
      };
      victim.kill("SIGTERM");
      timer = setTimeout(kill, spec.stopMs);
      if (hurries > 0) haste();
      hurry = haste;
      await ended;
      hurry = () => {};
      clearTimeout(timer);
    }
  }

  /** @param {string} message */
  function fail(message) {
    failure.reject(new ProcessFailure(message));
  }

  /** @param {number} ms */
  async function waitUnlessStopping(ms) {
    try {
      await pause(ms, undefined, { signal: stopping.signal });
    } catch (error) {
      if (!stopping.signal.aborted) throw error;
    }
  }
}
