/** The journal as a transaction carries it (M6, M10). Owns: finding and unpacking it, the deposits it counts. */

import { FileMalformed } from "./mrj1-columns.ts";
import { readJournalScript, unpackJournal } from "./mrj1-file.ts";
import { outpointOf } from "./payout.ts";
import type { Entry } from "./records.ts";
import type { RawTransaction } from "./tx-read.ts";
import type { RoundEvidence } from "./verify-round-parts.ts";

/** Outpoints of the deposits a journal counts. */
export function depositsIn(entries: readonly Entry[]): string[] {
  const dropped = new Set(
    entries.flatMap(({ record }) => (record.kind === "freeze" ? record.body.dropped : [])),
  );
  return entries
    .flatMap(({ record }) => (record.kind === "deposit" ? [outpointOf(record.body)] : []))
    .filter((outpoint) => !dropped.has(outpoint));
}

/** The journal in a transaction's outputs. */
export async function journalIn(tx: RawTransaction): Promise<NonNullable<RoundEvidence["journal"]>> {
  const found = tx.outputs.map(({ script }) => readJournalScript(script)).find((one) => one !== undefined);
  if (found === undefined) return { problem: "the transaction holds no journal" };
  try {
    return { entries: await unpackJournal(found.file) };
  } catch (error) {
    if (error instanceof FileMalformed || error instanceof RangeError) return { problem: error.message };
    throw error;
  }
}
