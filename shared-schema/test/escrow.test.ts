/** M2: who can open an escrow, and when, decided by the script interpreter. */
import { strict as assert } from "node:assert";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { entryIdOf, escrowScript, parseEscrow } from "@meme-rounds/shared-schema/escrow";
import { keyHash, p2pkhScript, twoKeyScript } from "@meme-rounds/shared-schema/lock";
import { type PlainTx, preimages } from "@meme-rounds/shared-schema/sighash";
import {
  p2pkhUnlock,
  refundUnlock,
  settleUnlock,
  signPreimage,
  twoKeyUnlock,
  UNLOCK_BYTES,
  verifyPreimage,
} from "@meme-rounds/shared-schema/unlock";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { opens as opensAt } from "./support/interpret.ts";

const keyOf = (seed: number) => {
  const secret = new Uint8Array(32).fill(seed);
  return { secret, publicKey: toHex(secp256k1.getPublicKey(secret, true)) };
};
const operator = keyOf(1);
const auditor = keyOf(2);
const player = keyOf(3);
const stranger = keyOf(4);
const deadline = 1_800_000_000;
const terms = {
  entryId: entryIdOf("devchain", "main-1799913600"),
  operatorKey: operator.publicKey,
  auditorKey: auditor.publicKey,
  playKey: player.publicKey,
  deadline,
};

const txOf = (script: string, locktime = 0, sequence = 0xffffffff): PlainTx => ({
  version: 1,
  inputs: [
    { txid: "ab".repeat(32), vout: 0, sequence, sats: 5_000, script },
    {
      txid: "cd".repeat(32),
      vout: 3,
      sequence: 0xffffffff,
      sats: 700,
      script: p2pkhScript(player.publicKey),
    },
  ],
  outputs: [{ sats: 4_000, script: p2pkhScript(player.publicKey) }],
  locktime,
});

const opens = (tx: PlainTx, unlocking: string): boolean => opensAt(tx, 0, unlocking);

type Key = ReturnType<typeof keyOf>;
const signed = (tx: PlainTx, key: Key) => ({
  signature: signPreimage(preimages(tx)(0), key.secret),
  publicKey: key.publicKey,
});
const settle = (first: Key, second: Key): boolean => {
  const tx = txOf(escrowScript(terms));
  return opens(tx, settleUnlock(signed(tx, first), signed(tx, second)));
};
const refund = (locktime: number, by: Key = player, script = escrowScript(terms)): boolean => {
  const made = refundUnlock(txOf(script, locktime), 0, by);
  return opens(made.tx, made.unlocking);
};

