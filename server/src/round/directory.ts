/**
 * Where rounds are found (our own directory, so that no join scans Colyseus' listing).
 * Owns: the keys that name the live round, its public snapshot, unfinished rounds and the archive.
 * Does not own: the journal. Everything here can be rebuilt from journals.
 */
import { roundDetail, type Snapshot, snapshotSchema } from "@meme-rounds/shared-schema/rest";
import { z } from "zod";
import type { Redis } from "../infra/redis.ts";

const liveSchema = z.object({ roundId: z.string(), roomId: z.string() });
export type LiveRound = z.infer<typeof liveSchema>;

/** What a finished round's page shows, before settlement and models are added. */
export const archivedSchema = roundDetail.omit({ txids: true, settled: true, settlement: true });
export type ArchivedRound = z.infer<typeof archivedSchema>;

/** Snapshots are written once a second; one this old says that nobody hosts the round. */
const SNAPSHOT_TTL_MS = 10_000;

export class RoundDirectory {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  async setLive(arena: string, live: LiveRound): Promise<void> {
    await this.redis.set(`mr:live:${arena}`, JSON.stringify(live));
  }

  async live(arena: string): Promise<LiveRound | undefined> {
    const text = await this.redis.get(`mr:live:${arena}`);
    return text === null ? undefined : liveSchema.parse(JSON.parse(text));
  }

  async setSnapshot(snapshot: Snapshot): Promise<void> {
    await this.redis.set(`mr:snapshot:${snapshot.arena}`, JSON.stringify(snapshot), "PX", SNAPSHOT_TTL_MS);
  }

  async snapshot(arena: string): Promise<Snapshot | undefined> {
    const text = await this.redis.get(`mr:snapshot:${arena}`);
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

  /** Newest first; `before` is an exclusive opening time in ms. */
  async page(arena: string, before: number | undefined, count: number): Promise<ArchivedRound[]> {
    const to = before === undefined ? "+inf" : `(${before}`;
    const ids = await this.redis.zrevrangebyscore(`mr:rounds:${arena}`, to, "-inf", "LIMIT", 0, count);
    const rounds = await Promise.all(ids.map((id) => this.finished(id)));
    return rounds.filter((round) => round !== undefined);
  }
}
