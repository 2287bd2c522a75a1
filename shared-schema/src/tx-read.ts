/**
 * Reading a raw transaction's bytes, in the browser as well. Owns: the plain form, within bounds: every length is checked
 * against the bytes that are there. Does not own: extended forms and BEEF (the server's), building (sighash.ts).
 */
import { fromHex, toHex } from "./bytes.ts";
import { txidOf } from "./sighash.ts";

export interface RawInput {
  txid: string;
  vout: number;
  sequence: number;
  /** Unlocking script, hex. */
  unlocking: string;
}

export interface RawOutput {
  /** sat. */
  sats: number;
  /** Locking script, hex. */
  script: string;
}

export interface RawTransaction {
  txid: string;
  version: number;
  inputs: RawInput[];
  outputs: RawOutput[];
  locktime: number;
}

const MAX_MONEY = 21e14;

class Cursor {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  private step(length: number): number {
    if (length > this.bytes.length - this.at) throw new RangeError("the bytes end early");
    this.at += length;
    return this.at - length;
  }

  u32(): number {
    return this.view.getUint32(this.step(4), true);
  }

  hex(length: number): string {
    const from = this.step(length);
    return toHex(this.bytes.subarray(from, from + length));
  }

  hash(): string {
    const from = this.step(32);
    return toHex(this.bytes.slice(from, from + 32).reverse());
  }

  u64(): number {
    const value = this.view.getBigUint64(this.step(8), true);
    if (value > BigInt(MAX_MONEY)) throw new RangeError("more than there can be");
    return Number(value);
  }

  varInt(): number {
    const first = this.view.getUint8(this.step(1));
    if (first < 0xfd) return first;
    if (first === 0xfd) return this.view.getUint16(this.step(2), true);
    return first === 0xfe ? this.u32() : this.u64();
  }
}

/** The transaction in raw hex; undefined when it is none, or has trailing bytes. */
export function readRawTx(rawHex: string): RawTransaction | undefined {
  if (!/^(?:[0-9a-f]{2})+$/.test(rawHex)) return undefined;
  const bytes = fromHex(rawHex);
  const cursor = new Cursor(bytes);
  try {
    const version = cursor.u32();
    const inputs: RawInput[] = [];
    for (let left = cursor.varInt(); left > 0; left--) {
      const txid = cursor.hash();
      const vout = cursor.u32();
      const unlocking = cursor.hex(cursor.varInt());
      inputs.push({ txid, vout, unlocking, sequence: cursor.u32() });
    }
    const outputs: RawOutput[] = [];
    for (let left = cursor.varInt(); left > 0; left--)
      outputs.push({ sats: cursor.u64(), script: cursor.hex(cursor.varInt()) });
    const locktime = cursor.u32();
    if (cursor.at !== bytes.length) return undefined;
    return { txid: txidOf(bytes), version, inputs, outputs, locktime };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * The pushes of an unlocking script (hex), bottom first; a small number as its one byte, OP_0 as "". undefined where
 * something else than a push stands.
 */
export function pushesOf(script: string): string[] | undefined {
  const pushes: string[] = [];
  for (let at = 0; at < script.length; ) {
    const opcode = Number.parseInt(script.slice(at, at + 2), 16);
    at += 2;
    if (opcode >= 0x51 && opcode <= 0x60) {
      pushes.push((opcode - 0x50).toString(16).padStart(2, "0"));
      continue;
    }
    const width = opcode === 0x4c ? 1 : opcode === 0x4d ? 2 : opcode === 0x4e ? 4 : 0;
    if (opcode > 0x4e) return undefined;
    let length = width === 0 ? opcode : 0;
    for (let i = width - 1; i >= 0; i--)
      length = length * 256 + Number.parseInt(script.slice(at + 2 * i, at + 2 * i + 2), 16);
    at += 2 * width;
    const end = at + 2 * length;
    if (!(end <= script.length)) return undefined;
    pushes.push(script.slice(at, end));
    at = end;
  }
  return pushes;
}
