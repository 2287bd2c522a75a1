/**
 * How far each winner of a round is on its way to a model (C3). Owns: `mr:sculpture:<roundId>`. Does not own: the jobs
 * themselves; this is what people are shown, not what is decided on.
 */
import { type Sculpture, sculptureSchema } from "@meme-rounds/shared-schema/rest-content";
import type { Redis } from "../../infra/redis.ts";

/** s. */
const KEPT_S = 30 * 86_400;

const keyOf = (roundId: string): string => `mr:sculpture:${roundId}`;

export class Progress {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  /** At first all wait; saying so again after a crash takes nobody back. */
  async begin(roundId: string, memeIds: readonly string[]): Promise<void> {
    const write = this.redis.multi();
    for (const memeId of memeIds) write.hsetnx(keyOf(roundId), memeId, "waiting" satisfies Sculpture);
    await write.expire(keyOf(roundId), KEPT_S).exec();
  }

  async set(roundId: string, memeId: string, state: Sculpture): Promise<void> {
    await this.redis.hset(keyOf(roundId), memeId, state);
  }

  async of(roundId: string): Promise<Record<string, Sculpture>> {
    const all = await this.redis.hgetall(keyOf(roundId));
    return Object.fromEntries(
      Object.entries(all).flatMap(([memeId, state]) => {
        const known = sculptureSchema.safeParse(state);
        return known.success ? [[memeId, known.data]] : [];
      }),
    );
  }
}
