/**
 * The file the wallet's backup button saves (docs/BACKUP.md). Owns: reading it, sealed or from before there were sealed
 * ones, and a sentence for every way it can be wrong. Does not own: the sealed format (shared schema).
 */
import { readFile } from "node:fs/promises";
import { BACKUP_FORMAT, openBackup } from "@meme-rounds/shared-schema/backup-file";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { hash32, type Network, networkSchema, playKeySchema } from "@meme-rounds/shared-schema/records";
import type { KeptDeposit } from "@meme-rounds/shared-schema/refund";
import { fromWif, isWifOf } from "@meme-rounds/shared-schema/wif";
import { z } from "zod";
import { ToolError } from "./tool.ts";

export interface Backup {
  network: Network;
  secret: Uint8Array;
  playKey: string;
  deposits: KeptDeposit[];
}

const MAX_BYTES = 50_000_000;

const depositSchema = z.looseObject({
  roundId: z.string().min(1).max(64),
  txid: hash32,
  tx: z.string().regex(/^(?:[0-9a-f]{2})+$/),
  escrow: z.looseObject({
    entryId: z.string().regex(/^[0-9a-f]{32}$/),
    operatorKey: playKeySchema,
    auditorKey: playKeySchema,
    playKey: playKeySchema,
    deadline: z.number().int(),
  }),
});
/** The plain file, version 1; what is inside a sealed one, version 2, looks the same. */
const backupSchema = z.looseObject({
  network: networkSchema,
  wif: z.string(),
  deposits: z.array(depositSchema),
});

async function textOf(path: string): Promise<string> {
  try {
    const text = await readFile(path, "utf8");
    if (text.length > MAX_BYTES) throw new ToolError(`${path} is far too large to be a backup.`);
    return text;
  } catch (error) {
    if (error instanceof ToolError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    if (code === "ENOENT") throw new ToolError(`There is no file ${path}.`);
    if (code === "EISDIR") throw new ToolError(`${path} is a folder. Name the backup file in it.`);
    throw new ToolError(`${path} cannot be read (${code}).`);
  }
}

function jsonOf(path: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    throw new ToolError(`${path} is not JSON. The wallet's "Download backup" makes the right file.`);
  }
  throw new ToolError(`${path} is JSON, but not a backup of this game.`);
}

/** A passphrase out of the environment or from whoever sits there; undefined when there is neither. */
export type AskPassphrase = () => Promise<string | undefined>;

async function unsealed(path: string, file: object, ask: AskPassphrase): Promise<object> {
  const passphrase = await ask();
  if (passphrase === undefined || passphrase === "")
    throw new ToolError(
      `${path} is sealed with a passphrase. Set BACKUP_PASSPHRASE to it, or run this in a terminal and type it.`,
    );
  const opened = await openBackup(file, passphrase, crypto);
  if (opened.ok) return { ...opened.content, network: opened.network };
  if (opened.why === "version")
    throw new ToolError(`${path} was made by a newer wallet than this program. Update the program.`);
  throw new ToolError(
    opened.why === "passphrase"
      ? `This is not the passphrase of ${path}.`
      : `${path} is damaged or not complete. Take another copy of it.`,
  );
}

/** Throws ToolError, with what is wrong and what to do. */
export async function readBackup(path: string, ask: AskPassphrase): Promise<Backup> {
  const value = jsonOf(path, await textOf(path));
  if (value.format !== BACKUP_FORMAT)
    throw new ToolError(
      `${path} is JSON, but not a backup of this game (its "format" is not "${BACKUP_FORMAT}").`,
    );
  const content = value.version === 1 ? value : await unsealed(path, value, ask);
  const parsed = backupSchema.safeParse(content);
  if (!parsed.success) {
    const { path: where = [], message = "" } = parsed.error.issues[0] ?? {};
    throw new ToolError(`${path} is damaged: ${where.join(".")}: ${message}.`);
  }
  const { network, wif, deposits } = parsed.data;
  const secret = fromWif(wif);
  if (secret === undefined) throw new ToolError(`${path} is damaged: "wif" is not a private key.`);
  if (!isWifOf(wif, network))
    throw new ToolError(`${path} says network ${network}, but its key is of another network.`);
  const playKey = publicKeyOf(secret);
  const foreign = deposits.find(({ escrow }) => escrow.playKey !== playKey);
  if (foreign !== undefined)
    throw new ToolError(
      `${path}: the deposit ${foreign.txid} belongs to another key than the one in the file.`,
    );
  return { network, secret, playKey, deposits };
}
