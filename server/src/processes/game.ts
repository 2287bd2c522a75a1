/**
 * The process players and spectators talk to: API, page, rooms, relay. Owns: putting the services together on one
 * HTTP server, and the order in which they start and stop. Does not own: what any of them does.
 */
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createAdminService } from "../admin/index.ts";
import { createAnalyticsService } from "../analytics/index.ts";
import { createAudienceService } from "../audience/index.ts";
import { createAuthService } from "../auth/index.ts";
import { callbackRoutes } from "../chain/index.ts";
import type { Config } from "../config.ts";
import { modelsStatus } from "../content/aitubo/provider.ts";
import { createContentService } from "../content/index.ts";
import { createClassifier } from "../content/moderation/classifier.ts";
import { versionOf } from "../infra/build.ts";
import { matchMaker, RedisPresence, Server, WebSocketTransport } from "../infra/colyseus.ts";
import { servingOn, watchIntake } from "../infra/http-drain.ts";
import { PATIENCE } from "../infra/http-guard.ts";
import type { Lifecycle } from "../infra/lifecycle.ts";
import type { Logger } from "../infra/logger.ts";
import { ProcessRegistry } from "../infra/process-registry.ts";
import { closeRedis, createRedis } from "../infra/redis.ts";
import { SafeRedisDriver } from "../infra/safe-driver.ts";
import { createScaleSignals, watchUnsent } from "../infra/scale-signals.ts";
import {
  createPaymentService,
  createRecordQueue,
  modelJobs,
  profileJob,
  takedownJob,
} from "../payment/index.ts";
import { createRoundService } from "../round/index.ts";
import { bindWeb } from "../web.ts";
import { callbackOf, chainOf } from "./chain.ts";
import { createChainFiles } from "./chain-files.ts";
import { createFront } from "./front.ts";
import { harden, webHardening } from "./hardening.ts";
import { keepTime } from "./keep-time.ts";
import { operatorKeystore } from "./keystores.ts";
import { profilePictures } from "./profile-pictures.ts";

/** How long a request that is under way at the end may still take, ms. */
const LAST_REQUESTS_MS = 5_000;
/** Frames a player may send: a deposit with its parents is the largest. */
const MAX_MESSAGE_BYTES = 512 * 1024;
const PING_MS = 15_000;
/** Connections the kernel holds until they are taken: a round's opening brings thousands at once. */
const BACKLOG = 4_096;

const pageDir = fileURLToPath(new URL("../../../client/dist", import.meta.url));

