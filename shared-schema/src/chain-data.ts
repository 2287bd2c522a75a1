/**
 * Data on chain: outputs that hold bytes and nobody's money. Owns: `OP_FALSE OP_RETURN` with pushes, and the B protocol's
 * file on top of it (facts of the layout: docs/SPEC.md 8.7). Does not own: what a field means (ledger-link.ts, map-record.ts).
 */
import { concat, fromHex, toHex } from "./bytes.ts";

const FALSE_RETURN = "006a";
export const B_PREFIX = "19HxigV4QyBv3tHpQVcUEQyq1pzZVdoAut";

/** Bytes as they are: no NFC here, because what stands on the chain stands as it is. */
export const textBytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The text, or undefined when the bytes are not UTF-8. A byte order mark is kept: other bytes, other text. */
export function bytesText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Foreign bytes on the chain are nothing unusual.
    return undefined;
  }
}

/** The opcode and length that push `length` bytes, in the shortest form for data. */
function pushHead(length: number): Uint8Array {
  if (length < 0x4c) return Uint8Array.of(length);
  if (length <= 0xff) return Uint8Array.of(0x4c, length);
  if (length <= 0xffff) return Uint8Array.of(0x4d, length & 0xff, length >> 8);
  const head = new Uint8Array(5);
  head[0] = 0x4e;
  new DataView(head.buffer).setUint32(1, length, true);
  return head;
}

/** A push of any bytes, as script bytes. */
export const pushOf = (bytes: Uint8Array): Uint8Array => concat(pushHead(bytes.length), bytes);

/** Bytes a script of these fields has; fees are reckoned with it. */
export const dataScriptSize = (fieldSizes: readonly number[]): number =>
  fieldSizes.reduce((sum, size) => sum + pushHead(size).length + size, 2);

/** The locking script (hex) of a 0-sat output that holds `fields`. */
export const dataScript = (fields: readonly Uint8Array[]): string =>
  FALSE_RETURN + toHex(concat(...fields.map(pushOf)));

/** Length and start of the data of the push at `at`; undefined when there is no whole push. */
function readPush(script: Uint8Array, at: number): { from: number; to: number } | undefined {
  const opcode = script[at] ?? 0xff;
  const width = opcode === 0x4c ? 1 : opcode === 0x4d ? 2 : opcode === 0x4e ? 4 : 0;
  if (opcode > 0x4e || at + 1 + width > script.length) return undefined;
  let length = width === 0 ? opcode : 0;
  for (let i = width; i > 0; i--) length = length * 256 + (script[at + i] ?? 0);
  const from = at + 1 + width;
  return from + length > script.length ? undefined : { from, to: from + length };
}

/** The fields of a data script (hex) in any push form, or undefined when it is none. */
export function readDataScript(scriptHex: string): Uint8Array[] | undefined {
  if (!scriptHex.startsWith(FALSE_RETURN)) return undefined;
  const script = fromHex(scriptHex);
  const fields: Uint8Array[] = [];
  for (let at = 2; at < script.length; ) {
    const push = readPush(script, at);
    if (push === undefined) return undefined;
    fields.push(script.subarray(push.from, push.to));
    at = push.to;
  }
  return fields;
}

/** A file as the B protocol carries it. */
export interface ChainFile {
  data: Uint8Array;
  mime: string;
  /** `binary`, or a charset. */
  encoding: string;
  name?: string;
}

/** Fields of a file: prefix, data, mime, encoding, name. */
export const fileFields = ({ data, mime, encoding, name }: ChainFile): Uint8Array[] => [
  textBytes(B_PREFIX),
  data,
  textBytes(mime),
  textBytes(encoding),
  ...(name === undefined ? [] : [textBytes(name)]),
];

/** The file that these fields are, or undefined. */
export function readFile(fields: readonly Uint8Array[]): ChainFile | undefined {
  const [prefix, data, mime, encoding, name, ...rest] = fields;
  if (prefix === undefined || bytesText(prefix) !== B_PREFIX || data === undefined || rest.length > 0)
    return undefined;
  const texts = [mime, encoding, name].map((field) => (field === undefined ? undefined : bytesText(field)));
  if (texts[0] === undefined) return undefined;
  return {
    data,
    mime: texts[0],
    encoding: texts[1] ?? "binary",
    ...(texts[2] === undefined ? {} : { name: texts[2] }),
  };
}
