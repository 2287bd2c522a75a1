/**
 * `npm run rebuild`: everything public comes back from the chain into an empty Redis (M6). Owns: the command, what it says
 * and its exit code. Does not own: reading (processes/rebuild/scan.ts) or restoring (restore.ts).
 */
import { type Config, ConfigError, readConfig } from "../config.ts";
import { createVerifier } from "../infra/ecdsa.ts";
import { createLogger } from "../infra/logger.ts";
import { createRedis, type Redis } from "../infra/redis.ts";
import { openOperatorKeystore } from "../payment/keys.ts";
import { chainOf } from "../processes/chain.ts";
import { operatorKeystore } from "../processes/keystores.ts";
import { type Restored, restoreAll } from "../processes/rebuild/restore.ts";
import { scanChain } from "../processes/rebuild/scan.ts";
import { EXIT, ToolError } from "./tool.ts";

const USAGE = `npm run rebuild [-- --force]

  Reads the operator's transactions from the chain and restores rounds, results, settlements, jackpot, ledger,
  leaderboard, names, gallery, models and pictures. The settings are the server's own: REDIS_URL, NETWORK, WOC_URL,
  ARC_URL, DATA_DIR, KEYSTORE_PASSPHRASE. Redis has to be empty of rounds. Running it twice does no harm.

  --force   also into a Redis that holds rounds: what stands there already is left as it is

  Exit code: 0 all was restored; 1 something has to be put right first; 2 restored, but something on the chain is
  damaged or missing: it is named.`;

/** Does it. Throws ToolError on what a person has to put right, UNAVAILABLE when the chain cannot be read. */
export async function runRebuild(
  options: { config: Config; force: boolean },
  deps: { redis: Redis; say(line: string): void; now(): number },
): Promise<Restored> {
  const { config, force } = options;
  const { redis, say, now } = deps;
  const arenas = await redis.keys("mr:rounds:*");
  if (arenas.length > 0 && !force)
    throw new ToolError(
      "Redis holds rounds already. Give it an empty one (REDIS_URL), or say --force to fill in what is missing.",
    );
  const keystore = await openOperatorKeystore({ ...operatorKeystore(config), createIfAbsent: false });
  const operatorKeys = keystore.generations("operator").map(({ publicKey }) => publicKey);
  const chain = chainOf(config, createLogger("rebuild", "warn"));
  const network = config.NETWORK;
  say("reading the operator's transactions");
  const scan = await scanChain({ network, chain, operatorKeys, progress: say });
  const done = await restoreAll(scan, {
    network,
    redis,
    chain,
    verify: createVerifier(),
    now,
    progress: say,
  });
  say(
    `${done.rounds} rounds, ${done.voided} voided ones, ${done.models} models, ${done.files} files, ${done.profiles} names`,
  );
  for (const sentence of done.damaged) say(`damaged: ${sentence}`);
  return done;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(USAGE);
    return EXIT.done;
  }
  const unknown = args.find((arg) => arg !== "--force");
  if (unknown !== undefined) throw new ToolError(`${unknown} is not an option.\n\n${USAGE}`);
  const config = readConfig(process.env);
  const redis = createRedis(config.REDIS_URL);
  redis.on("error", (error) => console.error(`Redis: ${error.message}`));
  try {
    const done = await runRebuild(
      { config, force: args.includes("--force") },
      { redis, say: console.log, now: Date.now },
    );
    return done.damaged.length > 0 ? 2 : EXIT.done;
  } finally {
    redis.disconnect();
  }
}

if (import.meta.main)
  main(process.argv.slice(2)).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      const isOurs = error instanceof ToolError || error instanceof ConfigError;
      console.error(isOurs ? error.message : error);
      process.exitCode = EXIT.wrong;
    },
  );
