/**
 * Settings that are each right and together dangerous (O7). Owns: the list, a sentence and the way out for each.
 * Pure: what has to be looked up (files, the chain) is in processes/boot-checks.ts. Does not own: any setting's own form.
 */
import { BlockList, isIP } from "node:net";
import { decodeBase58Check } from "@meme-rounds/shared-schema/base58";
import type { Network } from "@meme-rounds/shared-schema/records";

/** The settings that can make a mixture, as config.ts reads them. */
export interface Mixable {
  SERVICES: readonly string[];
  NODE_ENV: "development" | "testing" | "staging" | "production";
  NETWORK: Network;
  KEYSTORE_PASSPHRASE: string;
  AUDITOR_URL: string;
  CALLBACK_URL?: string | undefined;
  AITUBO_URL: string;
  AITUBO_API_KEY?: string | undefined;
  PUBLIC_URL?: string | undefined;
  AUDIENCE_TRANSPORT: "ws" | "uws";
}

type Env = Record<string, string | undefined>;

/** Keys that guard coins of worth, or a deployment that others rely on: the strict rules hold. */
export const isReal = ({ NETWORK, NODE_ENV }: Pick<Mixable, "NETWORK" | "NODE_ENV">): boolean =>
  NETWORK === "main" || NODE_ENV === "production";

const MIN_PASSPHRASE = 12;

/** Every setting that says where a node is: ARC_URL, WOC_URL, a second one, the auditor's own. */
export const isChainUrl = (name: string): boolean => /^(?:[A-Z]+_)?(?:ARC|WOC)\d*_URL$/.test(name);

const local = new BlockList();
local.addSubnet("127.0.0.0", 8, "ipv4");
local.addAddress("0.0.0.0", "ipv4");
local.addAddress("::1", "ipv6");
local.addAddress("::", "ipv6");

/** Whether a URL names this machine. */
export function isLoopback(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  const family = isIP(host);
  return family !== 0 && local.check(host, family === 6 ? "ipv6" : "ipv4");
}

/** A stand-in on this machine finds us here; the real AITubo needs a real address, in every environment. */
const needsPublicHttps = ({ NODE_ENV, AITUBO_API_KEY, AITUBO_URL }: Mixable): boolean =>
  NODE_ENV === "production" || (AITUBO_API_KEY !== undefined && !isLoopback(AITUBO_URL));

const isPublicHttps = (url: string): boolean => new URL(url).protocol === "https:" && !isLoopback(url);

/** 64-hex values of these settings are their own kind of secret, not a key of the chain. */
const NOT_CHAIN_KEYS =
  /^(?:(?:AUDITOR_)?(?:ARC|WOC)\d*_API_KEY|AITUBO_API_KEY|JWT_SECRET|MEDIA_SECRET|KEYSTORE_PASSPHRASE(?:_NEW)?)$/;
const KEY_NAMES = /KEY|SECRET|WIF|PRIV|SEED/i;

/** A private key in one of its written forms: WIF, an extended private key, or hex under a name that says key. */
export function isPlainKey(name: string, value: string): boolean {
  const text = value.trim();
  const payload = decodeBase58Check(text);
  if (payload) {
    const [first, ...rest] = payload;
    const wif = payload.length === 33 || (payload.length === 34 && payload[33] === 1);
    if (wif && (first === 0x80 || first === 0xef)) return true;
    const version = [first, ...rest.slice(0, 3)].join();
    if (payload.length === 78 && ["4,136,173,228", "4,53,131,148"].includes(version)) return true;
  }
  return /^(?:0x)?[0-9a-f]{64}$/i.test(text) && KEY_NAMES.test(name) && !NOT_CHAIN_KEYS.test(name);
}

interface Case {
  config: Mixable;
  env: Env;
  /** Name and value of every chain URL. */
  chainUrls: [name: string, url: string][];
}