describe("escrow", () => {
  it("M2 has the exact bytes of protocol.md 8, 217 of them until 2038 and 218 from then on", () => {
    const script = escrowScript(terms);
    assert.equal(script.length / 2, 217);
    assert.equal(
      script,
      `10${terms.entryId}756376a914${keyHash(operator.publicKey)}88ad76a914${keyHash(auditor.publicKey)}88ac67` +
        "76aa011f7f8b7e263044022079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f8179802207c7e01417e" +
        "21038ff83d8cf12121491609c4939dc11c4aa35503508fe432dc5a5c1905608b9218ad" +
        "82012c947f77547f7c04ffffffff87916901207f77547f7501007e810400d2496ba269" +
        `76a914${keyHash(player.publicKey)}88ac68`,
    );
    assert.equal(escrowScript({ ...terms, deadline: 2 ** 31 }).length / 2, 218);
    assert.equal(escrowScript({ ...terms, deadline: 2 ** 31 - 1 }).length / 2, 217);
  });

  it("M2 reads back what it wrote, and nothing else", () => {
    for (const when of [deadline, 2 ** 31 - 1, 2 ** 31, 0xffffffff]) {
      const script = escrowScript({ ...terms, deadline: when });
      assert.deepEqual(parseEscrow(script), {
        entryId: terms.entryId,
        operatorHash: keyHash(operator.publicKey),
        auditorHash: keyHash(auditor.publicKey),
        playHash: keyHash(player.publicKey),
        deadline: when,
      });
      assert.equal(parseEscrow(`${script}00`), undefined);
      assert.equal(parseEscrow(script.replace("88ad76", "88ac76")), undefined);
    }
    assert.equal(parseEscrow(p2pkhScript(player.publicKey)), undefined);
  });

  it("M2 refuses a block height or a fraction as deadline", () => {
    for (const bad of [499_999_999, 900_000, deadline + 0.5, 2 ** 32, Number.NaN])
      assert.throws(() => escrowScript({ ...terms, deadline: bad }), RangeError);
  });

  it("M2 operator and auditor together settle", () => assert.equal(settle(operator, auditor), true));
  it("M2 no other two keys settle", () => {
    assert.equal(settle(operator, stranger), false);
    assert.equal(settle(stranger, auditor), false);
    assert.equal(settle(player, player), false);
    assert.equal(settle(operator, operator), false);
    assert.equal(settle(auditor, operator), false);
  });

  it("M2 the player takes it back from the deadline on, alone", () => {
    assert.equal(refund(deadline), true);
    assert.equal(refund(deadline + 1), true);
    assert.equal(refund(2 ** 31 + 5), true);
    assert.equal(refund(2 ** 31, player, escrowScript({ ...terms, deadline: 2 ** 31 })), true);
  });
  it("M2 not before, not by height, not by another key", () => {
    assert.equal(refund(deadline - 1), false);
    assert.equal(refund(0), false);
    assert.equal(refund(950_000), false);
    assert.equal(refund(deadline, stranger), false);
    assert.equal(refund(deadline, operator), false);
    assert.equal(refund(2 ** 31 - 1, player, escrowScript({ ...terms, deadline: 2 ** 31 })), false);
  });
  it("M2 not with a final sequence, a changed output or a changed lock time", () => {
    const made = refundUnlock(txOf(escrowScript(terms), deadline), 0, player);
    assert.equal(opens(made.tx, made.unlocking), true);
    const final = made.tx.inputs.map((one) => ({ ...one, sequence: 0xffffffff }));
    assert.equal(opens({ ...made.tx, inputs: final }, made.unlocking), false);
    const outputs = made.tx.outputs.map((one) => ({ ...one, sats: one.sats - 1 }));
    assert.equal(opens({ ...made.tx, outputs }, made.unlocking), false);
    assert.equal(opens({ ...made.tx, locktime: 0 }, made.unlocking), false);
  });
  it("M2 the two-key lock opens for both keys only", () => {
    const tx = txOf(twoKeyScript(operator.publicKey, auditor.publicKey));
    assert.equal(opens(tx, twoKeyUnlock(signed(tx, operator), signed(tx, auditor))), true);
    assert.equal(opens(tx, twoKeyUnlock(signed(tx, operator), signed(tx, operator))), false);
    assert.equal(opens(tx, twoKeyUnlock(signed(tx, auditor), signed(tx, auditor))), false);
    assert.equal(opens(tx, twoKeyUnlock(signed(tx, stranger), signed(tx, auditor))), false);
  });

  it("E9 a payout opens for its play key only", () => {
    const tx = txOf(p2pkhScript(player.publicKey));
    assert.equal(opens(tx, p2pkhUnlock(signed(tx, player))), true);
    assert.equal(opens(tx, p2pkhUnlock(signed(tx, stranger))), false);
  });

  it("M3 signing again gives the same bytes, within the size that fees are estimated with", () => {
    const script = escrowScript(terms);
    for (let sats = 1; sats <= 60; sats++) {
      const tx = { ...txOf(script), outputs: [{ sats, script }] };
      const once = settleUnlock(signed(tx, operator), signed(tx, auditor));
      assert.equal(settleUnlock(signed(tx, operator), signed(tx, auditor)), once);
      assert.ok(once.length / 2 <= UNLOCK_BYTES.settle);
    }
  });

  it("M4 a signature is of one key over one preimage", () => {
    const tx = txOf(escrowScript(terms));
    const preimage = preimages(tx)(0);
    assert.equal(verifyPreimage(preimage, signed(tx, auditor)), true);
    assert.equal(verifyPreimage(preimage, { ...signed(tx, auditor), publicKey: operator.publicKey }), false);
    assert.equal(verifyPreimage(preimages(tx)(1), signed(tx, auditor)), false);
    assert.equal(
      verifyPreimage(preimage, { signature: "00".repeat(40), publicKey: auditor.publicKey }),
      false,
    );
    assert.equal(
      verifyPreimage(preimage, { signature: `${"3006".repeat(4)}0041`, publicKey: auditor.publicKey }),
      false,
    );
  });
});
