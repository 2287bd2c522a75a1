/** Runs the AITubo stand-in as its own process, for development and tests only. Owns: its environment, log and signals. */
import { pino } from "pino";
import { z } from "zod";
import { startAitubo } from "./server.ts";

const environment = z.object({
  AITUBO_PORT: z.coerce.number().int().min(0).max(65535).default(3012),
  AITUBO_API_KEY: z.string().min(1),
});

if (process.env.NODE_ENV === "production") throw new Error("the AITubo stand-in is not for production");

const log = pino({ name: "aitubo" });
const env = environment.parse(process.env);

const aitubo = await startAitubo({ port: env.AITUBO_PORT, apiKey: env.AITUBO_API_KEY });
log.info({ ready: true, url: aitubo.url }, "the AITubo stand-in is ready");

const stop = (signal: NodeJS.Signals): void => {
  log.info({ signal }, "stopping");
  aitubo.close().then(
    () => process.exit(0),
    (error: unknown) => {
      log.error({ err: error }, "could not stop cleanly");
      process.exit(1);
    },
  );
};
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
