/**
 * The columns of a journal file (M6): values of one sort side by side, so that they pack well. Owns: numbers, texts,
 * references, and that every value has exactly one form. Does not own: which values a record has (mrj1.ts).
 *
 * One description serves both directions: `ColumnIo` takes the value when writing and gives it when reading.
 */
import { concat, fromHex, toHex, utf8 } from "./bytes.ts";
import { bytesText } from "./chain-data.ts";

/** A file that is not what the format says. */
export class FileMalformed extends Error {
  constructor(reason: string) {
    super(`this is no journal file: ${reason}`);
    this.name = "FileMalformed";
  }
}

/** In the order they stand in the file. */
export const COLUMNS = [
  "kinds",
  "times",
  "keys",
  "keyRefs",
  "identities",
  "identityRefs",
  "memes",
  "memeRefs",
  "amounts",
  "coins",
  "numbers",
  "texts",
  "hashes",
  "sigs",
] as const;
export type Column = (typeof COLUMNS)[number];

/** Values that come again are written once, in a column of their own, and named by number. */
const DICTIONARIES = { keys: "keyRefs", memes: "memeRefs" } as const;

/** Reads or writes the next value of a column. When reading, what is passed is ignored. */
export interface ColumnIo {
  readonly writing: boolean;
  /** A whole number, 0 to 2^53 - 1. */
  number(column: Column, value: number | undefined): number;
  /** Exactly `size` bytes, hex. */
  hex(column: Column, size: number, value: string | undefined): string;
  /** Any text, in NFC. */
  text(column: Column, value: string | undefined): string;
  /** A play key or memeId: written in full where it first stands. */
  ref(dictionary: keyof typeof DICTIONARIES, size: number, value: string | undefined): string;
  /** An identity string, the same way. */
  identity(value: string | undefined): string;
  list<T>(values: readonly T[] | undefined, each: (value: T | undefined) => T): T[];
}

const missing = (what: string): never => {
  throw new RangeError(`${what} has no place in a journal file`);
};

abstract class Dictionary implements ColumnIo {
  abstract readonly writing: boolean;
  private readonly known: Record<string, { byValue: Map<string, number>; values: string[] }> = {};

  abstract number(column: Column, value: number | undefined): number;
  abstract hex(column: Column, size: number, value: string | undefined): string;
  abstract text(column: Column, value: string | undefined): string;

  ref(dictionary: keyof typeof DICTIONARIES, size: number, value: string | undefined): string {
    return this.refer(dictionary, DICTIONARIES[dictionary], value, (one) => this.hex(dictionary, size, one));
  }

  identity(value: string | undefined): string {
    return this.refer("identities", "identityRefs", value, (one) => this.text("identities", one));
  }

  list<T>(values: readonly T[] | undefined, each: (value: T | undefined) => T): T[] {
    const length = this.number("numbers", values?.length);
    // Not `new Array(length)`: a file may lie about the length, and then the next value is missing.
    const out: T[] = [];
    for (let at = 0; at < length; at++) out.push(each(values?.[at]));
    return out;
  }

  private refer(name: string, refs: Column, value: string | undefined, full: (v?: string) => string): string {
    this.known[name] ??= { byValue: new Map(), values: [] };
    const { byValue, values } = this.known[name];
    const next = values.length;
    const at = this.number(refs, value === undefined ? undefined : (byValue.get(value) ?? next));
    if (at > next) throw new FileMalformed(`${name} ${at} is not there`);
    if (at < next) return values[at] ?? missing(name);
    const added = full(value);
    if (byValue.has(added)) throw new FileMalformed(`${name} holds the same value twice`);
    byValue.set(added, next);
    values.push(added);
    return added;
  }
}

class Bytes {
  private bytes = new Uint8Array(64);
  private used = 0;

  add(more: Uint8Array): void {
    this.grow(more.length);
    this.bytes.set(more, this.used);
    this.used += more.length;
  }

  /** 7 bits a byte, low ones first. */
  addNumber(value: number): void {
    this.grow(8);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.bytes[this.used++] = (rest % 0x80) | 0x80;
    this.bytes[this.used++] = rest;
  }

