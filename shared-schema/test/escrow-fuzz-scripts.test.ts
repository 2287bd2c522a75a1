/** M2 under attack: changed transactions, changed unlocking scripts, scripts of anything. See support/attacks.ts. */
import { strict as assert } from "node:assert";
import { fromHex, toHex } from "@meme-rounds/shared-schema/bytes";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { type PlainTx, preimages } from "@meme-rounds/shared-schema/sighash";
import { refundUnlock } from "@meme-rounds/shared-schema/unlock";
import fc from "fast-check";
import {
  ALLOWED,
  auditor,
  fuzz,
  opens,
  operator,
  player,
  push,
  refundWith,
  SEED,
  scriptFor,
  settled,
  txOf,
} from "./support/attacks.ts";

const SETTLE = settled(ALLOWED);
const REFUND = refundWith(ALLOWED, preimages(ALLOWED)(0));

/** The pushes of an unlocking script of ours, without their lengths. */
function pushed(unlocking: string): string[] {
  const bytes = fromHex(unlocking);
  const items: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const op = bytes[at] ?? 0;
    const [head, length] =
      op < 0x4c
        ? [1, op]
        : op === 0x4c
          ? [2, bytes[at + 1] ?? 0]
          : op === 0x4d
            ? [3, (bytes[at + 1] ?? 0) + (bytes[at + 2] ?? 0) * 256]
            : [1, 0];
    items.push(op > 0x4d ? "01" : toHex(bytes.slice(at + head, at + head + length)));
    at += head + length;
  }
  return items;
}

function rebuilt(unlocking: string, change: (items: string[]) => string[]): string {
  return change(pushed(unlocking))
    .map((item) => (item === "" ? "00" : item === "01" ? "51" : push(item)))
    .join("");
}

/** The item at `at` pushed with a longer opcode than it needs. */
function wider(unlocking: string, at: number, op: string): string {
  return pushed(unlocking)
    .map((item, i) => {
      const length = item.length / 2;
      const size = { "4c": 1, "4d": 2, "4e": 4 }[op] ?? 4;
      const isBranch = item === "" || item === "01";
      if (i !== at || isBranch || length >= 256 ** size)
        return isBranch ? (item === "" ? "00" : "51") : push(item);
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, length, true);
      return op + toHex(bytes.slice(0, size)) + item;
    })
    .join("");
}

