// @ts-check
/**
 * `npm start`: brings what is missing, starts everything the environment asks for, says where to play, and stops it
 * all in order on Ctrl-C.
 * Owns: the sequence, the signals, the exit code. Does not own: any single step (setup, plan, datadir, processes).
 */
import { mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import { choosePorts, DataDirError, developmentPassphrase, takeLock } from "./datadir.mjs";
import { planProcesses } from "./plan.mjs";
import { createSupervisor, ProcessFailure } from "./processes.mjs";
import { isPortFree } from "./ready.mjs";
import { readSettings, SettingsError } from "./settings.mjs";
import { ensurePackages, ensurePage, ensureRedis, findNode, projectRoot, SetupError } from "./setup.mjs";

/**
 * npm passes a Ctrl-C on to a launcher that the terminal has already told: two signals this close together, in ms,
 * are one wish.
 */
const sameSignalMs = 400;

/** @param {string} line */
const say = (line) => console.log(line);
// The terminal may close before everything has stopped; that must not cut the stopping short.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

try {
  process.exitCode = await play(process.env);
} catch (error) {
  const expected = [SetupError, SettingsError, DataDirError].some((kind) => error instanceof kind);
  console.error(expected ? /** @type {Error} */ (error).message : error);
  process.exitCode = 1;
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} exit code
 */
async function play(env) {
  const root = projectRoot;
  const settings = readSettings(env, { root });
  ensurePackages({ root, say });
  const node = findNode({ root });
  const redisServer = settings.redisUrl === undefined ? ensureRedis({ say }) : undefined;
  ensurePage({ root, say });

  const lock = await takeLock(settings.dataDir, { say });
  try {
    if (!(await isPortFree(settings.port))) {
      throw new SettingsError(
        `Port ${settings.port} is in use by another program. Choose one: PORT=2568 npm start.`,
      );
    }
    const ports = await choosePorts(settings.dataDir, settings.privatePorts, {
      isFree: async (port) => port !== settings.port && (await isPortFree(port)),
    });
    const passphrase = settings.passphrase ?? developmentPassphrase(settings.dataDir);
    mkdirSync(join(settings.dataDir, "redis"), { recursive: true });
    const specs = planProcesses(settings, { root, node, redisServer, ports, passphrase, env });
    return await run(specs, settings, lock.record);
  } finally {
    lock.release();
  }
}

/**
 * @param {import("./plan.mjs").ProcessSpec[]} specs
 * @param {import("./settings.mjs").Settings} settings
 * @param {(running: { name: string, pid: number }[]) => void} onChange
 * @returns {Promise<number>} exit code, once everything has stopped
 */
async function run(specs, settings, onChange) {
  const logsDir = join(settings.dataDir, "logs");
  const supervisor = createSupervisor({ logsDir }, { say, onChange });
  const asked = listenForStop(() => {
    say("Not waiting any longer.");
    supervisor.hurry();
  });
  let exitCode = 0;
  try {
    say(`Starting ${specs.map(({ name }) => name).join(", ")}.`);
    const started = await Promise.race([supervisor.start(specs).then(() => true), asked.then(() => false)]);
    if (started) {
      for (const line of welcome(specs, settings, logsDir)) say(line);
      await Promise.race([asked, supervisor.failed]);
    }
  } catch (error) {
    if (!(error instanceof ProcessFailure)) throw error;
    console.error(error.message);
    exitCode = 1;
  } finally {
    await supervisor.stop();
  }
  say(exitCode === 0 ? "Everything has stopped." : "Everything has stopped, because of the failure above.");
  return exitCode;
}

/**
 * @param {() => void} onImpatience called for every further signal
 * @returns {Promise<void>} resolves at the first signal
 */
function listenForStop(onImpatience) {
  return new Promise((resolve) => {
    /** @type {number | undefined} */
    let last;
    const onSignal = () => {
      const now = performance.now();
      if (last === undefined) resolve();
      else if (now - last >= sameSignalMs) onImpatience();
      else return;
      last = now;
    };
    process.on("SIGINT", onSignal);
    process.on("SIGTERM", onSignal);
    process.on("SIGHUP", onSignal);
  });
}

/**
 * @param {import("./plan.mjs").ProcessSpec[]} specs
 * @param {import("./settings.mjs").Settings} settings
 * @param {string} logsDir
 */
function welcome(specs, settings, logsDir) {
  const networks = {
    devchain: "devchain (a chain of its own, its coins are worth nothing)",
    test: "test (BSV test network)",
    main: "main (BSV, real coins)",
  };
  const elsewhere = [
    ...(settings.redisUrl === undefined ? [] : ["Redis at REDIS_URL"]),
    ...(settings.chain === undefined
      ? []
      : [`the chain at ${settings.chain.wocUrl} and ${settings.chain.arcUrl}`]),
    ...(settings.aitubo === undefined ? [] : ["AITubo with your key"]),
  ];
  /** @param {string} path */
  const short = (path) => {
    const fromHere = relative(projectRoot, path);
    return fromHere.startsWith("..") ? path : fromHere;
  };
  return [
    "",
    `Meme Rounds is open: http://localhost:${settings.port}`,
    `  network   ${networks[settings.network]}`,
    `  rounds    one every ${settings.roundSeconds} s`,
    `  started   ${specs.map(({ name, port }) => `${name} :${port}`).join("  ")}`,
    ...(elsewhere.length === 0 ? [] : [`  used      ${elsewhere.join(", ")}`]),
    `  data      ${short(settings.dataDir)} (logs in ${short(logsDir)})`,
    "  stop      Ctrl-C; the next npm start goes on with what is there",
    "",
  ];
}