/** Starts the game and returns the port it listens on. */
export async function startGame(config: Config, logger: Logger, life: Lifecycle): Promise<number> {
  const connect = (name: string) => {
    const redis = createRedis(config.REDIS_URL);
    redis.on("error", (err) => logger.warn({ err, name }, "Redis connection"));
    life.add(`redis ${name}`, () => closeRedis(redis));
    return redis;
  };
  const redis = connect("main");
  const tapRedis = connect("tap");
  const { now } = await keepTime({ redis, logger }, life);

  const admin = createAdminService({ redis, now });
  const { audit } = admin;
  const front = await createFront(config, { redis, audit, logger, now }, life);
  const auth = createAuthService(
    {
      domain: config.DOMAIN,
      network: config.NETWORK,
      adminIdentities: config.ADMINS,
      moderatorIdentities: config.MODERATORS,
      jwtSecrets: [config.JWT_SECRET, ...config.JWT_OLD_SECRETS],
    },
    {
      redis,
      logger,
      now,
      // Nobody could review a name in time, and it goes on chain: what a moderator would have to see is refused, too.
      isNameFit: (name) => content.judgeText(name).verdict === "approved",
      onRenamed: (profile) => createRecordQueue(redis).publish(profileJob(profile, now())),
      pictures: profilePictures({ content: () => content, analytics: () => analytics }),
      othersData: () => [content.personalData, analytics.personalData],
      unpaidRounds: async () => [...(await round.unfinished()), ...(await payment.unsettled())],
    },
  );
  life.add("auth", () => auth.stop());
  const classifier = createClassifier({}, { logger });
  life.add("classifier", () => classifier.stop());
  // Not waited for: the first picture does. A classifier that does not start sends pictures to the moderators.
  classifier.warm().catch((err: unknown) => logger.error({ err }, "the picture classifier does not start"));
  const chain = chainOf(config, logger);
  const files = createChainFiles({ network: config.NETWORK }, { redis, chain });
  const content = createContentService(
    {
      mediaSecret: config.MEDIA_SECRET,
      nsfw: {
        rejectExplicit: config.NSFW_REJECT,
        reviewExplicit: config.NSFW_REVIEW,
        reviewSuggestive: config.NSFW_REVIEW_SUGGESTIVE,
      },
    },
    {
      redis,
      classifier,
      mayUpload: (identity) => auth.play.admit(identity, "upload"),
      // The Round Service is made below; orders come in once the server listens.
      tellRounds: (order) => round.moderate(order),
      publishTakedown: (memeId, at) => createRecordQueue(redis).publish(takedownJob(memeId, at)),
      fetchFromChain: (sha256) => files.fetch(sha256),
      audit,
      async onPublished({ at, ...fields }) {
        for (const job of modelJobs(fields, at)) await createRecordQueue(redis).publish(job);
      },
      logger,
      now,
    },
  );
  life.add("content", () => content.stop());
  const callback = callbackOf(config);
  const payment = await createPaymentService(
    {
      network: config.NETWORK,
      keystore: operatorKeystore(config),
      auditorUrl: config.AUDITOR_URL,
      unminedCapSats: config.UNMINED_CAP_SATS,
      ...(config.DEVCHAIN_URL ? { faucetUrl: config.DEVCHAIN_URL } : {}),
    },
    { redis, chain, logger, now },
  );
  life.add("payment", () => payment.stop());
  const audience = createAudienceService(
    {
      // Without the service it gives seats on relay processes all the same.
      carries: config.SERVICES.includes("audience"),
      ...(config.PUBLIC_ADDRESS ? { publicAddress: config.PUBLIC_ADDRESS } : {}),
    },
    { redis: () => createRedis(config.REDIS_URL), logger, now },
  );
  life.add("audience", () => audience.stop());
  const analytics = createAnalyticsService({
    redis,
    namesOf: (keys) => auth.namesOf(keys),
    finished: (roundId) => round.finished(roundId),
    now,
  });
  let registry: ProcessRegistry | undefined;
  const round = createRoundService(
    {
      network: config.NETWORK,
      arena: config.ARENA,
      roundSeconds: config.ROUND_SECONDS,
      version: versionOf(pageDir),
    },
    {
      redis,
      tapRedis,
      auth,
      content,
      payment,
      audience,
      analytics,
      limiter: front.limiter,
      audit,
      logger,
      now,
      load: () => ({ clients: matchMaker.stats.local.ccu, lagMs: registry?.lagMs ?? 0 }),
    },
  );

  const http = front.gate.createServer(undefined, PATIENCE);
  const intake = watchIntake(http, life);
  const unsentBytes = watchUnsent(http);
  const isSpectator = (req: IncomingMessage) => (req.url ?? "").startsWith("/spectate/");
  http.on("upgrade", (req, socket, head) => {
    if (isSpectator(req) && !audience.handleUpgrade(req, socket, head)) socket.destroy();
  });
  const transport = new WebSocketTransport({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    pingInterval: PING_MS,
    // Compressed messages of 512 kB could unpack to what no limit has seen.
    perMessageDeflate: false,
  });
  harden(http, () => transport.getExpressApp(), config);
  transport.attachToServer(http, { filter: (req: IncomingMessage) => !isSpectator(req) });
  const colyseus = new Server({
    greet: false,
    gracefullyShutdown: false,
    transport,
    presence: new RedisPresence(config.REDIS_URL),
    driver: new SafeRedisDriver(createRedis(config.REDIS_URL)),
    // A round's room is created where its lease was taken.
    selectProcessIdToCreateRoom: async () => matchMaker.processId,
    ...(config.PUBLIC_ADDRESS ? { publicAddress: config.PUBLIC_ADDRESS } : {}),
    express: (app) =>
      bindWeb(
        app,
        {
          trustProxy: config.TRUST_PROXY,
          pageDir,
          ...webHardening(config, now),
          ...(config.METRICS_TOKEN ? { metricsToken: config.METRICS_TOKEN } : {}),
        },
        {
          routes: [
            ...auth.routes,
            ...admin.routes,
            ...content.routes,
            ...payment.routes,
            ...round.routes,
            ...audience.routes,
            ...front.routes,
            ...analytics.routes,
            ...(callback ? callbackRoutes(callback, { onHint: (txid) => payment.onHint(txid) }) : []),
          ],
          media: content.media,
          share: content.sharePages(config.PUBLIC_URL ? { publicUrl: config.PUBLIC_URL } : {}, {
            finished: (roundId) => round.finished(roundId),
            readPage: () => readFile(join(pageDir, "index.html"), "utf8"),
          }),
          authenticate: auth.authenticate,
          limiter: front.limiter,
          logger,
          ready: async () => !life.isDraining && redis.status === "ready",
          details: async () => ({ models: await modelsStatus(config, { redis, logger, now }) }),
        },
      ),
  });
  // Clients cannot create rounds: they join one they know, or come back to it.
  matchMaker.controller.exposedMethods = ["joinById", "reconnect"];
  round.define(colyseus);
  await colyseus.listen(config.PORT, config.HOST, BACKLOG);
  life.add("http", () => {
    http.closeAllConnections();
    http.close();
  });
  registry = new ProcessRegistry(matchMaker.processId, {
    redis,
    logger,
    clock: () => performance.now(),
    after: (ms, work) => {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
    restore: async () => {
      await matchMaker.restoreMissingRoomCaches();
      await matchMaker.stats.persist(true);
    },
  });
  await registry.start();
  life.add("registry", () => registry?.stop());
  const signals = createScaleSignals(
    { seats: () => audience.seats(), players: () => matchMaker.stats.local.ccu, unsentBytes },
    { life },
  );
  life.add("scale signals", () => signals.stop());
  life.add("rooms", () => colyseus.gracefullyShutdown(false));
  round.start();
  life.add("rounds", () => round.stop());
  // Stops first: who calls from now on is another process' caller.
  life.add("intake", () => intake.stop(LAST_REQUESTS_MS));
  life.addDrain("rounds", (drain) => round.drain(drain));
  life.addDrain("seats", () => audience.leave());
  life.addDrain("callers", (drain) => servingOn(config.DRAIN_GRACE_SECONDS * 1_000, drain, now()));
  const address = http.address();
  return typeof address === "object" && address !== null ? address.port : config.PORT;
}
