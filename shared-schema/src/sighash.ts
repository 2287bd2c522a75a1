/**
 * Transactions as plain values: the BIP143 preimage that signatures cover, serialisation, txid.
 * Owns: bytes of scope 0x41 (ALL | FORKID), raw and extended format, size of a variable integer.
 * Does not own: signing and unlocking scripts (unlock.ts). The hashes that every input shares are computed once,
 * so that a transaction of 10,000 inputs costs 10,000 times one input, not its square.
 */
import { concat, fromHex, toHex } from "./bytes.ts";
import { hash256 } from "./hash.ts";

export const SIGHASH_ALL_FORKID = 0x41;
export const FINAL_SEQUENCE = 0xffffffff;

export interface TxInput {
  /** Of the coin spent, as people write it (byte-reversed), hex. */
  txid: string;
  vout: number;
  sequence: number;
  /** sat of the coin spent. */
  sats: number;
  /** Locking script of the coin spent, hex. */
  script: string;
}

export interface TxOutput {
  /** sat. */
  sats: number;
  /** Locking script, hex. */
  script: string;
}

/**
 * An unsigned transaction with what it spends. We only ever make version 1: nobody can change its unlocking scripts, but
 * for the choice of branch that opens an escrow.
 */
export interface PlainTx {
  version: number;
  inputs: readonly TxInput[];
  outputs: readonly TxOutput[];
  locktime: number;
}

function u32le(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value, true);
  return out;
}

function u64le(value: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value), true);
  return out;
}

/** Bytes a variable-length integer takes. */
export function varIntSize(value: number): number {
  if (value < 0xfd) return 1;
  return value <= 0xffff ? 3 : 5;
}

function varInt(value: number): Uint8Array {
  if (value < 0xfd) return Uint8Array.of(value);
  if (value <= 0xffff) return Uint8Array.of(0xfd, value & 0xff, value >> 8);
  return concat(Uint8Array.of(0xfe), u32le(value));
}

const withLength = (bytes: Uint8Array): Uint8Array => concat(varInt(bytes.length), bytes);
const outpointBytes = (input: TxInput): Uint8Array =>
  concat(fromHex(input.txid).reverse(), u32le(input.vout));
/** An output as a transaction holds it. */
export const outputBytes = (output: TxOutput): Uint8Array =>
  concat(u64le(output.sats), withLength(fromHex(output.script)));

/** Gives the preimage of any input by its index; the shared hashes are made once, here. */
export function preimages(tx: PlainTx): (index: number) => Uint8Array {
  const prevouts = hash256(concat(...tx.inputs.map(outpointBytes)));
  const sequences = hash256(concat(...tx.inputs.map((input) => u32le(input.sequence))));
  const outputs = hash256(concat(...tx.outputs.map(outputBytes)));
  const before = concat(u32le(tx.version), prevouts, sequences);
  const after = concat(outputs, u32le(tx.locktime), u32le(SIGHASH_ALL_FORKID));
  return (index) => {
    const input = tx.inputs[index];
    if (input === undefined) throw new RangeError(`the transaction has no input ${index}`);
    return concat(
      before,
      outpointBytes(input),
      withLength(fromHex(input.script)),
      u64le(input.sats),
      u32le(input.sequence),
      after,
    );
  };
}

function serialize(tx: PlainTx, unlocking: readonly string[], extended: boolean): Uint8Array {
  if (unlocking.length !== tx.inputs.length) throw new RangeError("one unlocking script per input");
  const inputs = tx.inputs.map((input, index) =>
    concat(
      outpointBytes(input),
      withLength(fromHex(unlocking[index] ?? "")),
      u32le(input.sequence),
      ...(extended ? [outputBytes(input)] : []),
    ),
  );
  return concat(
    u32le(tx.version),
    ...(extended ? [fromHex("0000000000ef")] : []),
    varInt(tx.inputs.length),
    ...inputs,
    varInt(tx.outputs.length),
    ...tx.outputs.map(outputBytes),
    u32le(tx.locktime),
  );
}

/** The raw transaction. `unlocking` holds one script (hex) per input. */
export const rawTxBytes = (tx: PlainTx, unlocking: readonly string[]): Uint8Array =>
  serialize(tx, unlocking, false);

/** The extended format: raw, with every spent output beside its input, so that a node need not look it up. */
export const extendedTxBytes = (tx: PlainTx, unlocking: readonly string[]): Uint8Array =>
  serialize(tx, unlocking, true);

/** txid of raw transaction bytes, as people write it. */
export const txidOf = (raw: Uint8Array): string => toHex(hash256(raw).reverse());
