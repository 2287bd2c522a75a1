/** The preimage, serialisation and txid equal what an independent implementation makes of the same transaction. */
import { strict as assert } from "node:assert";
import { LockingScript, Transaction, TransactionSignature, UnlockingScript } from "@bsv/sdk";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { sha256Hex } from "@meme-rounds/shared-schema/hash";
import {
  extendedTxBytes,
  type PlainTx,
  preimages,
  rawTxBytes,
  txidOf,
} from "@meme-rounds/shared-schema/sighash";
import fc from "fast-check";

const hex = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max }).map(toHex);
const sats = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
/** The SDK keeps an array as long as the largest vout it reads. */
const vout = fc.integer({ min: 0, max: 300 });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const plainTx: fc.Arbitrary<PlainTx> = fc.record({
  version: fc.constantFrom(1, 2),
  inputs: fc.array(fc.record({ txid: hex(32, 32), vout, sequence: u32, sats, script: hex(0, 300) }), {
    minLength: 1,
    maxLength: 6,
  }),
  outputs: fc.array(fc.record({ sats, script: hex(0, 300) }), { minLength: 1, maxLength: 6 }),
  locktime: u32,
});

function sdkTx(tx: PlainTx, unlocking: string[]): Transaction {
  const made = new Transaction(tx.version, [], [], tx.locktime);
  made.inputs = tx.inputs.map((input, at) => ({
    sourceTXID: input.txid,
    sourceOutputIndex: input.vout,
    sequence: input.sequence,
    unlockingScript: UnlockingScript.fromHex(unlocking[at] ?? ""),
  }));
  made.outputs = tx.outputs.map((output) => ({
    satoshis: output.sats,
    lockingScript: LockingScript.fromHex(output.script),
  }));
  return made;
}

describe("sighash", () => {
  it("M2 the preimage of every input equals the SDK's, scope 0x41", () => {
    fc.assert(
      fc.property(plainTx, (tx) => {
        const other = sdkTx(tx, []);
        const preimageOf = preimages(tx);
        for (const [at, input] of tx.inputs.entries()) {
          const expected = TransactionSignature.format({
            sourceTXID: input.txid,
            sourceOutputIndex: input.vout,
            sourceSatoshis: input.sats,
            transactionVersion: tx.version,
            otherInputs: other.inputs.filter((_, index) => index !== at),
            inputIndex: at,
            outputs: other.outputs,
            inputSequence: input.sequence,
            subscript: LockingScript.fromHex(input.script),
            lockTime: tx.locktime,
            scope: 0x41,
          });
          assert.equal(toHex(preimageOf(at)), toHex(Uint8Array.from(expected)));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("M3 raw bytes, extended bytes and txid equal the SDK's", () => {
    fc.assert(
      fc.property(plainTx, (tx) => {
        const unlocking = tx.inputs.map((input) => `20${sha256Hex(Uint8Array.of(input.vout & 0xff))}`);
        const raw = rawTxBytes(tx, unlocking);
        const other = sdkTx(tx, unlocking);
        assert.equal(toHex(raw), other.toHex());
        assert.equal(txidOf(raw), other.id("hex"));
        const read = Transaction.fromHexEF(toHex(extendedTxBytes(tx, unlocking)));
        assert.equal(read.id("hex"), txidOf(raw));
        assert.deepEqual(
          read.inputs.map((input) => input.sourceTransaction?.outputs[input.sourceOutputIndex]?.satoshis),
          tx.inputs.map((input) => input.sats),
        );
      }),
      { numRuns: 30 },
    );
  });

  it("refuses an input that is not there and a missing unlocking script", () => {
    const tx = { version: 1, inputs: [], outputs: [], locktime: 0 };
    assert.throws(() => preimages(tx)(0), RangeError);
    assert.throws(() => rawTxBytes(tx, ["00"]), RangeError);
  });
});
