/** Receipts against the journal. Owns: the comparison. Reads a Redis of this machine, never writes. */
import type { Accepted } from "@meme-rounds/shared-schema/messages";
import { createRedis } from "../../../server/src/infra/redis.ts";
import { readJournal } from "../../../server/src/round/journal-store.ts";

/** How many of the receipts the round's journal does not hold (R4). */
export async function missingIn(
  redisUrl: string,
  roundId: string,
  kept: readonly Accepted[],
): Promise<number> {
  const redis = createRedis(redisUrl);
  try {
    const journal = await readJournal(redis, roundId);
    const hashes = new Map(journal.map(({ record, hash }) => [record.seq, hash]));
    return kept.filter(({ seq, hash }) => hashes.get(seq) !== hash).length;
  } finally {
    redis.disconnect();
  }
}
