/** Runs a devchain as its own process, for development and tests only. Owns: its environment, log and signals. */
import { pino } from "pino";
import { z } from "zod";
import { startDevchain } from "./server.ts";

const environment = z.object({
  DEVCHAIN_PORT: z.coerce.number().int().min(0).max(65535).default(3011),
  DATA_DIR: z.string().default(".data"),
  DEVCHAIN_BLOCK_SECONDS: z.coerce.number().min(0).default(10),
  DEVCHAIN_FEE_SAT_PER_KB: z.coerce.number().int().min(1).max(500).default(100),
});

if (process.env.NODE_ENV === "production") throw new Error("the devchain is not for production");

const log = pino({ name: "devchain" });
const env = environment.parse(process.env);

const devchain = await startDevchain({
  port: env.DEVCHAIN_PORT,
  dataDir: env.DATA_DIR,
  blockSeconds: env.DEVCHAIN_BLOCK_SECONDS,
  feeSatPerKb: env.DEVCHAIN_FEE_SAT_PER_KB,
  onError: (error, what) => log.error({ err: error, what }, "devchain"),
});
log.info({ ready: true, url: devchain.url, height: devchain.chain.state.height }, "devchain is ready");

const stop = (signal: NodeJS.Signals): void => {
  log.info({ signal }, "stopping");
  devchain.close().then(
    () => process.exit(0),
    (error: unknown) => {
      log.error({ err: error }, "could not stop cleanly");
      process.exit(1);
    },
  );
};
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