describe(`escrow fuzz: scripts (FUZZ_SEED=${SEED})`, () => {
  before(() => {
    // What the mutations start from is good: they have something to break.
    for (const good of [SETTLE, REFUND]) {
      assert.equal(opens(ALLOWED, good), true);
      assert.equal(
        rebuilt(good, (items) => items),
        good,
      );
    }
  });

  it("M2: a transaction changed after signing is refused on both paths", () => {
    const change = fc.oneof(
      fc
        .integer({ min: 1, max: 3_999 })
        .map((sats) => (tx: PlainTx) => ({ ...tx, outputs: tx.outputs.map((one) => ({ ...one, sats })) })),
      fc.integer({ min: 0, max: 0xffffffff }).map((locktime) => (tx: PlainTx) => ({ ...tx, locktime })),
      fc.integer({ min: 0, max: 0xffffffff }).map((sequence) => (tx: PlainTx) => ({
        ...tx,
        inputs: tx.inputs.map((one, at) => (at === 0 ? { ...one, sequence } : one)),
      })),
      fc.integer({ min: 0, max: 9 }).map((version) => (tx: PlainTx) => ({ ...tx, version })),
      fc.constant((tx: PlainTx) => ({ ...tx, inputs: tx.inputs.slice(0, 1) })),
      fc.constant((tx: PlainTx) => ({
        ...tx,
        outputs: [...tx.outputs, { sats: 1, script: p2pkhScript(operator.publicKey) }],
      })),
      fc.constantFrom(operator, auditor).map(({ publicKey }) => (tx: PlainTx) => ({
        ...tx,
        outputs: tx.outputs.map((one) => ({ ...one, script: p2pkhScript(publicKey) })),
      })),
    );
    fuzz(250, fc.tuple(change, fc.boolean()), ([mutate, settle]) => {
      const changed = mutate(ALLOWED);
      if (toHex(preimages(changed)(0)) === toHex(preimages(ALLOWED)(0))) return true;
      return !opens(changed, settle ? SETTLE : REFUND);
    });
  }).timeout(60_000);

  it("M2: unlocking scripts with a bit flipped, pushes missing, doubled, in another order or longer than needed open nothing", () => {
    const shape = fc.oneof(
      fc.tuple(fc.nat(), fc.nat({ max: 7 })).map(([where, bit]) => (unlocking: string) => {
        const bytes = fromHex(unlocking);
        // The last byte chooses the branch: see the next test.
        const at = where % (bytes.length - 1);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        return toHex(bytes);
      }),
      fc
        .nat({ max: 4 })
        .map((at) => (unlocking: string) => rebuilt(unlocking, (items) => items.filter((_, i) => i !== at))),
      fc
        .nat({ max: 4 })
        .map(
          (at) => (unlocking: string) =>
            rebuilt(unlocking, (items) => items.flatMap((one, i) => (i === at ? [one, one] : [one]))),
        ),
      fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 4 })).map(
        ([a, b]) =>
          (unlocking: string) =>
            rebuilt(unlocking, (items) =>
              items.map((one, i) => (i === a ? items[b] : i === b ? items[a] : one) ?? one),
            ),
      ),
      fc.tuple(fc.nat({ max: 4 }), fc.constantFrom("4c", "4d", "4e")).map(
        ([at, op]) =>
          (unlocking: string) =>
            wider(unlocking, at, op),
      ),
      fc
        .uint8Array({ minLength: 0, maxLength: 40 })
        .map((bytes) => (unlocking: string) => push(toHex(bytes)) + unlocking),
    );
    fuzz(600, fc.tuple(shape, fc.boolean()), ([mutate, settle]) => {
      const good = settle ? SETTLE : REFUND;
      const bad = mutate(good);
      return bad === good || !opens(ALLOWED, bad);
    });
  }).timeout(60_000);

  it("M2: what chooses the branch may be any true or false value: the txid can change, the payment cannot", () => {
    for (const [unlocking, values] of [
      [SETTLE, ["52", "60", "4f", "020100"]],
      [REFUND, ["0100", "0180", "020000"]],
    ] as const) {
      for (const value of values) assert.equal(opens(ALLOWED, unlocking.slice(0, -2) + value), true, value);
      for (const value of ["0101", "4c00", "4c0101"])
        assert.equal(opens(ALLOWED, unlocking.slice(0, -2) + value), false, value);
    }
    assert.equal(opens(ALLOWED, `${SETTLE.slice(0, -2)}00`), false);
    assert.equal(opens(ALLOWED, `${REFUND.slice(0, -2)}51`), false);
  });

  it("M2: scripts of random opcodes open nothing, in version 1 or 2", () => {
    const opcode = fc.oneof(
      fc.constantFrom("51", "00", "6a", "69", "68", "67", "63", "61", "75", "76", "87", "ac"),
      fc.uint8Array({ minLength: 1, maxLength: 33 }).map((bytes) => push(toHex(bytes))),
      // Without OP_NUM2BIN: the interpreter takes up to 8 GB for it before it counts. An array that large says nothing new.
      fc
        .integer({ min: 0x4f, max: 0xb9 })
        .filter((byte) => byte !== 0x80)
        .map((byte) => byte.toString(16)),
      fc.constantFrom(push(operator.publicKey), push(auditor.publicKey), push(player.publicKey)),
    );
    const script = fc.array(opcode, { maxLength: 8 }).map((ops) => ops.join(""));
    fuzz(
      3_000,
      fc.tuple(script, fc.constantFrom(1, 2)),
      ([unlocking, version]) => !opens({ ...ALLOWED, version }, unlocking),
    );
  }).timeout(60_000);

  it("M2: deadlines after 2038 take five bytes, and hold the same", () => {
    const late = fc.integer({ min: 2 ** 31, max: 0xffffffff });
    fuzz(25, fc.tuple(late, fc.integer({ min: 1, max: 1_000_000_000 })), ([deadline, early]) => {
      const script = scriptFor(deadline);
      if (script.length / 2 !== 218) return false;
      const at = (locktime: number): boolean => {
        const made = refundUnlock(txOf({ locktime, script }), 0, player);
        return opens(made.tx, made.unlocking);
      };
      return at(deadline) && !at(deadline - 1) && !at(deadline - early);
    });
  }).timeout(60_000);
});
