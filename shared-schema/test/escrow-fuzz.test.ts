/**
 * M2 under attack: random mutations of the refund's preimage. One that the interpreter accepts and must not is a failed
 * build. FUZZ_SEED repeats a run; the title names the seed it ran with.
 */
import { strict as assert } from "node:assert";
import { concat, toHex } from "@meme-rounds/shared-schema/bytes";
import { FINAL_SEQUENCE, preimages } from "@meme-rounds/shared-schema/sighash";
import fc from "fast-check";
import {
  ALLOWED,
  DEADLINE,
  FORBIDDEN,
  fuzz,
  opens,
  playerSignature,
  readable,
  refundWith,
  SCRIPT,
  SEED,
  TXS,
} from "./support/attacks.ts";

const FIELDS = {
  version: 4,
  prevouts: 32,
  sequences: 32,
  outpoint: 36,
  code: 1 + SCRIPT.length / 2,
  sats: 8,
  sequence: 4,
  outputs: 32,
  locktime: 4,
  scope: 4,
} as const;
const NAMES = Object.keys(FIELDS) as (keyof typeof FIELDS)[];

function fieldsOf(preimage: Uint8Array): Uint8Array[] {
  let from = 0;
  return NAMES.map((name) => {
    const part = preimage.slice(from, from + FIELDS[name]);
    from += FIELDS[name];
    return part;
  });
}

const u32 = (value: number): Uint8Array => {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value, true);
  return out;
};

type Mutation = (preimage: Uint8Array) => Uint8Array;

const field = fc.nat({ max: NAMES.length - 1 });
const edit =
  (name: keyof typeof FIELDS, value: Uint8Array): Mutation =>
  (preimage) =>
    concat(...fieldsOf(preimage).map((part, at) => (NAMES[at] === name ? value : part)));

const flip = fc.tuple(field, fc.nat(), fc.nat({ max: 7 })).map(
  ([at, where, bit]): Mutation =>
    (preimage) => {
      const parts = fieldsOf(preimage);
      const part = parts[at] ?? new Uint8Array(1);
      const index = where % part.length;
      part[index] = (part[index] ?? 0) ^ (1 << bit);
      return concat(...parts);
    },
);
const cut = fc.tuple(fc.integer({ min: 1, max: 400 }), fc.boolean()).map(
  ([count, front]): Mutation =>
    (preimage) =>
      front ? preimage.slice(count) : preimage.slice(0, Math.max(0, preimage.length - count)),
);
const extend = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.boolean()).map(
  ([bytes, front]): Mutation =>
    (preimage) =>
      front ? concat(bytes, preimage) : concat(preimage, bytes),
);
const swap = fc.tuple(field, field).map(
  ([a, b]): Mutation =>
    (preimage) => {
      const parts = fieldsOf(preimage);
      return concat(...parts.map((part, at) => (at === a ? parts[b] : at === b ? parts[a] : part) ?? part));
    },
);
const scope = fc
  .oneof(fc.constantFrom(0x43, 0x61, 0xc1, 0x42, 0x01, 0x00), fc.nat({ max: 0xff }))
  .map((byte) => edit("scope", u32(byte)));
const laterLocktime = fc
  .integer({ min: DEADLINE, max: 0xffffffff })
  .map((locktime) => edit("locktime", u32(locktime)));
const openSequence = fc
  .integer({ min: 0, max: FINAL_SEQUENCE - 1 })
  .map((sequence) => edit("sequence", u32(sequence)));
const both = fc.tuple(laterLocktime, openSequence).map(
  ([first, second]): Mutation =>
    (preimage) =>
      second(first(preimage)),
);
/** A true preimage of the same key, of another transaction or of this one's other input. */
const another = fc.tuple(fc.nat({ max: TXS.length - 1 }), fc.nat({ max: 1 })).map(
  ([at, input]): Mutation =>
    () =>
      preimages(TXS[at] ?? ALLOWED)(input),
);

const mutation = fc.oneof(
  { weight: 4, arbitrary: flip },
  { weight: 2, arbitrary: cut },
  { weight: 2, arbitrary: extend },
  { weight: 2, arbitrary: swap },
  { weight: 2, arbitrary: scope },
  { weight: 2, arbitrary: laterLocktime },
  { weight: 1, arbitrary: openSequence },
  { weight: 2, arbitrary: both },
  { weight: 1, arbitrary: another },
);
/** Signed once: signing takes longer than all else here. */
const TARGETS = TXS.map((tx) => ({ tx, genuine: preimages(tx)(0), signature: playerSignature(tx) }));
const target = fc.constantFrom(...TARGETS);

describe(`escrow fuzz (FUZZ_SEED=${SEED})`, () => {
  before(() => {
    // What the mutations start from is good: they have something to break.
    assert.equal(opens(ALLOWED, refundWith(ALLOWED, preimages(ALLOWED)(0))), true);
    assert.equal(
      fieldsOf(preimages(ALLOWED)(0)).reduce((sum, part) => sum + part.length, 0),
      preimages(ALLOWED)(0).length,
    );
  });

  for (const [name, tx] of Object.entries(FORBIDDEN))
    it(`M2: no refund ${name}, the form of the hash being right`, () => {
      assert.equal(opens(tx, refundWith(tx, preimages(tx)(0))), false);
    });

  it("M2: 1,500 mutated preimages open nothing, whatever the transaction", () => {
    fuzz(1_500, fc.tuple(target, mutation), ([{ tx, genuine, signature }, mutate]) => {
      const forged = mutate(genuine);
      if (toHex(forged) === toHex(genuine)) return true;
      return !opens(tx, refundWith(tx, forged, signature));
    });
  }).timeout(60_000);

  it("M2: the same mutations do open a script that does not check the preimage: the fuzz can find it", () => {
    // CHECKSIGVERIFY of the preimage's signature replaced by 2DROP.
    const weak = SCRIPT.replace("608b9218ad", "608b92186d");
    assert.notEqual(weak, SCRIPT);
    const early = readable({ locktime: DEADLINE - 1, script: weak });
    assert.throws(() =>
      fuzz(300, mutation, (mutate) => !opens(early, refundWith(early, mutate(preimages(early)(0))))),
    );
  });
});
