/**
 * What a signature with scope 0x41 signs, for every input of one transaction. Owns: the digest, its shared hashes made
 * once, so that 500 inputs cost 500 times one and not its square. Does not own: other scopes (the SDK knows them). The
 * devchain has its own, so that a mistake in the game's preimages cannot agree with itself here.
 */
import { createHash } from "node:crypto";
import { fromDisplay, hash256, varInt, type WireTx } from "./wire.ts";

const SCOPE = 0x41;

const u32 = (value: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value, 0);
  return out;
};
const u64 = (value: number): Buffer => {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(value), 0);
  return out;
};

/** Gives the first sha256 of an input's preimage; the digest is the sha256 of that. */
export function createDigests(tx: WireTx): (index: number, sats: number, code: Uint8Array) => Buffer {
  const outpoint = ({ txid, vout }: WireTx["inputs"][number]) =>
    Buffer.concat([fromDisplay(txid), u32(vout)]);
  const outpoints = tx.inputs.map(outpoint);
  const prevouts = hash256(Buffer.concat(outpoints));
  const sequences = hash256(Buffer.concat(tx.inputs.map(({ sequence }) => u32(sequence))));
  const outputs = hash256(
    Buffer.concat(
      tx.outputs.flatMap(({ sats, script }) => [u64(sats), varInt(script.length), Buffer.from(script)]),
    ),
  );
  const before = Buffer.concat([u32(tx.version), prevouts, sequences]);
  const after = Buffer.concat([outputs, u32(tx.lockTime), u32(SCOPE)]);
  return (index, sats, code) =>
    createHash("sha256")
      .update(before)
      .update(outpoints[index] ?? "")
      .update(varInt(code.length))
      .update(code)
      .update(u64(sats))
      .update(u32(tx.inputs[index]?.sequence ?? 0))
      .update(after)
      .digest();
}
