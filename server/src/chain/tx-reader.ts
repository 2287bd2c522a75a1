/**
 * Reading a transaction's bytes within bounds. Owns: the cursor over bytes, the plain and the extended form. Does not
 * own: BEEF (beef.ts), or judging anything. Every length is checked against the bytes that are there, so a forged one
 * costs nothing; the SDK's readers allocate what they are told.
 */
import { txidOf } from "@meme-rounds/shared-schema/sighash";

export interface ReadInput {
  txid: string;
  vout: number;
  sequence: number;
  /** Unlocking script, hex. */
  unlocking: string;
}

export interface ReadOutput {
  /** sat. */
  sats: number;
  /** Locking script, hex. */
  script: string;
}

export interface ReadTransaction {
  txid: string;
  /** The plain form, whatever it came in. */
  rawHex: string;
  version: number;
  inputs: ReadInput[];
  outputs: ReadOutput[];
  locktime: number;
}

const MAX_MONEY = 21e14;
const EF_MARKER = "0000000000ef";

/** A cursor that throws a RangeError when the bytes end early. */
export class Reader {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  take(length: number): Buffer {
    if (length > this.bytes.length - this.at) throw new RangeError("the bytes end early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  u8(): number {
    return this.take(1).readUInt8(0);
  }

  u32(): number {
    return this.take(4).readUInt32LE(0);
  }

  varInt(): number {
    const first = this.u8();
    if (first < 0xfd) return first;
    if (first === 0xfd) return this.take(2).readUInt16LE(0);
    if (first === 0xfe) return this.u32();
    const value = this.take(8).readBigUInt64LE(0);
    if (value > BigInt(this.bytes.length)) throw new RangeError("a length beyond the end");
    return Number(value);
  }

  /** A number that is no length: a leaf's place in a block. */
  varInt64(): number {
    const first = this.u8();
    if (first < 0xfd) return first;
    if (first === 0xfd) return this.take(2).readUInt16LE(0);
    if (first === 0xfe) return this.u32();
    const value = this.take(8).readBigUInt64LE(0);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError("a number beyond 2^53");
    return Number(value);
  }

  hash(): string {
    return Buffer.from(this.take(32)).reverse().toString("hex");
  }

  script(): string {
    return this.take(this.varInt()).toString("hex");
  }

  output(): ReadOutput {
    const value = this.take(8).readBigUInt64LE(0);
    if (value > BigInt(MAX_MONEY)) throw new RangeError("more money than there is");
    return { sats: Number(value), script: this.script() };
  }

  startsWith(hex: string): boolean {
    return this.bytes.toString("hex", this.at, this.at + hex.length / 2) === hex;
  }
}

/** One transaction in raw or extended form, from the cursor on. Throws a RangeError. */
export function readOne(reader: Reader): ReadTransaction {
  const plain: Buffer[] = [];
  let mark = reader.at;
  const keep = (): void => {
    plain.push(reader.bytes.subarray(mark, reader.at));
  };
  const version = reader.u32();
  keep();
  const extended = reader.startsWith(EF_MARKER);
  if (extended) reader.take(EF_MARKER.length / 2);
  mark = reader.at;
  const inputs: ReadInput[] = [];
  const count = reader.varInt();
  keep();
  for (let left = count; left > 0; left--) {
    mark = reader.at;
    const [txid, vout, unlocking, sequence] = [reader.hash(), reader.u32(), reader.script(), reader.u32()];
    inputs.push({ txid, vout, unlocking, sequence });
    keep();
    if (extended) reader.output(); // what it claims to spend is looked up, never believed
  }
  mark = reader.at;
  const outputs: ReadOutput[] = [];
  for (let left = reader.varInt(); left > 0; left--) outputs.push(reader.output());
  const locktime = reader.u32();
  keep();
  const raw = Buffer.concat(plain);
  return { txid: txidOf(raw), rawHex: raw.toString("hex"), version, inputs, outputs, locktime };
}
