/** What a round's room is built from. Owns: the types only; index.ts and the keeper fill them. */
import type { ServerVersion } from "@meme-rounds/shared-schema/protocol";
import type { Network } from "@meme-rounds/shared-schema/records";
import type { Lease } from "../infra/leases.ts";
import type { SharedLimiter } from "../infra/limiter.ts";
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";
import type { RoundDirectory } from "./directory.ts";
import type { HostedRounds } from "./drain.ts";
import type { RoundFollower } from "./follower.ts";
import type { AnalyticsPort, AudiencePort, AuthPort, ContentPort, PaymentPort } from "./ports.ts";

/** What the keeper passes to a room it creates. */
export interface RoomOptions {
  roundId: string;
  arena: string;
  opensAt: number;
  lease: Lease;
}

export interface RoundDeps {
  network: Network;
  roundSeconds: number;
  version: ServerVersion;
  redis: Redis;
  /** A connection of its own for binary patches. */
  tapRedis: Redis;
  directory: RoundDirectory;
  /** R11: the rooms of this process. */
  hosted: Pick<HostedRounds, "add" | "delete">;
  follower: Pick<RoundFollower, "take" | "leave">;
  auth: AuthPort;
  content: ContentPort;
  payment: PaymentPort;
  audience: AudiencePort;
  analytics: AnalyticsPort;
  limiter: Pick<SharedLimiter, "judge" | "kickedFor">;
  logger: Logger;
  now(): number;
  /** ms of a clock that never goes back, for measuring and pacing. */
  clock(): number;
  verify(bytes: Uint8Array, sigHex: string, publicKeyHex: string): boolean;
}
