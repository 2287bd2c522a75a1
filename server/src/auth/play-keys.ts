/**
 * Which play keys belong to which identity (I2): bound for ever by a sign-in with both signatures, listed, revoked.
 * Owns: `mr:auth:play-key:<key>` (the identity it belongs to) and `mr:auth:play-keys:<identity>` (hash: `bound:<key>`,
 * `used:<key>`, `revoked:<key>`, each a time in ms). Does not own: sessions, coins: what a revoked key has in escrow or is
 * paid stays its own, on the chain.
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { type Redis, runScript, script } from "../infra/redis.ts";

/** Play keys an identity may have, revoked ones too: bounds memory. */
export const MAX_PLAY_KEYS = 100;

export interface BoundPlayKey {
  playKey: string;
  /** ms since the epoch, as are the others. */
  boundAt: number;
  /** Last sign-in with it. */
  lastUsedAt: number;
  revokedAt?: number;
}

export interface PlayKeys {
  /**
   * Binds a play key to an identity, for ever, and notes that it was used. Throws PLAY_KEY_TAKEN when it belongs to
   * another, PLAY_KEY_REVOKED when it was revoked, PLAY_KEYS_FULL when the identity has as many as it may.
   */
  claim(playKey: string, identity: string): Promise<void>;
  /** The keys of an identity, the last used first. */
  list(identity: string): Promise<BoundPlayKey[]>;
  /** Ends a key for good; again changes nothing. Throws PLAY_KEY_UNKNOWN when it is not this identity's. */
  revoke(playKey: string, identity: string): Promise<void>;
  isRevoked(playKey: string, identity: string): Promise<boolean>;
  /** Identities by play key, of those that are bound to one. */
  ownersOf(playKeys: readonly string[]): Promise<Map<string, string>>;
}

/** KEYS owner of the key, the identity's hash. ARGV identity, play key, now (ms), most keys. */
const CLAIM = script(
  "auth.play-key.claim",
  `
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 'taken' end
if redis.call('HEXISTS', KEYS[2], 'revoked:' .. ARGV[2]) == 1 then return 'revoked' end
if redis.call('HEXISTS', KEYS[2], 'bound:' .. ARGV[2]) == 0 then
  local count = 0
  for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
    if string.sub(field, 1, 6) == 'bound:' then count = count + 1 end
  end
  if count >= tonumber(ARGV[4]) then return 'full' end
  redis.call('HSET', KEYS[2], 'bound:' .. ARGV[2], ARGV[3])
end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], 'used:' .. ARGV[2], ARGV[3])
return 'ok'`,
);

const REFUSALS = {
  taken: "PLAY_KEY_TAKEN",
  revoked: "PLAY_KEY_REVOKED",
  full: "PLAY_KEYS_FULL",
} as const;

const ownerKey = (playKey: string): string => `mr:auth:play-key:${playKey}`;
const listKey = (identity: string): string => `mr:auth:play-keys:${identity}`;

export function createPlayKeys(deps: { redis: Redis; now: () => number }): PlayKeys {
  const { redis, now } = deps;
  return {
    async claim(playKey, identity) {
      const outcome = (await runScript(
        redis,
        CLAIM,
        [ownerKey(playKey), listKey(identity)],
        [identity, playKey, now(), MAX_PLAY_KEYS],
      )) as "ok" | keyof typeof REFUSALS;
      if (outcome !== "ok") throw new CodedError(REFUSALS[outcome]);
    },

    async list(identity) {
      const fields = await redis.hgetall(listKey(identity));
      const keys = Object.keys(fields).flatMap((field) =>
        field.startsWith("bound:") ? [field.slice("bound:".length)] : [],
      );
      return keys
        .map((playKey) => {
          const revokedAt = fields[`revoked:${playKey}`];
          return {
            playKey,
            boundAt: Number(fields[`bound:${playKey}`]),
            lastUsedAt: Number(fields[`used:${playKey}`]),
            ...(revokedAt === undefined ? {} : { revokedAt: Number(revokedAt) }),
          };
        })
        .sort((a, b) => b.lastUsedAt - a.lastUsedAt || (a.playKey < b.playKey ? -1 : 1));
    },

    async revoke(playKey, identity) {
      if ((await redis.hexists(listKey(identity), `bound:${playKey}`)) === 0)
        throw new CodedError("PLAY_KEY_UNKNOWN");
      await redis.hsetnx(listKey(identity), `revoked:${playKey}`, now());
    },

    async isRevoked(playKey, identity) {
      return (await redis.hexists(listKey(identity), `revoked:${playKey}`)) === 1;
    },

    async ownersOf(playKeys) {
      if (playKeys.length === 0) return new Map();
      const identities = await redis.mget(...playKeys.map(ownerKey));
      return new Map(
        playKeys.flatMap((key, at) => {
          const identity = identities[at];
          return identity ? [[key, identity]] : [];
        }),
      );
    },
  };
}

/** M6: a binding that a record on the chain shows; whoever is bound already stays. */
export async function restorePlayKey(
  redis: Redis,
  { playKey, identity, at }: { playKey: string; identity: string; at: number },
): Promise<void> {
  await redis.set(ownerKey(playKey), identity, "NX");
  if ((await redis.get(ownerKey(playKey))) !== identity) return;
  await redis.hsetnx(listKey(identity), `bound:${playKey}`, at);
  await redis.hsetnx(listKey(identity), `used:${playKey}`, at);
}