/** Each gives the sentence of its refusals, with what to do; names of settings, never a secret's value. */
const RULES: ((given: Case) => string[])[] = [
  ({ config, env }) =>
    config.NETWORK !== "devchain" && env.DEVCHAIN_URL
      ? ["DEVCHAIN_URL is set on a real network: there is no faucet there. Unset it."]
      : [],
  ({ config }) =>
    config.NODE_ENV === "production" && config.NETWORK === "devchain"
      ? [
          "NETWORK=devchain with NODE_ENV=production: a chain of our own is no chain. Set NETWORK to test or main, or NODE_ENV to staging.",
        ]
      : [],
  ({ config }) =>
    config.NETWORK === "main" && !["staging", "production"].includes(config.NODE_ENV)
      ? [
          `NETWORK=main with NODE_ENV=${config.NODE_ENV}: real coins are not for trying things out. Set NODE_ENV to staging or production, or NETWORK to test.`,
        ]
      : [],
  ({ config, chainUrls }) =>
    config.NETWORK !== "main"
      ? []
      : chainUrls
          .filter(([, url]) => isLoopback(url))
          .map(
            ([name]) =>
              `${name} names this machine on main: a chain here may be one of our own. Set it to a public node.`,
          ),
  ({ config, chainUrls }) =>
    config.NETWORK !== "main"
      ? []
      : chainUrls
          .filter(([, url]) => !isLoopback(url) && new URL(url).protocol !== "https:")
          .map(
            ([name]) =>
              `${name} is not https on main: whoever is on the way could answer. Use its https address.`,
          ),
  ({ config, env }) =>
    Object.entries(env)
      .filter(([name]) => isChainUrl(name))
      .flatMap(([name, url]) => {
        const named = /\/v1\/bsv\/(main|test|stn)\/?$/.exec(url ?? "")?.[1];
        const wrong = named !== undefined && config.NETWORK !== "devchain" && named !== config.NETWORK;
        return wrong
          ? [`${name} names the network ${named}, NETWORK is ${config.NETWORK}. Make them one.`]
          : [];
      }),
  ({ config }) =>
    isReal(config) && config.KEYSTORE_PASSPHRASE.length < MIN_PASSPHRASE
      ? [
          `KEYSTORE_PASSPHRASE is shorter than ${MIN_PASSPHRASE} characters: a copy of the file could be opened by guessing. Change it with npm run keys -- passphrase.`,
        ]
      : [],
  ({ config, env }) =>
    isReal(config)
      ? Object.entries(env)
          .filter(([name, value]) => value !== undefined && isPlainKey(name, value))
          .map(
            ([name]) =>
              `${name} holds a private key in plain text: keys are read from keystores only (M7). Unset it, and take that key for known to others.`,
          )
      : [],
  ({ config }) =>
    isReal(config) && config.SERVICES.includes("auditor") && config.SERVICES.length > 1
      ? [
          "SERVICES runs the auditor inside another process: who takes that process has both keys (M2). Give the auditor a process of its own.",
        ]
      : [],
  ({ config }) =>
    isReal(config) && new URL(config.AUDITOR_URL).protocol !== "https:" && !isLoopback(config.AUDITOR_URL)
      ? [
          "AUDITOR_URL leaves this machine without https: whoever is on the way could answer as the auditor. Use https, or a tunnel to this machine.",
        ]
      : [],
  ({ config: { CALLBACK_URL: url, ...config } }) =>
    isReal(config) && url !== undefined && new URL(url).protocol !== "https:" && !isLoopback(url)
      ? [
          "CALLBACK_URL is not https: its token would be read on the way, and hints forged. Use its https address.",
        ]
      : [],
  ({ config: { AITUBO_API_KEY: key, AITUBO_URL: url } }) =>
    key !== undefined && new URL(url).protocol !== "https:" && !isLoopback(url)
      ? ["AITUBO_URL is not https: AITUBO_API_KEY would be read on the way. Use its https address."]
      : [],
  ({ config }) =>
    config.PUBLIC_URL !== undefined && needsPublicHttps(config) && !isPublicHttps(config.PUBLIC_URL)
      ? [
          `PUBLIC_URL is ${new URL(config.PUBLIC_URL).protocol === "https:" ? "an address of this machine" : "not https"}: AITubo fetches the memes' pictures there from outside (C8). Set it to the https address under which others reach this server, or unset it: models are then made without AITubo.`,
        ]
      : [],
  ({ config: { AUDIENCE_TRANSPORT: transport, SERVICES: services } }) =>
    transport === "uws" && (services.length > 1 || services[0] !== "audience")
      ? [
          "AUDIENCE_TRANSPORT=uws in a process that is not a relay: native code of others stays away from keys and rooms, and nothing here would use it. Set it where SERVICES=audience alone, or to ws.",
        ]
      : [],
];

/**
 * Why these settings must not run together, one sentence and advice each; empty when they may. `env` is the environment
 * as given: it may hold what no setting of ours names.
 */
export function refusedMixtures(config: Mixable, env: Env): string[] {
  const chainUrls = Object.entries(config).filter(
    (entry): entry is [string, string] => isChainUrl(entry[0]) && typeof entry[1] === "string",
  );
  return RULES.flatMap((rule) => rule({ config, env, chainUrls }));
}
