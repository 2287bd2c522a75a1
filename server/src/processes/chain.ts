/** The chain port as the settings name it. */
import { type ChainPort, createChain } from "../chain/index.ts";
import type { Config } from "../config.ts";
import type { Logger } from "../infra/logger.ts";

const TIMEOUT_MS = 10_000;

export function chainOf(config: Config, logger: Logger): ChainPort {
  return createChain(
    {
      network: config.NETWORK,
      arcUrl: config.ARC_URL,
      wocUrl: config.WOC_URL,
      timeoutMs: TIMEOUT_MS,
      ...(config.ARC_API_KEY ? { arcApiKey: config.ARC_API_KEY } : {}),
      ...(config.WOC_API_KEY ? { wocApiKey: config.WOC_API_KEY } : {}),
    },
    { logger },
  );
}
