/**
 * The journal file as it stands on chain (M6): gzip with its own checksum in the header, and the B protocol's output
 * around it. Owns: packing, unpacking within a bound, the output. Does not own: the columns (mrj1.ts).
 */
import { concat } from "./bytes.ts";
import { type ChainFile, dataScript, fileFields, readDataScript, readFile } from "./chain-data.ts";
import { sha256 } from "./hash.ts";
import { decodeJournal, encodeJournal } from "./mrj1.ts";
import { FileMalformed } from "./mrj1-columns.ts";
import type { Entry } from "./records.ts";

const JOURNAL_MIME = "application/x-meme-rounds-journal";
/** Bytes, unpacked: some 20 times a round of 600,000 vouchers. */
const MAX_UNPACKED = 128 * 1024 * 1024;
/** Plain header of gzip: magic, deflate, no flags. */
const GZIP_HEADER = 10;
/** Deflate with an extra field, no time, unknown system: then the field `MR`, 32 bytes. Every gunzip reads over it. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 36, 0, 0x4d, 0x52, 32, 0);
const SUM_BYTES = 32;

async function throughStream(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
  limit: number,
): Promise<Uint8Array> {
  const writer = stream.writable.getWriter();
  // A reader that stops early makes the writer fail; the reader's error is the one that counts.
  const writing = writer
    .write(Uint8Array.from(bytes))
    .then(() => writer.close())
    .catch(() => undefined);
  const reader = stream.readable.getReader();
  const parts: Uint8Array[] = [];
  for (let total = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    total += value.length;
    if (total > limit) {
      await reader.cancel();
      await writing;
      throw new FileMalformed(`it holds more than ${limit} bytes`);
    }
    parts.push(value);
  }
  await writing;
  return concat(...parts);
}

/** gzip whose header holds the sha256 of what follows: so that no bit of the file can change unseen. */
async function pack(bytes: Uint8Array): Promise<Uint8Array> {
  const zipped = await throughStream(bytes, new CompressionStream("gzip"), Number.POSITIVE_INFINITY);
  const body = zipped.subarray(GZIP_HEADER);
  return concat(HEADER, sha256(body), body);
}

async function unpack(file: Uint8Array, limit: number): Promise<Uint8Array> {
  if (HEADER.some((byte, at) => file[at] !== byte)) throw new FileMalformed("it does not begin as one");
  const sum = file.subarray(HEADER.length, HEADER.length + SUM_BYTES);
  const body = file.subarray(HEADER.length + SUM_BYTES);
  const is = sha256(body);
  if (sum.length !== SUM_BYTES || sum.some((byte, at) => byte !== is[at]))
    throw new FileMalformed("its checksum is of other bytes");
  try {
    return await throughStream(file, new DecompressionStream("gzip"), limit);
  } catch (error) {
    if (error instanceof FileMalformed) throw error;
    throw new FileMalformed("it cannot be unpacked");
  }
}

/** The file of a whole journal. Throws a RangeError when the journal has no such form; see encodeJournal. */
export const packJournal = (entries: readonly Entry[]): Promise<Uint8Array> => pack(encodeJournal(entries));

/** The journal in a file; unpacks `limit` bytes at most. Throws FileMalformed. */
export const unpackJournal = async (file: Uint8Array, limit = MAX_UNPACKED): Promise<Entry[]> =>
  decodeJournal(await unpack(file, limit));

/** The output (hex) that holds a round's file. */
export const journalScript = (roundId: string, file: Uint8Array): string =>
  dataScript(
    fileFields({
      data: file,
      mime: JOURNAL_MIME,
      encoding: "binary",
      name: `${roundId}.mrj1`,
    } satisfies ChainFile),
  );

/** The file and its round in an output (hex), or undefined when it holds none. */
export function readJournalScript(scriptHex: string): { roundId: string; file: Uint8Array } | undefined {
  const found = readFile(readDataScript(scriptHex) ?? []);
  if (found?.mime !== JOURNAL_MIME || found.name?.endsWith(".mrj1") !== true) return undefined;
  return { roundId: found.name.slice(0, -".mrj1".length), file: found.data };
}
