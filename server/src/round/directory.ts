/**
 * Where rounds are found (our own directory, so that no join scans Colyseus' listing).
 * Owns: the keys that name the live round, its public snapshot, unfinished rounds and the archive.
 * Does not own: the journal. Everything here can be rebuilt from journals.
 */
import { roundDetail, type Snapshot, snapshotSchema } from "@meme-rounds/shared-schema/rest";
import { z } from "zod";
import { fenceKey, type Lease } from "../infra/leases.ts";
import { type Redis, runScript, script } from "../infra/redis.ts";

const liveSchema = z.object({
  roundId: z.string(),
  roomId: z.string(),
  /** The lease it is hosted under. */
  token: z.number().int(),
});
export type LiveRound = z.infer<typeof liveSchema>;

/** What a finished round's page shows, before settlement and models are added. */
export const archivedSchema = roundDetail.omit({ txids: true, settled: true, settlement: true });
export type ArchivedRound = z.infer<typeof archivedSchema>;

/** Snapshots are written once a second; one this old says that nobody hosts the round. */
const SNAPSHOT_TTL_MS = 10_000;

const liveKey = (arena: string): string => `mr:live:${arena}`;
const snapshotKey = (arena: string): string => `mr:snapshot:${arena}`;

export const DIRECTORY_SCRIPTS = {
  /**
   * KEYS fence, live. ARGV token, live, opening of the round (unix s). Says where the arena's round is: refused under a
   * token that is not the newest, and when a later round is live already. Returns 1 when written, else 0.
   */
  live: script(
    "directory.live",
    `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
     local held = redis.call('GET', KEYS[2])
     local opened = held and tonumber(string.match(cjson.decode(held).roundId, '%d+$'))
     if opened and opened > tonumber(ARGV[3]) then return 0 end
     redis.call('SET', KEYS[2], ARGV[2])
     return 1`,
  ),
  /**
   * KEYS fence, live, snapshot. ARGV token, live, snapshot, ttl ms. Only the live round's own room under the newest token
   * says how the round stands. Returns 1 when written, else 0.
   */
  snapshot: script(
    "directory.snapshot",
    `if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
     redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4])
     return 1`,
  ),
};

const openingOf = (roundId: string): string => roundId.slice(roundId.lastIndexOf("-") + 1);
/** One text for one value, whatever else the object has. */
const liveText = ({ roundId, roomId }: Omit<LiveRound, "token">, { token }: Lease): string =>
  JSON.stringify({ roundId, roomId, token } satisfies LiveRound);

export class RoundDirectory {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  /**
   * R1: clients look for the round there from now on. False when the lease is another process' by now or a later round
   * is live: a process that was stalled sends nobody to a room that is nobody's.
   */
  async setLive(arena: string, live: Omit<LiveRound, "token">, lease: Lease): Promise<boolean> {
    const keys = [fenceKey(lease.name), liveKey(arena)];
    const args = [lease.token, liveText(live, lease), openingOf(live.roundId)];
    return Number(await runScript(this.redis, DIRECTORY_SCRIPTS.live, keys, args)) === 1;
  }

  async live(arena: string): Promise<LiveRound | undefined> {
    const text = await this.redis.get(liveKey(arena));
    return text === null ? undefined : liveSchema.parse(JSON.parse(text));
  }

  /** False when this room is not where `setLive` says any more; nothing was written then. */
  async setSnapshot(snapshot: Snapshot, lease: Lease): Promise<boolean> {
    const keys = [fenceKey(lease.name), liveKey(snapshot.arena), snapshotKey(snapshot.arena)];
    const args = [lease.token, liveText(snapshot, lease), JSON.stringify(snapshot), SNAPSHOT_TTL_MS];
    return Number(await runScript(this.redis, DIRECTORY_SCRIPTS.snapshot, keys, args)) === 1;
  }

  async snapshot(arena: string): Promise<Snapshot | undefined> {
    const text = await this.redis.get(snapshotKey(arena));
    return text === null ? undefined : snapshotSchema.parse(JSON.parse(text));
  }

  /** Rounds whose journal was begun and whose end is not in the archive yet. */
  async unfinished(arena: string): Promise<string[]> {
    return await this.redis.smembers(`mr:unfinished:${arena}`);
  }

  async begin(arena: string, roundId: string): Promise<void> {
    await this.redis.sadd(`mr:unfinished:${arena}`, roundId);
  }

  /** Puts a finished round into the archive; the same round twice is one. */
  async finish(round: ArchivedRound): Promise<void> {
    await this.redis
      .multi()
      .set(`mr:round:${round.roundId}`, JSON.stringify(round))
      .zadd(`mr:rounds:${round.arena}`, round.opensAt, round.roundId)
      .srem(`mr:unfinished:${round.arena}`, round.roundId)
      .exec();
  }

  async finished(roundId: string): Promise<ArchivedRound | undefined> {
    const text = await this.redis.get(`mr:round:${roundId}`);
    return text === null ? undefined : archivedSchema.parse(JSON.parse(text));
  }

  /** The arena's newest round of those that opened before `opensAt` (ms), in the archive or on its way there. */
  async before(arena: string, opensAt: number): Promise<string | undefined> {
    // Asked in this order: a round that ends in between is in both, not in neither.
    const [unfinished, archived] = await Promise.all([
      this.unfinished(arena),
      this.redis.zrevrangebyscore(`mr:rounds:${arena}`, `(${opensAt}`, "-inf", "LIMIT", 0, 1),
    ]);
    const earlier = [...archived, ...unfinished].filter((id) => Number(openingOf(id)) * 1_000 < opensAt);
    return earlier.sort((a, b) => Number(openingOf(b)) - Number(openingOf(a)))[0];
  }

  /** Newest first; `before` is an exclusive opening time in ms. */
  async page(arena: string, before: number | undefined, count: number): Promise<ArchivedRound[]> {
    const to = before === undefined ? "+inf" : `(${before}`;
    const ids = await this.redis.zrevrangebyscore(`mr:rounds:${arena}`, to, "-inf", "LIMIT", 0, count);
    const rounds = await Promise.all(ids.map((id) => this.finished(id)));
    return rounds.filter((round) => round !== undefined);
  }
}
