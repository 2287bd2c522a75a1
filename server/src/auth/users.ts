/**
 * Who has signed in: profiles and the binding of play keys.
 * Owns: `mr:auth:user:<identity>` (hash: name, avatar, wallet, address, createdAt) and `mr:auth:play-key:<key>` (the identity
 * it belongs to, for ever: I2). Does not own: sessions, roles' effects.
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { walletKinds } from "@meme-rounds/shared-schema/rest";
import { z } from "zod";
import type { Redis } from "../infra/redis.ts";
import { cleanName } from "./names.ts";
import type { WalletKind } from "./schemes/index.ts";
import { runMulti } from "./transaction.ts";

const profileSchema = z.object({
  name: z.string(),
  wallet: z.enum(walletKinds),
  address: z.string(),
  /** memeId of a picture of theirs. */
  avatar: z.string().optional(),
});
export type Profile = z.infer<typeof profileSchema>;

export interface Users {
  /** Binds a play key to an identity, for ever. Throws PLAY_KEY_TAKEN when it belongs to another. */
  claimPlayKey(playKey: string, identity: string): Promise<void>;
  /** Notes a sign-in: the first one makes the profile. */
  signedIn(identity: string, wallet: WalletKind, address: string): Promise<void>;
  /** The profile of an identity that has signed in. Throws NOT_FOUND for any other. */
  profile(identity: string): Promise<Profile>;
  /** Display names by play key, of those that are bound to an identity. */
  namesOf(playKeys: readonly string[]): Promise<Map<string, string>>;
  /** Sets the display name. Throws what `cleanName` throws of it (names.ts). */
  rename(identity: string, name: string): Promise<void>;
  /** Sets the picture (a memeId), or takes it away. */
  setAvatar(identity: string, memeId: string | null): Promise<void>;
  /** Identities by play key, of those that are bound to one. */
  ownersOf(playKeys: readonly string[]): Promise<Map<string, string>>;
  /** I6: the profile as it is stored; empty when there is none. */
  stored(identity: string): Promise<Record<string, string>>;
  /** I6: deletes the profile; the next sign-in makes a new one. Play keys stay bound (I2). */
  forget(identity: string): Promise<void>;
}

const userKey = (identity: string): string => `mr:auth:user:${identity}`;
const playKeyKey = (playKey: string): string => `mr:auth:play-key:${playKey}`;

export function createUsers(deps: { redis: Redis; now: () => number }): Users {
  const { redis, now } = deps;
  return {
    async claimPlayKey(playKey, identity) {
      const key = playKeyKey(playKey);
      if ((await redis.set(key, identity, "NX")) === "OK") return;
      // Bindings are never deleted or changed, so what is read here is what refused the line above.
      if ((await redis.get(key)) !== identity) throw new CodedError("PLAY_KEY_TAKEN");
    },

    async signedIn(identity, wallet, address) {
      const key = userKey(identity);
      await runMulti(
        redis
          .multi()
          .hsetnx(key, "name", `player ${identity.slice(-6)}`)
          .hsetnx(key, "createdAt", now())
          .hset(key, { wallet, address }),
      );
    },

    async profile(identity) {
      const stored = await redis.hgetall(userKey(identity));
      if (Object.keys(stored).length === 0) throw new CodedError("NOT_FOUND");
      return profileSchema.parse(stored);
    },

    async namesOf(playKeys) {
      if (playKeys.length === 0) return new Map();
      const identities = await redis.mget(...playKeys.map(playKeyKey));
      const names = await Promise.all(
        identities.map((identity) => (identity === null ? null : redis.hget(userKey(identity), "name"))),
      );
      return new Map(playKeys.flatMap((key, at) => (names[at] ? [[key, names[at]]] : [])));
    },

    async rename(identity, name) {
      await redis.hset(userKey(identity), "name", cleanName(name));
    },

    async setAvatar(identity, memeId) {
      if (memeId === null) await redis.hdel(userKey(identity), "avatar");
      else await redis.hset(userKey(identity), "avatar", memeId);
    },

    async ownersOf(playKeys) {
      if (playKeys.length === 0) return new Map();
      const identities = await redis.mget(...playKeys.map(playKeyKey));
      return new Map(
        playKeys.flatMap((key, at) => {
          const identity = identities[at];
          return identity ? [[key, identity]] : [];
        }),
      );
    },

    stored: (identity) => redis.hgetall(userKey(identity)),

    async forget(identity) {
      await redis.del(userKey(identity));
    },
  };
}

/**
 * M6: a profile as a record on the chain says, to be called from the oldest record to the newest; the wallet is known
 * again once they sign in.
 */
export async function restoreProfile(
  redis: Redis,
  profile: {
    identity: string;
    playKey: string;
    name: string;
    /** memeId; a record without one took it away. */
    avatar?: string;
    address: string;
    at: number;
  },
): Promise<void> {
  const { identity, playKey, name, avatar, address, at } = profile;
  const multi = redis.multi().set(playKeyKey(playKey), identity, "NX").hset(userKey(identity), "name", name);
  if (avatar === undefined) multi.hdel(userKey(identity), "avatar");
  else multi.hset(userKey(identity), "avatar", avatar);
  await multi
    .hsetnx(userKey(identity), "wallet", "manual")
    .hsetnx(userKey(identity), "address", address)
    .hsetnx(userKey(identity), "createdAt", at)
    .exec();
}
