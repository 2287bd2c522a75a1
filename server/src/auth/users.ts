/**
 * Who has signed in: profiles. Owns: `mr:auth:user:<identity>` (hash: name, avatar, wallet, address, createdAt).
 * Does not own: play keys (play-keys.ts), sessions, roles' effects.
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { walletKinds } from "@meme-rounds/shared-schema/rest";
import { z } from "zod";
import type { Redis } from "../infra/redis.ts";
import { cleanName } from "./names.ts";
import { restorePlayKey } from "./play-keys.ts";
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
  /** Notes a sign-in: the first one makes the profile. */
  signedIn(identity: string, wallet: WalletKind, address: string): Promise<void>;
  /** The profile of an identity that has signed in. Throws NOT_FOUND for any other. */
  profile(identity: string): Promise<Profile>;
  /** Display names by play key; `owners`: identities by play key. */
  namesOf(owners: ReadonlyMap<string, string>): Promise<Map<string, string>>;
  /** Sets the display name. Throws what `cleanName` throws of it (names.ts). */
  rename(identity: string, name: string): Promise<void>;
  /** Sets the picture (a memeId), or takes it away. */
  setAvatar(identity: string, memeId: string | null): Promise<void>;
  /** I6: the profile as it is stored; empty when there is none. */
  stored(identity: string): Promise<Record<string, string>>;
  /** I6: deletes the profile; the next sign-in makes a new one. Play keys stay bound (I2). */
  forget(identity: string): Promise<void>;
}

const userKey = (identity: string): string => `mr:auth:user:${identity}`;

export function createUsers(deps: { redis: Redis; now: () => number }): Users {
  const { redis, now } = deps;
  return {
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

    async namesOf(owners) {
      const names = await Promise.all(
        [...owners.values()].map((identity) => redis.hget(userKey(identity), "name")),
      );
      return new Map([...owners.keys()].flatMap((key, at) => (names[at] ? [[key, names[at]]] : [])));
    },

    async rename(identity, name) {
      await redis.hset(userKey(identity), "name", cleanName(name));
    },

    async setAvatar(identity, memeId) {
      if (memeId === null) await redis.hdel(userKey(identity), "avatar");
      else await redis.hset(userKey(identity), "avatar", memeId);
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
  await restorePlayKey(redis, { playKey, identity, at });
  const multi = redis.multi().hset(userKey(identity), "name", name);
  if (avatar === undefined) multi.hdel(userKey(identity), "avatar");
  else multi.hset(userKey(identity), "avatar", avatar);
  await multi
    .hsetnx(userKey(identity), "wallet", "manual")
    .hsetnx(userKey(identity), "address", address)
    .hsetnx(userKey(identity), "createdAt", at)
    .exec();
}
