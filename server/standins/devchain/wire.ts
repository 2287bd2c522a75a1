/**
 * Transaction bytes of the devchain. Owns: reading raw and extended-format (EF) transactions into plain records and
 * writing the few transactions the devchain makes itself. Does not own: judging them (validate.ts).
 */
import { createHash } from "node:crypto";

interface WireInput {
  txid: string;
  vout: number;
  script: Uint8Array;
  sequence: number;
}

export interface WireOutput {
  /** Satoshis. */
  sats: number;
  script: Uint8Array;
}

export interface WireTx {
  txid: string;
  raw: Uint8Array;
  version: number;
  inputs: WireInput[];
  outputs: WireOutput[];
  lockTime: number;
  /** True when the bytes came with the outputs they spend. */
  extended: boolean;
}

const EF_MARKER = "0000000000ef";
/** All coins there can be, in satoshis. */
export const MAX_MONEY = 21e14;

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
export const hash256 = (bytes: Uint8Array): Buffer => sha256(sha256(bytes));
/** Bytes of a txid or block hash in internal order, from the displayed hex. */
export const fromDisplay = (hex: string): Buffer => Buffer.from(hex, "hex").reverse();
/** The displayed hex of an internal-order hash. */
export const toDisplay = (hash: Uint8Array): string => Buffer.from(hash).reverse().toString("hex");
/** WhatsOnChain's script hash: sha256 of the script, byte-reversed, hex. */
export const scriptHashOf = (script: Uint8Array): string => toDisplay(sha256(script));

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  /** Passes over these bytes (hex) when they come next; false when others do. */
  skip(hex: string): boolean {
    const end = this.#at + hex.length / 2;
    if (this.#bytes.toString("hex", this.#at, end) !== hex) return false;
    this.#at = end;
    return true;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError("the transaction ends early");
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  u32(): number {
    return this.take(4).readUInt32LE(0);
  }

  /** Satoshis; a value no double can hold comes back as Infinity, which no amount check lets pass. */
  sats(): number {
    const value = this.take(8).readBigUInt64LE(0);
    return value > BigInt(MAX_MONEY) ? Number.POSITIVE_INFINITY : Number(value);
  }

  varInt(): number {
    const first = this.take(1).readUInt8(0);
    if (first < 0xfd) return first;
    if (first === 0xfd) return this.take(2).readUInt16LE(0);
    if (first === 0xfe) return this.u32();
    const value = this.take(8).readBigUInt64LE(0);
    if (value > BigInt(this.#bytes.length)) throw new RangeError("a length beyond the transaction's end");
    return Number(value);
  }

  script(): Buffer {
    return this.take(this.varInt());
  }
}

export function varInt(value: number): Buffer {
  if (value < 0xfd) return Buffer.of(value);
  const wide = value > 0xffff;
  const out = Buffer.alloc(wide ? 5 : 3);
  out.writeUInt8(wide ? 0xfe : 0xfd, 0);
  if (wide) out.writeUInt32LE(value, 1);
  else out.writeUInt16LE(value, 1);
  return out;
}

const u32 = (value: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value, 0);
  return out;
};

/** The raw bytes of a transaction. */
export function writeTx(tx: Pick<WireTx, "version" | "inputs" | "outputs" | "lockTime">): Buffer {
  const parts: Uint8Array[] = [u32(tx.version), varInt(tx.inputs.length)];
  for (const input of tx.inputs) {
    parts.push(fromDisplay(input.txid), u32(input.vout));
    parts.push(varInt(input.script.length), input.script, u32(input.sequence));
  }
  parts.push(varInt(tx.outputs.length));
  for (const output of tx.outputs) {
    const sats = Buffer.alloc(8);
    sats.writeBigUInt64LE(BigInt(output.sats), 0);
    parts.push(sats, varInt(output.script.length), output.script);
  }
  parts.push(u32(tx.lockTime));
  return Buffer.concat(parts);
}

function readFields(
  reader: Reader,
): Pick<WireTx, "version" | "inputs" | "outputs" | "lockTime" | "extended"> {
  const version = reader.u32();
  const extended = reader.skip(EF_MARKER);
  const inputs: WireInput[] = [];
  for (let left = reader.varInt(); left > 0; left--) {
    const txid = toDisplay(reader.take(32));
    const vout = reader.u32();
    const script = reader.script();
    const sequence = reader.u32();
    if (extended) {
      reader.take(8);
      reader.script();
    }
    inputs.push({ txid, vout, script, sequence });
  }
  const outputs: WireOutput[] = [];
  for (let left = reader.varInt(); left > 0; left--)
    outputs.push({ sats: reader.sats(), script: reader.script() });
  return { version, inputs, outputs, lockTime: reader.u32(), extended };
}

const bufferOf = (source: Uint8Array): Buffer => Buffer.from(source.buffer, source.byteOffset, source.length);

/**
 * Reads a raw or EF transaction. Throws RangeError when the bytes end early or go on after the end; nothing is
 * believed of what EF says about the outputs spent, the chain looks them up itself.
 */
export function readTx(source: Uint8Array): WireTx {
  const bytes = bufferOf(source);
  const reader = new Reader(bytes);
  const body = readFields(reader);
  if (!reader.done) throw new RangeError("bytes after the transaction's end");
  const overlarge = body.outputs.some((output) => !Number.isFinite(output.sats));
  const raw = body.extended && !overlarge ? writeTx(body) : bytes;
  return { ...body, txid: toDisplay(hash256(raw)), raw };
}

/** The bytes of each of several transactions that follow one another. Throws RangeError when the last ends early. */
export function splitTxs(source: Uint8Array): Uint8Array[] {
  const bytes = bufferOf(source);
  const reader = new Reader(bytes);
  const parts: Uint8Array[] = [];
  while (!reader.done) {
    const from = reader.at;
    readFields(reader);
    parts.push(bytes.subarray(from, reader.at));
  }
  return parts;
}

/** True for an output that can never be spent: OP_RETURN, or OP_FALSE OP_RETURN. */
export const isDataScript = (script: Uint8Array): boolean =>
  script[0] === 0x6a || (script[0] === 0x00 && script[1] === 0x6a);
