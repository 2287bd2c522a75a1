/**
 * Which records the game puts on chain (M6): keys, profiles, memes, models and their files, takedowns. Owns: their
 * fields, as texts and as values. Does not own: the bytes around them (map-record.ts) or when one is published.
 */
import { z } from "zod";
import { sha256Hex } from "./hash.ts";
import { type MapValues, readRecord, recordScript } from "./map-record.ts";
import { hash32, identitySchema, type Network, networkSchema, playKeySchema } from "./records.ts";

/** A whole number in its one form; MAP knows texts only. */
const number = z
  .string()
  .regex(/^(0|[1-9]\d{0,15})$/)
  .transform(Number)
  .pipe(z.number().int());
const roundId = z.string().min(1).max(64);

const kinds = {
  /** The keys in use from `at` on, so that a rebuild knows whom to believe. */
  keys: z.strictObject({
    network: networkSchema,
    operatorKey: playKeySchema,
    auditorKey: playKeySchema,
    auditorHeadKey: hash32,
    receiptKey: hash32,
  }),
  /** `avatar` is the sha256 of a picture. The newest by `at` counts; an empty name takes one away. */
  profile: z.strictObject({
    playKey: playKeySchema,
    identity: identitySchema,
    name: z.string().max(64),
    avatar: hash32.optional(),
  }),
  /** The picture is the record's file. `creator` is absent where it stays unnamed (R6). */
  meme: z.strictObject({
    memeId: hash32,
    roundId,
    title: z.string().max(200),
    mime: z.string().max(64),
    creator: playKeySchema.optional(),
  }),
  /** A published model: sha256 of its three files. */
  model: z.strictObject({
    memeId: hash32,
    roundId,
    provider: z.enum(["aitubo", "local"]),
    glb: hash32,
    poster: hash32,
    turntable: hash32,
  }),
  /** Bytes that a model names, as the record's file. */
  media: z.strictObject({ memeId: hash32, roundId, role: z.enum(["glb", "poster", "turntable"]) }),
  /** C6: a meme that is not shown any more, nor its models: a rebuild must not bring it back. */
  takedown: z.strictObject({ memeId: hash32 }),
} as const;
export type RecordType = keyof typeof kinds;
const withFile: ReadonlySet<RecordType> = new Set(["meme", "media"]);

type Fields<T extends RecordType> = z.infer<(typeof kinds)[T]>;
/** A record of one type. `at` in ms: of two about the same thing the later one counts. */
export type ChainRecord = {
  [T in RecordType]: { type: T; at: number; fields: Fields<T> } & (T extends "meme" | "media"
    ? { file: { data: Uint8Array; mime: string } }
    : unknown);
}[RecordType];

const headSchema = z.object({
  type: z.enum(Object.keys(kinds) as [RecordType, ...RecordType[]]),
  at: number,
});

/**
 * The output (hex) of a record, signed by `by.secret`. Throws a ZodError on fields that are not as they must be, a
 * RangeError when a meme's file is not the one its id names.
 */
export function chainRecordScript(record: ChainRecord, by: { secret: Uint8Array; network: Network }): string {
  const { type, at } = record;
  const fields: MapValues = kinds[type].parse(record.fields);
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  const values = { type, at: String(at), ...Object.fromEntries(present) };
  if (!("file" in record)) return recordScript({ values }, by);
  const { data, mime } = record.file;
  const hash = sha256Hex(data);
  if (record.type === "meme" && hash !== record.fields.memeId)
    throw new RangeError("the picture is not the one that memeId names");
  const file = { data, mime, encoding: "binary", name: hash };
  return recordScript({ file, values }, by);
}

/** Reads an output (hex): a record of ours and who signed it, or undefined. */
export function readChainRecord(
  scriptHex: string,
  network: Network,
): { record: ChainRecord; signer: string } | undefined {
  const read = readRecord(scriptHex, network);
  if (read === undefined) return undefined;
  const head = headSchema.safeParse(read.values);
  if (!head.success) return undefined;
  const { type, at } = head.data;
  const { type: _type, at: _at, ...rest } = read.values;
  const fields = kinds[type].safeParse(rest);
  if (!fields.success || withFile.has(type) !== (read.file !== undefined)) return undefined;
  const { file } = read;
  const hash = file === undefined ? undefined : sha256Hex(file.data);
  if (type === "meme" && rest.memeId !== hash) return undefined;
  const record = {
    type,
    at,
    fields: fields.data,
    ...(file === undefined ? {} : { file: { data: file.data, mime: file.mime } }),
  } as ChainRecord;
  return { record, signer: read.signer };
}
