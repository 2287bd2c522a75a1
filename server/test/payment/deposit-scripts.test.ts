/** M1: which scripts of strangers are run when they pay for a deposit, and which are refused unread. */
import { strict as assert } from "node:assert";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import fc from "fast-check";
import { actor } from "../../../shared-schema/test/support/round.ts";
import { checkScripts } from "../../src/payment/deposits/scripts.ts";
import { readTransaction } from "../../src/payment/transaction.ts";
import { payTx } from "./pay.ts";

const who = actor("depositor");
const SATS = 9_000;
/** NOP, IF to ENDIF, VERIFY, 2DROP, DROP, DUP, SWAP, SIZE, EQUAL, hashes, signatures. */
const RUN = [
  ...[0x61, 0x63, 0x64, 0x67, 0x68, 0x69, 0x6d, 0x75, 0x76, 0x7c, 0x82, 0x87, 0x88],
  ...[0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xac, 0xad, 0xae, 0xaf],
];

/** A transaction of inputs that open outputs of `lock` with `unlock` (hex), and what is said of it. */
function judged(lock: string, unlock: string, inputs = 1): string | undefined {
  const coins = Array.from({ length: inputs }, (_, at) => ({
    txid: (at + 1).toString(16).padStart(64, "0"),
    vout: 0,
  }));
  const input = ({ txid }: { txid: string }): string =>
    `${txid}00000000${(unlock.length / 2).toString(16).padStart(2, "0")}${unlock}ffffffff`;
  const output = `${"01".padEnd(16, "0")}19${p2pkhScript(who.playKey)}`;
  const raw = `01000000${inputs.toString(16).padStart(2, "0")}${coins.map(input).join("")}01${output}00000000`;
  const tx = readTransaction(raw);
  assert.ok(tx);
  const refusal = checkScripts(
    tx,
    coins.map(() => ({ sats: SATS, script: lock })),
  );
  return refusal && `${refusal.code} ${refusal.message}`;
}

describe("deposits: the scripts they spend", () => {
  it("M1: an ordinary payment opens its coin, with a spoiled signature it does not", () => {
    const coin = { txid: "ab".repeat(32), vout: 0, sats: SATS };
    const { rawHex } = payTx(who, coin, [{ sats: 5_000, script: p2pkhScript(who.playKey) }]);
    const sources = [{ sats: SATS, script: p2pkhScript(who.playKey) }];
    const tx = readTransaction(rawHex);
    assert.ok(tx);
    assert.equal(checkScripts(tx, sources), undefined);
    assert.equal(
      checkScripts(tx, [{ sats: SATS + 1, script: p2pkhScript(who.playKey) }])?.code,
      "DEPOSIT_REJECTED",
    );
  });

  it("M1: a hash that is opened, and a branch, are run", () => {
    const sha256OfZero = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    assert.equal(judged(`a820${sha256OfZero}87`, "0100"), undefined);
    assert.match(judged(`a820${sha256OfZero}87`, "0111") ?? "", /^DEPOSIT_REJECTED Input 0: /);
    assert.equal(judged("6351670068", "51"), undefined);
  });

  it("M1: a script that asks for gigabytes is refused before anything is run", () => {
    // 2^27 and 2^30 - 1 bytes of OP_NUM2BIN: the first is an array of a gigabyte, the second ends the process.
    for (const size of ["00000008", "ffffff3f"])
      assert.match(judged("51", `010104${size}80`) ?? "", /^DEPOSIT_REJECTED .*OP_NUM2BIN.*ordinary address/);
    assert.match(judged(`010104ffffff3f80`, "51") ?? "", /OP_NUM2BIN/);
  });

  it("M1: no opcode but those of ordinary outputs is run", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0x61, max: 0xff }), (op) => {
        const said = judged("51", op.toString(16)) ?? "";
        return /spends a script with/.test(said) !== RUN.includes(op);
      }),
    );
  });

  it("M1: neither many steps nor many signatures are run", () => {
    assert.match(judged("76a975".repeat(40), "51") ?? "", /too many steps/);
    assert.match(judged("76ac75".repeat(3), "51", 100) ?? "", /too many signatures/);
    assert.match(judged("ae", "51", 11) ?? "", /too many signatures/);
  });

  it("M1: an output whose script is too long is refused", () => {
    assert.match(judged("61".repeat(10_001), "51") ?? "", /too long/);
  });
});
