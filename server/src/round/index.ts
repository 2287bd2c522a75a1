/**
 * The Round Service's public face. Owns: putting its parts together and taking them apart in order.
 * Everything else in this folder is private to it.
 */
import type { ServerVersion } from "@meme-rounds/shared-schema/protocol";
import type { Network } from "@meme-rounds/shared-schema/records";
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import type { AuditPort } from "../infra/audit.ts";
import { matchMaker, type Server } from "../infra/colyseus.ts";
import { createVerifier } from "../infra/ecdsa.ts";
import type { Route } from "../infra/http.ts";
import type { Drain } from "../infra/lifecycle.ts";
import type { SharedLimiter } from "../infra/limiter.ts";
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";
import { cancelLive } from "./cancel.ts";
import { createDetails } from "./details.ts";
import { RoundDirectory } from "./directory.ts";
import { HostedRounds } from "./drain.ts";
import { RoundExpiry } from "./expiry.ts";
import { RoundFollower } from "./follower.ts";
import { HostWatch } from "./host-watch.ts";
import { RoundKeeper } from "./keeper.ts";
import { leaveOrder, type Order } from "./orders.ts";
import type { Load } from "./placement.ts";
import type {
  AnalyticsPort,
  AudiencePort,
  AuthPort,
  ContentPort,
  PaymentPort,
  StandingPort,
} from "./ports.ts";
import { afterMs } from "./pulse.ts";
import { createRoundRoom } from "./room.ts";
import type { RoomOptions } from "./room-deps.ts";
import { roundRoutes } from "./routes.ts";

export interface RoundServiceOptions {
  network: Network;
  arena: string;
  /** R3. */
  roundSeconds: number;
  /** R11: what this process tells pages of itself. */
  version: ServerVersion;
}

export interface RoundServiceDeps {
  redis: Redis;
  tapRedis: Redis;
  auth: AuthPort;
  content: ContentPort & StandingPort;
  payment: PaymentPort;
  audience: AudiencePort;
  analytics: AnalyticsPort;
  limiter: Pick<SharedLimiter, "judge" | "kickedFor">;
  /** I4: knows of a cancelled round before anything is done. */
  audit?: AuditPort;
  logger: Logger;
  now(): number;
  /** How busy this process is (placement). */
  load(): Load;
}

export interface RoundService {
  routes: Route[];
  /** Registers the room type; to be called before the server listens. */
  define(server: Server): void;
  /** Begins to open slots; to be called once the server accepts rooms. */
  start(): void;
  /**
   * E10: ends the arena's live round with full returns and a reason for everybody to read, whichever process hosts it.
   * `by` is the operator's identity. Rejects when there is none, it is another one, or it has a result already.
   */
  cancel(roundId: string, by: string, reason: string): Promise<void>;
  /**
   * R12: a moderator's word for every round of the arena that is not over, whichever process hosts it now or next: it is
   * in the journal within a second, unless the round does not know the meme or is past the phase. Returns their ids.
   */
  moderate(order: Order): Promise<string[]>;
  /** A finished round as everybody may see it; undefined while it is live, and when there never was one. */
  finished(roundId: string): Promise<RoundDetail | undefined>;
  /** Rounds whose journal has begun and whose end is not in the archive. */
  unfinished(): Promise<string[]>;
  /** R11: takes no new round, finishes or hands over those that are hosted here. Resolves when there is none. */
  drain(drain: Drain): Promise<void>;
  /** Takes no new round any more. */
  stop(): Promise<void>;
}

export function createRoundService(options: RoundServiceOptions, deps: RoundServiceDeps): RoundService {
  const directory = new RoundDirectory(deps.redis);
  const verify = createVerifier();
  const follower = new RoundFollower(options, { ...deps, directory, after: afterMs });
  const clock = () => performance.now();
  const hosted = new HostedRounds({ ...deps, after: afterMs });
  const room = createRoundRoom({ ...deps, ...options, directory, hosted, follower, verify, clock });
  const expiry = new RoundExpiry(options, { ...deps, directory, verify });
  const watch = new HostWatch(options, { ...deps, directory, clock: () => performance.now() });
  const keeper = new RoundKeeper(options, {
    ...deps,
    directory,
    frees: (roundId) => watch.frees(roundId),
    after: afterMs,
    createRoom: async (roomOptions: RoomOptions) => {
      const { roomId } = await matchMaker.createRoom("round", roomOptions);
      await matchMaker.remoteRoomCall(roomId, "announce", []);
    },
  });
  const details = createDetails({ ...deps, directory });
  return {
    routes: roundRoutes({ ...deps, ...options, directory, details }),
    define(server) {
      server.define("round", room);
    },
    start() {
      keeper.start();
      follower.start();
      expiry.start();
    },
    cancel: (roundId, by, reason) =>
      cancelLive(
        { arena: options.arena, roundId, by, reason },
        {
          ...deps,
          directory,
          tell: async (roomId, ...words) => {
            await matchMaker.remoteRoomCall(roomId, "cancelRound", words);
          },
        },
      ),
    async moderate(order) {
      const rounds = await directory.unfinished(options.arena);
      for (const roundId of rounds) await leaveOrder(deps.redis, roundId, order);
      return rounds;
    },
    unfinished: () => directory.unfinished(options.arena),
    async finished(roundId) {
      const round = await directory.finished(roundId);
      return round && (await details.detailOf(round));
    },
    async drain(drain) {
      hosted.begin(drain);
      // Rooms that are being made now are in it too, once they are.
      await keeper.stop();
      await hosted.none();
    },
    async stop() {
      await Promise.all([keeper.stop(), follower.stop(), expiry.stop()]);
    },
  };
}
