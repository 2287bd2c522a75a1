/**
 * Sign-in challenges (I2): made, kept for 5 minutes, handed out once.
 * Owns: keys `mr:auth:challenge:<nonce>`. Does not own: what the signed text says (sign-in.ts) or checking signatures.
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { challengeMessage } from "@meme-rounds/shared-schema/sign-in";
import type { Terms } from "@meme-rounds/shared-schema/terms";
import { z } from "zod";
import type { Redis } from "../infra/redis.ts";
import type { WalletKind } from "./schemes/index.ts";

/** How long a challenge may be answered, ms (I2). */
export const CHALLENGE_TTL_MS = 5 * 60_000;

const pendingSchema = z.object({
  wallet: z.custom<WalletKind>((value) => typeof value === "string"),
  address: z.string(),
  playKey: z.string(),
  message: z.string(),
  /** ms since the epoch. Redis' own clock only frees the memory; this one decides. */
  expiresAt: z.number(),
});
export type PendingChallenge = z.infer<typeof pendingSchema>;

export interface ChallengeRequest {
  wallet: WalletKind;
  address: string;
  playKey: string;
}

export interface Challenges {
  /** Makes a challenge. Throws BAD_REQUEST when the address is not one a line of the text can hold. */
  issue(request: ChallengeRequest): Promise<{ nonce: string; message: string; expiresAt: number }>;
  /** The challenge of a nonce, once: a second call, or one too late, throws CHALLENGE_EXPIRED. */
  take(nonce: string): Promise<PendingChallenge>;
}

export interface ChallengeDeps {
  redis: Redis;
  /** ms since the epoch. */
  now: () => number;
  randomBytes: (length: number) => Uint8Array;
}

const keyOf = (nonce: string): string => `mr:auth:challenge:${nonce}`;

export function createChallenges(
  options: { domain: string; terms?: Terms },
  deps: ChallengeDeps,
): Challenges {
  const { redis, now, randomBytes } = deps;
  return {
    async issue(request) {
      // Addresses of every kind are letters and digits; anything else could write lines of its own into the text.
      if (!/^[0-9A-Za-z]+$/.test(request.address))
        throw new CodedError("BAD_REQUEST", "body.address: not an address");
      const nonce = Buffer.from(randomBytes(24)).toString("base64url");
      const issuedAt = now();
      const expiresAt = issuedAt + CHALLENGE_TTL_MS;
      const message = challengeMessage({ ...options, nonce, issuedAt, ...request });
      const pending: PendingChallenge = { ...request, message, expiresAt };
      await redis.set(keyOf(nonce), JSON.stringify(pending), "PX", CHALLENGE_TTL_MS);
      return { nonce, message, expiresAt };
    },

    async take(nonce) {
      const stored = await redis.getdel(keyOf(nonce));
      if (stored === null) throw new CodedError("CHALLENGE_EXPIRED");
      const pending = pendingSchema.parse(JSON.parse(stored));
      if (now() >= pending.expiresAt) throw new CodedError("CHALLENGE_EXPIRED");
      return pending;
    },
  };
}
