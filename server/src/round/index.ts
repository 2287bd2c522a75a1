/**
 * The Round Service's public face. Owns: putting its parts together and taking them apart in order.
 * Everything else in this folder is private to it.
 */
import type { Network } from "@meme-rounds/shared-schema/records";
import { matchMaker, type Server } from "../infra/colyseus.ts";
import { createVerifier } from "../infra/ecdsa.ts";
import type { Route } from "../infra/http.ts";
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";
import { RoundDirectory } from "./directory.ts";
import { RoundKeeper } from "./keeper.ts";
import type { AnalyticsPort, AudiencePort, AuthPort, ContentPort, PaymentPort } from "./ports.ts";
import { createRoundRoom, type RoomOptions } from "./room.ts";
import { roundRoutes } from "./routes.ts";

export interface RoundServiceOptions {
  network: Network;
  arena: string;
  /** R3. */
  roundSeconds: number;
}

export interface RoundServiceDeps {
  redis: Redis;
  tapRedis: Redis;
  auth: AuthPort;
  content: ContentPort;
  payment: PaymentPort;
  audience: AudiencePort;
  analytics: AnalyticsPort;
  logger: Logger;
  now(): number;
}

export interface RoundService {
  routes: Route[];
  /** Registers the room type; to be called before the server listens. */
  define(server: Server): void;
  /** Begins to open slots; to be called once the server accepts rooms. */
  start(): void;
  /** Takes no new round any more. */
  stop(): Promise<void>;
}

export function createRoundService(options: RoundServiceOptions, deps: RoundServiceDeps): RoundService {
  const directory = new RoundDirectory(deps.redis);
  const room = createRoundRoom({ ...deps, ...options, directory, verify: createVerifier() });
  const keeper = new RoundKeeper(options, {
    ...deps,
    directory,
    createRoom: async (roomOptions: RoomOptions) => {
      await matchMaker.createRoom("round", roomOptions);
    },
  });
  return {
    routes: roundRoutes({ ...deps, directory }),
    define(server) {
      server.define("round", room);
    },
    start: () => keeper.start(),
    stop: () => keeper.stop(),
  };
}
