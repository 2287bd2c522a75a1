/**
 * Dangers that settings alone do not show (O7): owns asking, once at boot, whether the passphrase is the one that a
 * development start made up, and whether what answers as the network's nodes is a devchain.
 * Does not own: mixtures of settings (mixtures.ts), the keys' own marks (chain/keystore-file.ts).
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type Config, ConfigError } from "../config.ts";
import type { Logger } from "../infra/logger.ts";
import { isChainUrl, isReal } from "../mixtures.ts";

export interface BootDeps {
  fetch: typeof fetch;
  logger: Pick<Logger, "warn">;
}

const TIMEOUT_MS = 5_000;
/** Both networks are far past this height; a chain of one's own starts at 0. */
const LEAST_BLOCKS = 500_000;

const chainInfo = z.object({ chain: z.string(), blocks: z.number() });

/** Throws ConfigError with every danger found. A node that cannot be asked is logged: it is no proof of anything. */
export async function refuseAtBoot(config: Config, deps: BootDeps): Promise<void> {
  const refused: string[] = [];
  if (isReal(config)) refused.push(...(await madeUpPassphrase(config)));
  if (config.NETWORK !== "devchain") {
    for (const [name, url] of Object.entries(config)) {
      if (!isChainUrl(name) || typeof url !== "string") continue;
      const wrong = await (name.includes("WOC") ? wrongChain(config, url, deps) : openFaucet(url, deps));
      if (wrong !== undefined) refused.push(`${name} ${wrong}`);
    }
  }
  if (refused.length > 0) throw new ConfigError(refused.join("\n"));
}

/** The launcher keeps the passphrase it makes up in a file beside the keys. */
async function madeUpPassphrase({ DATA_DIR, KEYSTORE_PASSPHRASE }: Config): Promise<string[]> {
  const path = join(DATA_DIR, "keys", "passphrase");
  let made: string;
  try {
    made = (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
  return made === KEYSTORE_PASSPHRASE
    ? [
        `KEYSTORE_PASSPHRASE is the one that npm start made up and keeps beside the keys, in ${path}. Choose another and another DATA_DIR.`,
      ]
    : [];
}

/** Asks without moving anything: a devchain answers that an address is missing, a node knows no such path. */
async function openFaucet(url: string, deps: BootDeps): Promise<string | undefined> {
  const answer = await ask(new URL("/dev/faucet", url), deps);
  if (answer === undefined) return undefined;
  const text = await answer.text().catch(() => "");
  return answer.status === 400 && text.includes("address")
    ? "has an open faucet: a devchain answers there. Set it to a node of the real network."
    : undefined;
}

async function wrongChain({ NETWORK }: Config, url: string, deps: BootDeps): Promise<string | undefined> {
  const answer = await ask(new URL(`/v1/bsv/${NETWORK}/chain/info`, url), deps);
  if (!answer?.ok) return undefined;
  const info = chainInfo.safeParse(await answer.json().catch(() => undefined));
  if (!info.success) return undefined;
  const { chain, blocks } = info.data;
  if (chain !== NETWORK) return `answers for the network ${chain}, NETWORK is ${NETWORK}. Make them one.`;
  return blocks < LEAST_BLOCKS
    ? `knows ${blocks} blocks: that is no ${NETWORK} network but a chain of somebody's own. Set it to the real one.`
    : undefined;
}

async function ask(url: URL, { fetch, logger }: BootDeps): Promise<Response | undefined> {
  try {
    return await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (err) {
    logger.warn({ err, host: url.host }, "could not ask whether this is the real network");
    return undefined;
  }
}
