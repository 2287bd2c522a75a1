/** One logger per process. Owns: format and redaction. Secrets never reach a log (M7, O6). */
import { type Logger, pino } from "pino";

export type { Logger };

export function createLogger(service: string, level = "info"): Logger {
  return pino({
    name: service,
    level,
    redact: {
      paths: [
        "*.accessToken",
        "*.refreshToken",
        "*.token",
        "*.signature",
        "*.playSig",
        "*.authorization",
        "*.passphrase",
        "*.secret",
        "req.headers.authorization",
      ],
      censor: "[redacted]",
    },
  });
}
