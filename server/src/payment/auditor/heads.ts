/**
 * The auditor's signed heads in Redis, where the public gets them from (M4). Owns: `mr:heads:<roundId>` (the latest,
 * JSON) and `mr:heads:<roundId>:all` (a list, bounded). Does not own: signing, nor the auditor's own memory (notes.ts):
 * what stands here is believed by nobody without its signature.
 */
import { type SignedHead, signedHeadSchema } from "@meme-rounds/shared-schema/receipt";
import type { Redis } from "../../infra/redis.ts";

const latestKey = (roundId: string): string => `mr:heads:${roundId}`;
const allKey = (roundId: string): string => `mr:heads:${roundId}:all`;
/** Two hours of seconds; of a longer round the newest. */
const MAX_HEADS = 7_200;
const KEEP_SECONDS = 30 * 86_400;

/** Shows a head; `isNew` when another record stands at the end than in the head before. */
export async function publishHead(
  redis: Redis,
  roundId: string,
  head: SignedHead,
  isNew: boolean,
): Promise<void> {
  const text = JSON.stringify(head);
  const all = redis.multi().set(latestKey(roundId), text, "EX", KEEP_SECONDS);
  if (isNew)
    all
      .rpush(allKey(roundId), text)
      .ltrim(allKey(roundId), -MAX_HEADS, -1)
      .expire(allKey(roundId), KEEP_SECONDS);
  for (const [error] of (await all.exec()) ?? []) if (error !== null) throw error;
}

/** The newest head; undefined when there is none, or what stands there is none. */
export async function latestHead(redis: Redis, roundId: string): Promise<SignedHead | undefined> {
  const text = await redis.get(latestKey(roundId));
  return text === null ? undefined : readHead(text);
}

/** Every distinct head that is kept, oldest first. */
export async function headsOf(redis: Redis, roundId: string): Promise<SignedHead[]> {
  const texts = await redis.lrange(allKey(roundId), 0, -1);
  return texts.map(readHead).filter((head) => head !== undefined);
}

function readHead(text: string): SignedHead | undefined {
  try {
    const parsed = signedHeadSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // not JSON: no head
  }
}
