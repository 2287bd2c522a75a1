/**
 * A process for spectators alone: seats, and the sockets the rounds' patches go out on. No room, no keys, no pictures.
 * Owns: putting the audience service on an HTTP server. Does not own: what it does, the page (a game process serves it).
 */
import { setPriority } from "node:os";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import express from "express";
import { createAdminService } from "../admin/index.ts";
import { type Admission, createAudienceService, loadUws } from "../audience/index.ts";
import { type Config, ConfigError } from "../config.ts";
import type { Caller } from "../infra/client-ip.ts";
import { servingOn, watchIntake } from "../infra/http-drain.ts";
import { PATIENCE } from "../infra/http-guard.ts";
import type { Lifecycle } from "../infra/lifecycle.ts";
import type { Logger } from "../infra/logger.ts";
import { closeRedis, createRedis } from "../infra/redis.ts";
import { createScaleSignals, watchUnsent } from "../infra/scale-signals.ts";
import { bindWeb } from "../web.ts";
import { createFront } from "./front.ts";
import { harden, webHardening } from "./hardening.ts";
import { keepTime } from "./keep-time.ts";

/** How long a request that is under way at the end may still take, ms. */
const LAST_REQUESTS_MS = 1_000;
/** Connections the kernel holds until they are taken: a round's opening brings thousands at once. */
const BACKLOG = 4_096;

/**
 * Where a relay shares a machine with the process that hosts the round, that one goes first: its ticks and its answers to
 * players are what everything waits for. Anybody may lower itself; on a machine of its own it changes nothing.
 */
const NICENESS = 10;

/** Starts a relay and returns the port it listens on. Rejects when the port is taken. */
export async function startRelay(config: Config, logger: Logger, life: Lifecycle): Promise<number> {
  setPriority(NICENESS);
  const uws = uwsOf(config);
  const redis = createRedis(config.REDIS_URL);
  redis.on("error", (err) => logger.warn({ err }, "Redis connection"));
  life.add("redis", () => closeRedis(redis));
  const { now } = await keepTime({ redis, logger }, life);
  const { audit } = createAdminService({ redis, now });
  const front = await createFront(config, { redis, audit, logger, now }, life);
  const audience = createAudienceService(
    config.PUBLIC_ADDRESS ? { publicAddress: config.PUBLIC_ADDRESS } : {},
    { redis: () => createRedis(config.REDIS_URL), logger, now },
  );
  const app = express();
  bindWeb(
    app,
    {
      trustProxy: config.TRUST_PROXY,
      ...webHardening(config, now),
      ...(config.METRICS_TOKEN ? { metricsToken: config.METRICS_TOKEN } : {}),
    },
    {
      routes: audience.routes,
      // Spectators have no token, and nothing here asks for one.
      authenticate: () => Promise.reject(new CodedError("AUTH_REQUIRED")),
      limiter: front.limiter,
      logger,
      ready: async () => !life.isDraining && redis.status === "ready",
    },
  );
  const http = front.gate.createServer(app, PATIENCE);
  const intake = watchIntake(http, life);
  const unsentBytes = watchUnsent(http);
  http.on("upgrade", (req, socket, head) => {
    if (!audience.handleUpgrade(req, socket, head)) socket.destroy();
  });
  const mayConnect = harden(http, () => app, config);
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(config.PORT, config.HOST, BACKLOG, resolve);
  });
  if (uws !== undefined) {
    const { HOST: host, UWS_PORT } = config;
    const { gate } = front;
    const admit = async (caller: Caller): Promise<Admission> => {
      const { ip, refusal } = await gate.admit(caller);
      if (refusal) return { ok: false, ...refusal };
      const place = mayConnect(caller);
      return typeof place === "string" ? { ok: false, code: place } : { ok: true, ip, release: place };
    };
    const port = await audience.listen(uws, { host, port: UWS_PORT, admit, onRules: gate.onRules });
    logger.info({ port }, "spectators come in on uWebSockets");
  }
  life.add("audience", () => audience.stop());
  const signals = createScaleSignals({ seats: () => audience.seats(), unsentBytes }, { life });
  life.add("scale signals", () => signals.stop());
  life.add("intake", () => intake.stop(LAST_REQUESTS_MS));
  life.addDrain("seats", () => audience.leave());
  life.addDrain("callers", (drain) => servingOn(config.DRAIN_GRACE_SECONDS * 1_000, drain, now()));
  const address = http.address();
  return typeof address === "object" && address !== null ? address.port : config.PORT;
}

/** The transport that was asked for, where it is not `ws`. Throws ConfigError. */
function uwsOf({ AUDIENCE_TRANSPORT, UWS_MODULE }: Config) {
  if (AUDIENCE_TRANSPORT === "ws") return undefined;
  try {
    return loadUws(UWS_MODULE);
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error));
  }
}
