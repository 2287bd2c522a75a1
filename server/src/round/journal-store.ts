/**
 * A round's journal as a Redis Stream (R4). Owns: keys and layout of the stream, the fenced append, reading back.
 * Does not own: what a record says. An item's id is `<seq>-0`, so Redis itself refuses a second record of a seq;
 * field `e` is the entry, field `r` the command it answers (so that a takeover still knows the refs).
 */
import { type Entry, entrySchema } from "@meme-rounds/shared-schema/records";
import { fenceKey, type Lease } from "../infra/leases.ts";
import { type Redis, runScript, script } from "../infra/redis.ts";

/** The command an entry answered: idempotence by ref survives the process (protocol.md 6). */
export interface CommandMark {
  playKey: string;
  ref: string;
  /** sha256 of the command's canonical JSON, hex. */
  digest: string;
}

export interface StoredEntry {
  entry: Entry;
  mark?: CommandMark;
}

const journalKey = (roundId: string): string => `mr:journal:${roundId}`;

/**
 * KEYS fence, journal. ARGV token, then per record: id, entry, mark.
 * Returns 1 when the journal holds these very records under these ids: written now, or before and the answer was lost.
 * Returns 0 when the token is not the newest and they are not there, 2 when another record has the first one's place.
 * Nothing is written then.
 */
export const APPEND = script(
  "journal.append",
  `local function there(i)
     local item = redis.call('XRANGE', KEYS[2], ARGV[i], ARGV[i])[1]
     return item and item[2][2] == ARGV[i + 1]
   end
   local own = redis.call('GET', KEYS[1]) == ARGV[1]
   if own and not redis.call('XRANGE', KEYS[2], ARGV[2], '+', 'COUNT', 1)[1] then
     for i = 2, #ARGV, 3 do
       redis.call('XADD', KEYS[2], ARGV[i], 'e', ARGV[i + 1], 'r', ARGV[i + 2])
     end
     return 1
   end
   if there(#ARGV - 2) then return 1 end
   return own and 2 or 0`,
);

/** Thrown when another process owns the round: the caller must drop its state (R1). */
export class FencedError extends Error {
  constructor(lease: Lease) {
    super(`lease ${lease.name} is not held under token ${lease.token} any more`);
    this.name = "FencedError";
  }
}

/** Thrown when another record stands where these should go: the caller's state is not what the journal says. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";
}

/**
 * Appends all or nothing, under the lease's token; the same again (a connection that broke before the answer) changes
 * nothing. Throws FencedError when another process has the round, ConflictError when the journal says something else
 * at that place; nothing was written then. Any other rejection leaves open whether it was: only reading the journal tells.
 */
export async function appendJournal(
  redis: Redis,
  lease: Lease,
  roundId: string,
  items: readonly StoredEntry[],
): Promise<void> {
  const args: (string | number)[] = [lease.token];
  for (const { entry, mark } of items)
    args.push(`${entry.record.seq}-0`, JSON.stringify(entry), mark ? JSON.stringify(mark) : "");
  const written = Number(await runScript(redis, APPEND, [fenceKey(lease.name), journalKey(roundId)], args));
  if (written === 0) throw new FencedError(lease);
  if (written !== 1)
    throw new ConflictError(`the journal of ${roundId} has another record ${items[0]?.entry.record.seq}`);
}

const PAGE = 1_000;
type Item = [id: string, fields: string[]];

/**
 * Every item after the record `afterSeq`, in order, in pages; the next page is fetched while one is being looked at. For
 * the round's own process: only its fenced append writes here, the auditor judges every record, and the reducer refuses
 * what cannot follow. So shapes are not checked once more: of a long journal that would be a third of a takeover.
 */
export async function* pagesStored(
  redis: Redis,
  roundId: string,
  afterSeq = 0,
): AsyncGenerator<StoredEntry[]> {
  const read = (from: string): Promise<Item[]> => redis.xrange(journalKey(roundId), from, "+", "COUNT", PAGE);
  let next: Promise<Item[]> | undefined = read(`${afterSeq + 1}-0`);
  while (next !== undefined) {
    const page: Item[] = await next;
    const last = page.at(-1);
    next = last === undefined || page.length < PAGE ? undefined : read(`(${last[0]}`);
    // Whoever reads may stop early: then nobody waits for it.
    next?.catch(() => undefined);
    if (page.length > 0) yield page.map(([, fields]) => storedOf(fields));
  }
}

function storedOf(fields: string[]): StoredEntry {
  const mark = fields[3];
  const entry = JSON.parse(fields[1] ?? "") as Entry;
  return mark ? { entry, mark: JSON.parse(mark) as CommandMark } : { entry };
}

/** Whether the journal has this record: its number with this hash. */
export async function hasRecord(redis: Redis, roundId: string, seq: number, hash: string): Promise<boolean> {
  const [item] = await redis.xrange(journalKey(roundId), `${seq}-0`, `${seq}-0`);
  return item !== undefined && storedOf(item[1]).entry.hash === hash;
}

/** Every item in order, each with the shape of one. */
export async function readStored(redis: Redis, roundId: string): Promise<StoredEntry[]> {
  const out: StoredEntry[] = [];
  for await (const page of pagesStored(redis, roundId))
    out.push(...page.map((item) => ({ ...item, entry: entrySchema.parse(item.entry) })));
  return out;
}

/** The entries alone, for whoever judges the round. Empty when there is no such journal. */
export async function readJournal(redis: Redis, roundId: string): Promise<Entry[]> {
  return (await readStored(redis, roundId)).map((item) => item.entry);
}

/** JSON texts of up to `count` entries from the record `fromSeq` on, for whoever follows a live journal. */
export async function readFrom(
  redis: Redis,
  roundId: string,
  fromSeq: number,
  count: number,
): Promise<string[]> {
  const items = await redis.xrange(journalKey(roundId), `${fromSeq}-0`, "+", "COUNT", count);
  return items.map(([, fields]) => fields[1] ?? "");
}

/** M6: a finished round's journal as its file gives it back; nothing when there is one already. */
export async function restoreJournal(
  redis: Redis,
  roundId: string,
  entries: readonly Entry[],
): Promise<void> {
  if ((await redis.exists(journalKey(roundId))) === 1) return;
  const multi = redis.multi();
  for (const entry of entries)
    multi.xadd(journalKey(roundId), `${entry.record.seq}-0`, "e", JSON.stringify(entry), "r", "");
  await multi.exec();
}
