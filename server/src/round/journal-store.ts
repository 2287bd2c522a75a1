/**
 * A round's journal as a Redis Stream (R4). Owns: keys and layout of the stream, the fenced append, reading back.
 * Does not own: what a record says. An item's id is `<seq>-0`, so Redis itself refuses a second record of a seq;
 * field `e` is the entry, field `r` the command it answers (so that a takeover still knows the refs).
 */
import { type Entry, entrySchema } from "@meme-rounds/shared-schema/records";
import { type Lease, leaseKey } from "../infra/leases.ts";
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
 * KEYS lease, journal. ARGV token, then per record: id, entry, mark.
 * Returns 1, or 0 when the lease is not this token's any more (nothing is written then).
 */
const APPEND = script(
  "journal.append",
  `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
   for i = 2, #ARGV, 3 do
     redis.call('XADD', KEYS[2], ARGV[i], 'e', ARGV[i + 1], 'r', ARGV[i + 2])
   end
   return 1`,
);

/** Thrown when another process owns the round: the caller must drop its state (R1). */
export class FencedError extends Error {
  constructor(lease: Lease) {
    super(`lease ${lease.name} is not held under token ${lease.token} any more`);
    this.name = "FencedError";
  }
}

/** Appends all or nothing, under the lease's token. Throws FencedError; nothing was written then. */
export async function appendJournal(
  redis: Redis,
  lease: Lease,
  roundId: string,
  items: readonly StoredEntry[],
): Promise<void> {
  const args: (string | number)[] = [lease.token];
  for (const { entry, mark } of items)
    args.push(`${entry.record.seq}-0`, JSON.stringify(entry), mark ? JSON.stringify(mark) : "");
  const written = await runScript(redis, APPEND, [leaseKey(lease.name), journalKey(roundId)], args);
  if (Number(written) !== 1) throw new FencedError(lease);
}

/** Every item in order, read in pages of 5,000. */
export async function readStored(redis: Redis, roundId: string): Promise<StoredEntry[]> {
  const out: StoredEntry[] = [];
  let from = "-";
  for (;;) {
    const page = await redis.xrange(journalKey(roundId), from, "+", "COUNT", 5_000);
    for (const [, fields] of page) {
      const mark = fields[3];
      out.push({
        entry: entrySchema.parse(JSON.parse(fields[1] ?? "")),
        ...(mark ? { mark: JSON.parse(mark) as CommandMark } : {}),
      });
    }
    const last = page.at(-1);
    if (last === undefined || page.length < 5_000) return out;
    from = `(${last[0]}`;
  }
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
