/** The chain port as the settings name it. */
import { type ChainPort, createChain } from "../chain/index.ts";
import { type Config, ConfigError } from "../config.ts";
import type { Logger } from "../infra/logger.ts";

const TIMEOUT_MS = 10_000;

/** Where ARC calls back, or undefined. Throws ConfigError when the address is set without the token, or the other way. */
export function callbackOf(config: Config): { url: string; token: string } | undefined {
  const { CALLBACK_URL: url, CALLBACK_TOKEN: token } = config;
  if (url !== undefined && token !== undefined) return { url, token };
  if (url === undefined && token === undefined) return undefined;
  throw new ConfigError(
    "CALLBACK_URL and CALLBACK_TOKEN: one is set without the other. Set both, or neither.",
  );
}

/** Throws ConfigError. */
export function chainOf(config: Config, logger: Logger): ChainPort {
  const callback = callbackOf(config);
  return createChain(
    {
      network: config.NETWORK,
      arcUrl: config.ARC_URL,
      arcDialect: config.ARC_DIALECT,
      arc2Dialect: config.ARC2_DIALECT,
      wocUrl: config.WOC_URL,
      timeoutMs: TIMEOUT_MS,
      ...(config.ARC_API_KEY ? { arcApiKey: config.ARC_API_KEY } : {}),
      ...(config.ARC2_URL ? { arc2Url: config.ARC2_URL } : {}),
      ...(config.ARC2_API_KEY ? { arc2ApiKey: config.ARC2_API_KEY } : {}),
      ...(config.WOC_API_KEY ? { wocApiKey: config.WOC_API_KEY } : {}),
      ...(config.WOC_REQUESTS_PER_SECOND ? { wocRequestsPerSecond: config.WOC_REQUESTS_PER_SECOND } : {}),
      ...(callback ? { callback } : {}),
    },
    { logger },
  );
}
