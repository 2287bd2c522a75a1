/**
 * Starts the services this process was asked for and stops them in order.
 * Owns: reading the settings, choosing what to start, exit codes. `--settings` prints every setting.
 */
import { CodedError, ERRORS } from "@meme-rounds/shared-schema/errors";
import { ConfigError, readConfig, type ServiceName, settingsTable } from "./config.ts";
import { Lifecycle } from "./infra/lifecycle.ts";
import { createLogger } from "./infra/logger.ts";
import { measureProcess } from "./infra/metrics.ts";
import { refuseAtBoot } from "./processes/boot-checks.ts";

const GAME: readonly ServiceName[] = ["auth", "content", "round", "payment", "audience"];
/** What stopping may take beyond the drain, ms. */
const STOP_MS = 15_000;

async function main(): Promise<void> {
  if (process.argv.includes("--settings")) {
    console.log(settingsTable());
    return;
  }
  const config = readConfig(process.env);
  const asked = new Set(config.SERVICES);
  const logger = createLogger(config.SERVICES.join("+"), config.LOG_LEVEL);
  measureProcess();
  const life = new Lifecycle(logger);
  life.onSignals({ drainMs: config.DRAIN_SECONDS * 1000, stopMs: STOP_MS });
  try {
    await refuseAtBoot(config, { fetch, logger });
    // Loaded when asked for: the auditor carries no game, the game no transformer.
    if (asked.has("auditor"))
      await (await import("./processes/auditor.ts")).startAuditor(config, logger, life);
    if (asked.has("payment-worker"))
      await (await import("./processes/payment-worker.ts")).startPaymentWorker(config, logger, life);
    if (asked.has("content-worker"))
      await (await import("./processes/content-worker.ts")).startContentWorker(config, logger, life);
    if (asked.has("model-worker"))
      await (await import("./processes/model-worker.ts")).startModelWorker(config, logger, life);
    const game = GAME.filter((service) => asked.has(service));
    if (game.length === 1 && game[0] === "audience")
      await (await import("./processes/relay.ts")).startRelay(config, logger, life);
    else if (game.length > 0) await (await import("./processes/game.ts")).startGame(config, logger, life);
    logger.info({ services: config.SERVICES, port: config.PORT, network: config.NETWORK }, "ready");
    process.send?.("ready");
  } catch (error) {
    // What was started may hang as what could not be started did: why it failed is said in any case.
    setTimeout(() => giveUp(error), STOP_MS).unref();
    await life.stop();
    throw error;
  }
}

/** Says why this process cannot run, and ends it. */
function giveUp(error: unknown): never {
  if (error instanceof ConfigError) console.error(`These settings cannot work:\n${error.message}`);
  else if (error instanceof CodedError && error.code.startsWith("KEYSTORE_"))
    console.error(`The keys cannot be opened:\n${error.message}\n${ERRORS[error.code].advice}`);
  else console.error(error);
  process.exit(1);
}

main().catch(giveUp);
