/**
 * What stands about memes that players have seen (R12, C6). Owns: `mr:memes:standing`. Does not own: who decides, nor which
 * bytes are taken down (media/store.ts). Read when an answer is made, by every process: nothing can lag behind.
 */
import type { Redis } from "../../infra/redis.ts";
import { TAKEN } from "../media/store.ts";

/** `reported`: nobody has looked yet; it is blurred like a hidden one. `shown`: a moderator found nothing wrong. */
export type Standing = "taken" | "hidden" | "reported" | "shown";

const STANDING = "mr:memes:standing";
const isNoted = (note: string | null | undefined): note is Exclude<Standing, "taken"> =>
  note === "hidden" || note === "reported" || note === "shown";

export class Standings {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  /** A moderator's word; it replaces what stood before. */
  async set(memeId: string, standing: "hidden" | "shown"): Promise<void> {
    await this.redis.hset(STANDING, memeId, standing);
  }

  /** Blurred, also when its round is over, until a moderator looks; one that was looked at before stays as it is. */
  async report(memeId: string): Promise<void> {
    await this.redis.hsetnx(STANDING, memeId, "reported");
  }

  /** Those about which nothing stands are left out. */
  async of(memeIds: readonly string[]): Promise<Map<string, Standing>> {
    if (memeIds.length === 0) return new Map();
    const [taken, notes] = await Promise.all([
      this.redis.hmget(TAKEN, ...memeIds),
      this.redis.hmget(STANDING, ...memeIds),
    ]);
    const found = new Map<string, Standing>();
    for (const [at, memeId] of memeIds.entries()) {
      const note = notes[at];
      if (taken[at] != null) found.set(memeId, "taken");
      else if (isNoted(note)) found.set(memeId, note);
    }
    return found;
  }
}
