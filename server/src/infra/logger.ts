/** One logger per service. Owns: format and redaction. Secrets never reach a log (M7, O6). */
import { type Logger, pino } from "pino";

export type { Logger };

export function createLogger(service: string, level = process.env.LOG_LEVEL ?? "info"): Logger {
  return pino({
    name: service,
    level,
    redact: {
      paths: [
        "*.accessToken",
        "*.refreshToken",
        "*.authorization",
        "*.passphrase",
        "*.secret",
        "req.headers.authorization",
      ],
      censor: "[redacted]",
    },
  });
}
