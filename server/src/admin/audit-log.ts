/**
 * The audit log (I4): one record for every action of an admin or moderator, each holding the hash of the one before.
 * Owns: keys `mr:audit:*`, appending so that processes never fork the chain, reading it page by page. Does not own: a
 * record's shape and the check of a whole log (shared-schema/audit-log.ts), who may act.
 */
import { type AuditRecord, auditHashOf, auditRecordSchema } from "@meme-rounds/shared-schema/audit-log";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { canonicalJson } from "@meme-rounds/shared-schema/hash";
import { NO_AUDIT_HEAD } from "@meme-rounds/shared-schema/ledger-link";
import { z } from "zod";
import type { AuditPort } from "../infra/audit.ts";
import { type Redis, runScript, script } from "../infra/redis.ts";

const LOG = "mr:audit:log";
const HEAD = "mr:audit:head";
/** About 500 bytes each: 50 MB at most. The oldest leave first; their hashes stay in the ledger's links. */
const MAX_RECORDS = 100_000;
/** Each lost race means that another process got a record in. */
const MAX_TRIES = 200;

const APPEND = script(
  "audit-append",
  `-- Appends one record when the chain still ends where its writer saw it end.
-- KEYS 1 log (list of records, oldest first), 2 head {seq, hash, at}
-- ARGV 1 hash the record follows, 2 the record, 3 its hash, 4 its seq, 5 its at, 6 most records, 7 hash of no record
-- Returns 1 when it stands in the log, also from an earlier try whose answer got lost; else {seq, hash, at} of the end.
local hash = redis.call('HGET', KEYS[2], 'hash') or ARGV[7]
if hash == ARGV[1] then
  redis.call('RPUSH', KEYS[1], ARGV[2])
  redis.call('LTRIM', KEYS[1], -tonumber(ARGV[6]), -1)
  redis.call('HSET', KEYS[2], 'seq', ARGV[4], 'hash', ARGV[3], 'at', ARGV[5])
  return 1
end
local seq = redis.call('HGET', KEYS[2], 'seq') or '0'
local back = tonumber(ARGV[4]) - tonumber(seq) - 1
if back < 0 and redis.call('LINDEX', KEYS[1], back) == ARGV[2] then return 1 end
return {seq, hash, redis.call('HGET', KEYS[2], 'at') or '0'}`,
);

const PAGE = script(
  "audit-page",
  `-- Records below a seq, newest last.
-- KEYS 1 log, 2 head; ARGV 1 first seq that is not wanted (0: from the end), 2 how many
-- Returns {hash of the head or false, seq of the oldest record that is kept, records...}
local seq = tonumber(redis.call('HGET', KEYS[2], 'seq') or '0')
local oldest = seq - redis.call('LLEN', KEYS[1]) + 1
local below = tonumber(ARGV[1])
if below == 0 or below > seq then below = seq + 1 end
local first = math.max(below - tonumber(ARGV[2]), oldest)
local answer = {redis.call('HGET', KEYS[2], 'hash'), oldest}
if first >= below then return answer end
for _, record in ipairs(redis.call('LRANGE', KEYS[1], first - oldest, below - 1 - oldest)) do
  answer[#answer + 1] = record
end
return answer`,
);

const endSchema = z.tuple([z.coerce.number(), z.string(), z.coerce.number()]);
const pageSchema = z.tuple([z.string().nullable(), z.number()], z.string());

export interface AuditPage {
  /** Newest first, each with its own hash. */
  items: (AuditRecord & { hash: string })[];
  /** Hash of the newest record of all; zeros where there is none. */
  head: string;
  /** Pass it to the next call; absent on the last page. */
  next?: number;
}

export interface AuditLog extends AuditPort {
  /** Hash of the newest record, hex; zeros where there is none. What a ledger link holds. */
  head(): Promise<string>;
  /** At most `count` records older than `cursor`, or from the newest. */
  page(cursor?: number, count?: number): Promise<AuditPage>;
}

export interface AuditLogDeps {
  redis: Redis;
  /** ms since the epoch. */
  now(): number;
}

export function createAuditLog({ redis, now }: AuditLogDeps): AuditLog {
  return {
    /** Throws ZodError for an action that has no place in a record, UNAVAILABLE when others are always faster. */
    async note(action) {
      const known = await redis.hmget(HEAD, "seq", "hash", "at");
      let [seq, hash, at] = known[0] == null ? [0, NO_AUDIT_HEAD, 0] : endSchema.parse(known);
      for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
        const record = auditRecordSchema.parse({
          v: 1,
          seq: seq + 1,
          at: Math.max(now(), at),
          ...action,
          prev: hash,
        });
        const line = canonicalJson(record);
        const answer = await runScript(
          redis,
          APPEND,
          [LOG, HEAD],
          [hash, line, auditHashOf(record), record.seq, record.at, MAX_RECORDS, NO_AUDIT_HEAD],
        );
        if (answer === 1) return;
        [seq, hash, at] = endSchema.parse(answer);
      }
      throw new CodedError("UNAVAILABLE", "The audit log is busy: nothing was done. Try again.");
    },

    head: async () => (await redis.hget(HEAD, "hash")) ?? NO_AUDIT_HEAD,

    async page(cursor = 0, count = 50) {
      const answer = await runScript(redis, PAGE, [LOG, HEAD], [cursor, count]);
      const [head, oldest, ...lines] = pageSchema.parse(answer);
      const items = lines
        .map((line) => auditRecordSchema.parse(JSON.parse(line)))
        .map((record) => ({ ...record, hash: auditHashOf(record) }))
        .reverse();
      const last = items.at(-1);
      return {
        items,
        head: head ?? NO_AUDIT_HEAD,
        ...(last && last.seq > oldest ? { next: last.seq } : {}),
      };
    },
  };
}
