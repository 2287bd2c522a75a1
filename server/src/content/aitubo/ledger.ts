/**
 * What was ordered of AITubo for a winner, so that it is ordered once whatever crashes (C3). Owns: the keys
 * `mr:aitubo:job:<roundId>:<memeId>` and their steps. Does not own: requests.
 *
 * A claim is written before the request is sent. Where a claim stands without a remote id and its owner cannot be at
 * it any more, nobody knows whether AITubo took the job: it is not sent again.
 */
import { z } from "zod";
import { type Redis, runScript, script } from "../../infra/redis.ts";

const when = z.coerce.number();
const entry = z.object({
  /** When this winner's job was first looked at, ms. */
  since: when,
  /** When the one submission was begun, ms. */
  claimedAt: when.optional(),
  remoteId: z.string().optional(),
  /** Failures that may pass, so far. */
  failures: when.default(0),
  /** sha256 of the finished picture in the media store. */
  picture: z.string().optional(),
  /** Why there is no picture, for good. */
  given: z.string().optional(),
  /** Where AITubo has a video it made; nobody here can moderate one, so it is neither fetched nor shown (C2). */
  video: z.string().optional(),
});
export type LedgerEntry = z.infer<typeof entry>;

/** Longer than any job of the pipeline lives, s. */
const KEEP_S = 30 * 86_400;

/** KEYS[1] entry. ARGV: field, value, keepS. Sets the field where it is not set; answers 1 when it was not. */
const claim = script(
  "aitubo-ledger-claim",
  `local won = redis.call('hsetnx', KEYS[1], ARGV[1], ARGV[2])
  redis.call('expire', KEYS[1], ARGV[3])
  return won`,
);

export class Ledger {
  private readonly redis: Redis;
  private readonly key: string;

  constructor(redis: Redis, winner: { roundId: string; memeId: string }) {
    this.redis = redis;
    this.key = `mr:aitubo:job:${winner.roundId}:${winner.memeId}`;
  }

  /** The entry, begun at `now` (ms) where there is none. */
  async open(now: number): Promise<LedgerEntry> {
    await runScript(this.redis, claim, [this.key], ["since", now, KEEP_S]);
    return entry.parse(await this.redis.hgetall(this.key));
  }

  /** Takes the one submission; false when it was taken before. */
  async claim(now: number): Promise<boolean> {
    return (await runScript(this.redis, claim, [this.key], ["claimedAt", now, KEEP_S])) === 1;
  }

  /** Gives the submission back: AITubo clearly did not take it. */
  async release(): Promise<void> {
    await this.redis.hdel(this.key, "claimedAt");
  }

  async submitted(remoteId: string): Promise<void> {
    await this.redis.hset(this.key, "remoteId", remoteId);
  }

  /** Counts a failure that may pass; answers how many there were in a row. */
  failed(): Promise<number> {
    return this.redis.hincrby(this.key, "failures", 1);
  }

  async answered(): Promise<void> {
    await this.redis.hdel(this.key, "failures");
  }

  async finish(end: { picture: string } | { given: string } | { video: string }): Promise<void> {
    await this.redis.hset(this.key, end);
  }
}
