/**
 * What stands in front of everything the game process serves (I5): whose address counts, the lists of addresses, the
 * limits. Owns: putting those together from the configuration. Does not own: any of them, the HTTP routes behind.
 */
import { hkdfSync } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ipRuleRoutes } from "../auth/index.ts";
import type { Config } from "../config.ts";
import type { AuditPort } from "../infra/audit.ts";
import { createClientIp, trustOf } from "../infra/client-ip.ts";
import { createGate, type Gate } from "../infra/gate.ts";
import type { Route } from "../infra/http.ts";
import { createIpHash, type IpHash } from "../infra/ip-hash.ts";
import { createIpRules } from "../infra/ip-rules.ts";
import type { Lifecycle } from "../infra/lifecycle.ts";
import { createLimiter, type SharedLimiter } from "../infra/limiter.ts";
import { LOOPBACK_FACTOR } from "../infra/limits.ts";
import type { Logger } from "../infra/logger.ts";
import { createRedis, type Redis } from "../infra/redis.ts";
import { isReal } from "../mixtures.ts";

export interface Front {
  limiter: SharedLimiter;
  gate: Gate;
  /** I6: one salt for all processes, a new one each day. */
  ipHash: IpHash;
  /** Admins' routes for the lists. */
  routes: Route[];
}

export interface FrontDeps {
  redis: Redis;
  audit: AuditPort;
  logger: Logger;
  now(): number;
}

/** One machine plays all callers where things are tried out; elsewhere its addresses are like any other. */
const isTryout = (config: Config): boolean =>
  !isReal(config) && (config.NODE_ENV === "development" || config.NODE_ENV === "testing");

/** A proxy that nobody named makes everybody one address: said once, since anybody can write that header. */
function wary(clientIp: (req: IncomingMessage) => string, config: Config, logger: Logger) {
  let isSaid = config.TRUST_PROXY !== "";
  return (req: IncomingMessage): string => {
    if (!isSaid && req.headers["x-forwarded-for"] !== undefined) {
      isSaid = true;
      logger.warn(
        "X-Forwarded-For came in and is not believed: if a proxy of yours wrote it, name it in TRUST_PROXY",
      );
    }
    return clientIp(req);
  };
}

export async function createFront(config: Config, deps: FrontDeps, life: Lifecycle): Promise<Front> {
  const { redis, audit, logger, now } = deps;
  const rules = await createIpRules({}, { redis, connect: () => createRedis(config.REDIS_URL), logger, now });
  life.add("ip rules", () => rules.stop());
  // Not from JWT_SECRET: while that is rotated, processes with the old and the new one count together.
  const secret = Buffer.from(hkdfSync("sha256", config.MEDIA_SECRET, "meme-rounds", "ip hashes", 32));
  const ipHash = createIpHash({ secret: secret.toString("hex") }, { now });
  const limiter = createLimiter(
    redis,
    { loopbackFactor: isTryout(config) ? LOOPBACK_FACTOR : 1 },
    { ipHash, isExempt: (ip) => rules.verdict(ip) === "allow", now, logger },
  );
  const clientIp = wary(createClientIp(trustOf(config.TRUST_PROXY)), config, logger);
  return {
    limiter,
    gate: createGate({ clientIp, rules, limiter, logger }),
    ipHash,
    routes: ipRuleRoutes({ rules, audit, now }),
  };
}