  whole(): Uint8Array {
    return this.bytes.subarray(0, this.used);
  }

  private grow(by: number): void {
    if (this.used + by <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.used + by));
    larger.set(this.whole());
    this.bytes = larger;
  }
}

/** Writes columns; a value that has no form throws a RangeError. */
export class ColumnWriter extends Dictionary {
  readonly writing = true;
  private readonly columns = new Map<Column, Bytes>(COLUMNS.map((name) => [name, new Bytes()]));

  number(column: Column, value: number | undefined): number {
    if (value === undefined || !Number.isSafeInteger(value) || value < 0) return missing(`number ${value}`);
    this.column(column).addNumber(value);
    return value;
  }

  hex(column: Column, size: number, value: string | undefined): string {
    if (value === undefined || value.length !== 2 * size || !/^[0-9a-f]*$/.test(value))
      return missing(`"${value}"`);
    this.column(column).add(fromHex(value));
    return value;
  }

  text(column: Column, value: string | undefined): string {
    if (value === undefined) return missing("no text");
    const bytes = utf8(value);
    this.column(column).addNumber(bytes.length);
    this.column(column).add(bytes);
    return value;
  }

  /** All columns, each behind its length. */
  finish(): Uint8Array {
    const parts = COLUMNS.flatMap((name) => {
      const bytes = this.column(name).whole();
      const length = new Bytes();
      length.addNumber(bytes.length);
      return [length.whole(), bytes];
    });
    return concat(...parts);
  }

  private column(name: Column): Bytes {
    return this.columns.get(name) ?? missing(name);
  }
}

interface Cursor {
  bytes: Uint8Array;
  at: number;
}

/** Reads columns; whatever a writer would not have written throws FileMalformed. */
export class ColumnReader extends Dictionary {
  readonly writing = false;
  private readonly columns = new Map<Column, Cursor>();

  constructor(file: Uint8Array) {
    super();
    const whole: Cursor = { bytes: file, at: 0 };
    for (const name of COLUMNS) {
      const length = readNumber(whole, "a length");
      this.columns.set(name, { bytes: take(whole, length, name), at: 0 });
    }
    if (whole.at !== file.length) throw new FileMalformed("bytes behind the last column");
  }

  number(column: Column): number {
    return readNumber(this.column(column), column);
  }

  hex(column: Column, size: number): string {
    return toHex(take(this.column(column), size, column));
  }

  text(column: Column): string {
    const cursor = this.column(column);
    const bytes = take(cursor, readNumber(cursor, column), column);
    const value = bytesText(bytes);
    if (value === undefined || value !== value.normalize("NFC"))
      throw new FileMalformed(`a text in ${column} is not UTF-8 in NFC`);
    return value;
  }

  /** True while the column holds more. */
  more(column: Column): boolean {
    const { bytes, at } = this.column(column);
    return at < bytes.length;
  }

  /** Throws when a column holds more than was asked for. */
  finish(): void {
    for (const [name, { bytes, at }] of this.columns)
      if (at !== bytes.length) throw new FileMalformed(`${bytes.length - at} bytes too many in ${name}`);
  }

  private column(name: Column): Cursor {
    return this.columns.get(name) ?? missing(name);
  }
}

function take(cursor: Cursor, length: number, what: string): Uint8Array {
  const end = cursor.at + length;
  if (end > cursor.bytes.length) throw new FileMalformed(`${what} ends too early`);
  const part = cursor.bytes.subarray(cursor.at, end);
  cursor.at = end;
  return part;
}

function readNumber(cursor: Cursor, what: string): number {
  let value = 0;
  for (let weight = 1; ; weight *= 0x80) {
    const byte = cursor.bytes[cursor.at++];
    if (byte === undefined) throw new FileMalformed(`${what} ends too early`);
    value += (byte & 0x7f) * weight;
    if (!Number.isSafeInteger(value)) throw new FileMalformed(`a number in ${what} is too large`);
    if (byte >= 0x80) continue;
    if (byte === 0 && weight > 1) throw new FileMalformed(`a number in ${what} is longer than it need be`);
    return value;
  }
}
