// @ts-check
/**
 * The launcher's settings: what the environment asks for, checked as a whole.
 * Owns: defaults, limits, and which mixtures are refused with which sentence. Does not own: what is started for them
 * (plan.mjs), the services' own settings (server/src/config.ts). Pure.
 */
import { resolve } from "node:path";

/** The environment asks for something that cannot be started: `message` says what to change. */
export class SettingsError extends Error {
  /** @override */
  name = "SettingsError";
}

/**
 * @typedef {{ [name: string]: string | undefined }} Env
 *
 * @typedef {"redis" | "devchain" | "aitubo" | "auditor" | "payment-worker" | "content-worker" | "model-worker"} PrivatePort
 *
 * @typedef {object} Settings
 * @property {number} port of page, API and websocket
 * @property {string} dataDir absolute
 * @property {"devchain" | "test" | "main"} network
 * @property {string | undefined} redisUrl set: somebody else's Redis is used
 * @property {{ wocUrl: string, arcUrl: string } | undefined} chain set: no devchain is started
 * @property {{ apiKey: string } | undefined} aitubo set: no AITubo stand-in is started
 * @property {number} roundSeconds
 * @property {number} drainSeconds how long a stopping game server may finish its live round
 * @property {string | undefined} passphrase of the keystores; undefined: one is made and kept in the data folder
 * @property {PrivatePort[]} privatePorts the processes that need a port of their own
 */

/**
 * Reads and checks the settings of the launcher.
 * @param {Env} env
 * @param {{ root: string }} deps
 * @returns {Settings}
 * @throws {SettingsError}
 */
export function readSettings(env, { root }) {
  const chain = readChain(env);
  const aitubo = readAitubo(env);
  const network = readNetwork(env, chain);
  const passphrase = filled(env.KEYSTORE_PASSPHRASE);
  if (network !== "devchain" && passphrase === undefined) {
    throw new SettingsError(
      `On the ${network} network the keys guard real coins: set KEYSTORE_PASSPHRASE. One is only made up on the devchain.`,
    );
  }
  if (filled(env.NODE_ENV) === "production" && (chain === undefined || aitubo === undefined)) {
    throw new SettingsError(
      "NODE_ENV is production, and production has no stand-ins: set WOC_URL, ARC_URL and AITUBO_API_KEY, or leave NODE_ENV unset to play.",
    );
  }
  const redisUrl = filled(env.REDIS_URL);
  /** @type {PrivatePort[]} */
  const privatePorts = ["auditor", "payment-worker", "content-worker", "model-worker"];
  if (aitubo === undefined) privatePorts.unshift("aitubo");
  if (chain === undefined) privatePorts.unshift("devchain");
  if (redisUrl === undefined) privatePorts.unshift("redis");
  return {
    port: wholeNumber(env, "PORT", { fallback: 2567, least: 1, most: 65_535 }),
    dataDir: resolve(root, filled(env.DATA_DIR) ?? ".data"),
    network,
    redisUrl,
    chain,
    aitubo,
    roundSeconds: wholeNumber(env, "ROUND_SECONDS", { fallback: 600, least: 20, most: 86_400 }),
    drainSeconds: wholeNumber(env, "DRAIN_SECONDS", { fallback: 0, least: 0, most: 86_400 }),
    passphrase,
    privatePorts,
  };
}

/** @param {Env} env */
function readChain(env) {
  const wocUrl = filled(env.WOC_URL);
  const arcUrl = filled(env.ARC_URL);
  if (wocUrl === undefined && arcUrl === undefined) return undefined;
  if (wocUrl === undefined || arcUrl === undefined) {
    const [given, missing] = wocUrl === undefined ? ["ARC_URL", "WOC_URL"] : ["WOC_URL", "ARC_URL"];
    throw new SettingsError(
      `${given} is set but ${missing} is not. Set both to use a network of your own, or neither to play on the devchain.`,
    );
  }
  return { wocUrl: webAddress("WOC_URL", wocUrl), arcUrl: webAddress("ARC_URL", arcUrl) };
}

/** @param {Env} env */
function readAitubo(env) {
  const apiKey = filled(env.AITUBO_API_KEY);
  if (apiKey !== undefined) return { apiKey };
  if (filled(env.AITUBO_URL) === undefined) return undefined;
  throw new SettingsError(
    "AITUBO_URL is set but AITUBO_API_KEY is not. Set both, or neither to use the stand-in.",
  );
}

/**
 * @param {Env} env
 * @param {{ wocUrl: string } | undefined} chain
 * @returns {"devchain" | "test" | "main"}
 */
function readNetwork(env, chain) {
  const asked = filled(env.NETWORK);
  if (asked !== undefined && asked !== "devchain" && asked !== "test" && asked !== "main") {
    throw new SettingsError(`NETWORK is "${asked}": it can be devchain, test or main.`);
  }
  if (chain === undefined) {
    if (asked === undefined || asked === "devchain") return "devchain";
    throw new SettingsError(
      `NETWORK is ${asked}, but WOC_URL and ARC_URL are not set: they say where that network is.`,
    );
  }
  if (asked !== undefined) return asked;
  // WhatsOnChain itself names the network in its path; any other host is taken for a devchain.
  const { hostname, pathname } = new URL(chain.wocUrl);
  if (hostname !== "whatsonchain.com" && !hostname.endsWith(".whatsonchain.com")) return "devchain";
  return pathname.includes("/bsv/test") ? "test" : "main";
}

/**
 * @param {Env} env
 * @param {string} name
 * @param {{ fallback: number, least: number, most: number }} limits
 */
function wholeNumber(env, name, { fallback, least, most }) {
  const text = filled(env[name]);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new SettingsError(`${name} is "${text}": it must be a whole number from ${least} to ${most}.`);
  }
  return value;
}

/**
 * @param {string} name
 * @param {string} text
 */
function webAddress(name, text) {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new SettingsError(`${name} is "${text}": it must be an http or https address.`);
  }
  return text;
}

/**
 * A variable that is set to nothing counts as not set.
 * @param {string | undefined} value
 */
export function filled(value) {
  const text = value?.trim();
  return text === "" ? undefined : text;
}
