/** REST contracts of administration (I4). Owns: schemas both sides import. Does not own: routes or handlers. */
import { z } from "zod";
import { auditRecordSchema } from "./audit-log.ts";
import { hash32 } from "./records.ts";

/** Newest first. */
export const auditAnswer = z.strictObject({
  items: z.array(auditRecordSchema.extend({ hash: hash32 })),
  /** Of the whole log: what the next ledger link will hold. */
  head: hash32,
  /** For the next page; absent on the last one. */
  next: z.string().optional(),
});
