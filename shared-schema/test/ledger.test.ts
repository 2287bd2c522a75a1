/** M5: what the ledger's covenant lets through, decided by the script interpreter, and what links say. */
import { strict as assert } from "node:assert";
import { dataScript, readDataScript } from "@meme-rounds/shared-schema/chain-data";
import { publicKeyOf, verifyCompact } from "@meme-rounds/shared-schema/crypto";
import { hashJson } from "@meme-rounds/shared-schema/hash";
import {
  covenantScript,
  LEDGER_SATS,
  type LedgerState,
  linkUnlock,
  linkUnlockBytes,
  parseCovenant,
} from "@meme-rounds/shared-schema/ledger";
import {
  bodyHashOf,
  type LinkBody,
  linkDataScript,
  linkDataSize,
  linkOutputs,
  NO_AUDIT_HEAD,
  payoutHashOf,
  readLink,
  readLinkData,
  signHandover,
  verifyHandover,
} from "@meme-rounds/shared-schema/ledger-link";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { outputBytes, type PlainTx } from "@meme-rounds/shared-schema/sighash";
import { opens } from "./support/interpret.ts";

const keyOf = (seed: number) => {
  const secret = new Uint8Array(32).fill(seed);
  return { secret, publicKey: publicKeyOf(secret) };
};
const operator = keyOf(1);
const thief = keyOf(2);
const closed = (n: number): LinkBody => ({
  arena: "main",
  roundId: `main-${1_800_000_000 + n * 600}`,
  journalHash: "1a".repeat(32),
  journalTxid: "2b".repeat(32),
  payoutHash: "3c".repeat(32),
  auditHead: NO_AUDIT_HEAD,
  outcome: "closed",
});
const stateAt = (seq: number): LedgerState => ({ seq, bodyHash: bodyHashOf(closed(seq)) });

/** The link after `seq`, before anything is bent. */
function nextOf(seq: number, patch: Partial<PlainTx> = {}): PlainTx {
  const covenant = covenantScript(stateAt(seq), operator.publicKey);
  const fuel = p2pkhScript(operator.publicKey);
  return {
    version: 1,
    inputs: [
      { txid: "ab".repeat(32), vout: 0, sequence: 0xffffffff, sats: LEDGER_SATS, script: covenant },
      { txid: "cd".repeat(32), vout: 2, sequence: 0xffffffff, sats: 1_000, script: fuel },
    ],
    outputs: [...linkOutputs(seq + 1, closed(seq + 1), operator.publicKey), { sats: 900, script: fuel }],
    locktime: 0,
    ...patch,
  };
}
function goes(tx: PlainTx, how: { state?: LedgerState; secret?: Uint8Array } = {}): boolean {
  const { secret = operator.secret, ...rest } = how;
  const made = linkUnlock(tx, 0, secret, rest);
  return opens(made.tx, 0, made.unlocking);
}

describe("ledger", () => {
  it("M5 the covenant has these 225 bytes, and reads back to what was put in", () => {
    const script = covenantScript({ seq: 0x01020304, bodyHash: "ee".repeat(32) }, operator.publicKey);
    assert.equal(
      script,
      `2404030201${"ee".repeat(32)}7c` +
        "76aa011f7f8b7e263044022079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f8179802207c7e01417e" +
        "21038ff83d8cf12121491609c4939dc11c4aa35503508fe432dc5a5c1905608b9218ad" +
        "7601687f77517f01257f77820134947f587f547f7701207f756b7b7e01247e5679820124887e7c7e54797eaa6c88" +
        `75547f7501007e818b537a547f7501007e819d7721${operator.publicKey}ac`,
    );
    assert.equal(script.length / 2, 225);
    assert.deepEqual(parseCovenant(script), {
      state: { seq: 0x01020304, bodyHash: "ee".repeat(32) },
      operatorKey: operator.publicKey,
    });
    for (let at = 0; at < script.length; at += 2) {
      const flipped = (Number.parseInt(script.slice(at, at + 2), 16) ^ 4).toString(16).padStart(2, "0");
      const bent = script.slice(0, at) + flipped + script.slice(at + 2);
      const parsed = parseCovenant(bent);
      if (parsed !== undefined) assert.equal(covenantScript(parsed.state, parsed.operatorKey), bent);
    }
    assert.equal(parseCovenant(`${script}00`), undefined);
    assert.equal(parseCovenant(p2pkhScript(operator.publicKey)), undefined);
  });

  it("M5 refuses a number, a hash or a key that is none", () => {
    for (const seq of [-1, 0.5, 2 ** 32, Number.NaN])
      assert.throws(() => covenantScript({ seq, bodyHash: "00".repeat(32) }, operator.publicKey), RangeError);
    assert.throws(() => covenantScript({ seq: 1, bodyHash: "00" }, operator.publicKey), RangeError);
    assert.throws(() => covenantScript(stateAt(1), "02ff"), RangeError);
  });

  it("M5 the next link goes through, at every length of the number, in any lock time it was ground to", () => {
    for (const seq of [
      0,
      1,
      126,
      127,
      128,
      254,
      255,
      256,
      32_767,
      65_535,
      8_388_607,
      2 ** 31 - 1,
      2 ** 32 - 2,
    ])
      assert.equal(goes(nextOf(seq)), true, `after ${seq}`);
    for (let sats = 1; sats <= 20; sats++) {
      const tx = nextOf(7);
      const outputs = [...tx.outputs.slice(0, 2), { sats, script: p2pkhScript(operator.publicKey) }];
      assert.equal(goes({ ...tx, outputs }), true);
    }
  });

  it("M5 also without other outputs, and with large ones", () => {
    const tx = nextOf(3);
    assert.equal(goes({ ...tx, outputs: tx.outputs.slice(0, 1) }), true);
    const big = { sats: 0, script: dataScript([new Uint8Array(70_000).fill(7)]) };
    assert.equal(goes({ ...tx, outputs: [...tx.outputs, big] }), true);
  });

  it("M5 a number skipped, repeated or going back does not", () => {
    for (const seq of [12, 10, 9, 0, 11 + 256]) {
      const outputs = linkOutputs(seq, closed(seq), operator.publicKey);
      assert.equal(goes(nextOf(10, { outputs })), false, `10 -> ${seq}`);
    }
    const last = nextOf(2 ** 32 - 2);
    const [link, ...others] = last.inputs;
    const script = last.outputs[0]?.script ?? "";
    assert.ok(link);
    const outputs = linkOutputs(0, closed(0), operator.publicKey);
    assert.equal(goes({ ...last, inputs: [{ ...link, script }, ...others], outputs }), false);
  });

  it("M5 the chain cannot be ended, nor its sat taken", () => {
    const outputs = [{ sats: 900, script: p2pkhScript(operator.publicKey) }];
    assert.equal(goes(nextOf(10, { outputs }), { state: stateAt(11) }), false);
    assert.equal(goes(nextOf(10, { outputs: [] }), { state: stateAt(11) }), false);
  });

  it("M5 another value does not go", () => {
    for (const sats of [0, 2, 900]) {
      const [first, ...rest] = nextOf(10).outputs;
      assert.ok(first);
      assert.equal(goes(nextOf(10, { outputs: [{ ...first, sats }, ...rest] })), false);
    }
  });

  it("M5 other code does not go: another key in it, a byte more, a byte changed", () => {
    const [first, ...rest] = nextOf(10).outputs;
    assert.ok(first);
    const bend = (script: string) =>
      goes(nextOf(10, { outputs: [{ ...first, script }, ...rest] }), { state: stateAt(11) });
    assert.equal(bend(first.script), true);
    assert.equal(bend(covenantScript(stateAt(11), thief.publicKey)), false);
    assert.equal(bend(`${first.script}61`), false);
    assert.equal(bend(first.script.replace(/9d7721/, "9c6921")), false);
    assert.equal(bend(`${first.script.slice(0, -2)}ad`), false);
  });

  it("M5 another signer does not go, nor the link at another place", () => {
    assert.equal(goes(nextOf(10), { secret: thief.secret }), false);
    const { outputs } = nextOf(10);
    assert.equal(goes(nextOf(10, { outputs: outputs.toReversed() }), { state: stateAt(11) }), false);
    const [first, second, ...rest] = outputs;
    assert.ok(first && second);
    assert.equal(goes(nextOf(10, { outputs: [second, first, ...rest] }), { state: stateAt(11) }), false);
  });

  it("M5 what was signed cannot be changed afterwards: outputs, lock time, another coin of the same script", () => {
    const made = linkUnlock(nextOf(10), 0, operator.secret);
    assert.equal(opens(made.tx, 0, made.unlocking), true);
    const [first, second, third] = made.tx.outputs;
    assert.ok(first && second && third);
    const other = { ...third, sats: third.sats + 1 };
    assert.equal(opens({ ...made.tx, outputs: [first, second, other] }, 0, made.unlocking), false);
    assert.equal(opens({ ...made.tx, locktime: made.tx.locktime + 1 }, 0, made.unlocking), false);
    const moved = made.tx.inputs.map((input) => ({ ...input, vout: input.vout + 1 }));
    assert.equal(opens({ ...made.tx, inputs: moved }, 0, made.unlocking), false);
  });

  it("M5 the state in the unlocking script is the one in output 0", () => {
    assert.equal(goes(nextOf(10), { state: { seq: 11, bodyHash: "99".repeat(32) } }), false);
    assert.throws(() => linkUnlock(nextOf(10, { outputs: [] }), 0, operator.secret), RangeError);
  });

  it("M3 the same link signed twice is the same bytes, within the size that fees are estimated with", () => {
    for (let seq = 1; seq < 30; seq++) {
      const tx = nextOf(seq);
      const made = linkUnlock(tx, 0, operator.secret);
      assert.deepEqual(linkUnlock(tx, 0, operator.secret), made);
      const rest = tx.outputs.slice(1).reduce((sum, output) => sum + outputBytes(output).length, 0);
      assert.ok(made.unlocking.length / 2 <= linkUnlockBytes(rest));
      assert.ok(made.unlocking.length / 2 >= linkUnlockBytes(rest) - 6);
    }
  });
});

describe("ledger links", () => {
  const voided: LinkBody = {
    arena: "main",
    roundId: "main-1800000600",
    journalHash: "1a".repeat(32),
    payoutHash: "3c".repeat(32),
    auditHead: NO_AUDIT_HEAD,
    outcome: "voided",
    reason: "fewer than two valid entries by different identities",
  };
  const genesis = { arena: "main", genesis: "devchain" } as const;

  it("M5 a link reads back from its outputs", () => {
    for (const body of [closed(1), voided, genesis, { ...genesis, previous: `${"ab".repeat(32)}:0` }]) {
      const outputs = linkOutputs(5, body, operator.publicKey);
      assert.deepEqual(readLink(outputs), {
        state: { seq: 5, bodyHash: hashJson(body) },
        operatorKey: operator.publicKey,
        body,
      });
      assert.equal((outputs[1]?.script.length ?? 0) / 2, linkDataSize(body));
    }
  });

  it("M5 not when the body is another than the covenant's, or output 0 holds another value", () => {
    const [covenant, data] = linkOutputs(5, closed(1), operator.publicKey);
    assert.ok(covenant && data);
    assert.equal(readLink([covenant, { sats: 0, script: linkDataScript(voided) }]), undefined);
    assert.equal(readLink([{ ...covenant, sats: 2 }, data]), undefined);
    assert.equal(readLink([data, covenant]), undefined);
    assert.equal(readLink([covenant]), undefined);
  });

  it("M5 a closed round's link names its file; a voided one's its reason and no file (R6, M6)", () => {
    const text = (body: object) => linkDataScript(body as LinkBody);
    const { journalTxid: _file, ...without } = closed(1) as LinkBody & { outcome: "closed" };
    assert.equal(readLinkData(text(without)), undefined);
    assert.equal(readLinkData(text({ ...voided, journalTxid: "00".repeat(32) })), undefined);
    const { reason: _reason, ...silent } = voided as LinkBody & { outcome: "voided" };
    assert.equal(readLinkData(text(silent)), undefined);
    assert.equal(readLinkData(text({ ...closed(1), more: 1 })), undefined);
  });

  it("M5 only canonical bytes are a body", () => {
    const fields = readDataScript(linkDataScript(closed(1)));
    assert.equal(fields?.length, 3);
    const put = (body: string) => dataScript([...(fields ?? []).slice(0, 2), new TextEncoder().encode(body)]);
    const text = new TextDecoder().decode(fields?.[2]);
    assert.deepEqual(readLinkData(put(text)), closed(1));
    assert.equal(readLinkData(put(` ${text}`)), undefined);
    assert.equal(
      readLinkData(put(JSON.stringify(Object.fromEntries(Object.entries(closed(1)).toReversed())))),
      undefined,
    );
    assert.equal(readLinkData(put(text.slice(1))), undefined);
    assert.equal(readLinkData(put(`\ufeff${text}`)), undefined);
  });

  it("M5 the payout hash: a result as it stands, returns in the order of play keys", () => {
    const result = { ranking: [], payouts: [], fee: 1, seatFees: 2, carryOut: 3 };
    assert.equal(payoutHashOf({ kind: "result", result }), hashJson(result));
    const back = (...keys: string[]) =>
      payoutHashOf({ kind: "void", returned: keys.map((playKey) => ({ playKey, sats: 5 })) });
    const returned = [
      { playKey: "02aa", sats: 5 },
      { playKey: "03bb", sats: 5 },
    ];
    assert.equal(back("03bb", "02aa"), hashJson({ returned }));
    assert.notEqual(back("03bb"), back("02aa"));
  });

  it("M5 a handover needs both keys, for this tip and this genesis", () => {
    const tip = `${"aa".repeat(32)}:0`;
    const next = `${"bb".repeat(32)}:0`;
    const fresh = keyOf(9);
    const body = signHandover(tip, next, { old: operator.secret, new: fresh.secret });
    const keys = { old: operator.publicKey, new: fresh.publicKey };
    assert.equal(verifyHandover(tip, body, keys, verifyCompact), true);
    assert.equal(verifyHandover(next, body, keys, verifyCompact), false);
    assert.equal(verifyHandover(tip, { ...body, handover: tip }, keys, verifyCompact), false);
    assert.equal(verifyHandover(tip, body, { ...keys, new: thief.publicKey }, verifyCompact), false);
    assert.equal(verifyHandover(tip, body, { ...keys, old: thief.publicKey }, verifyCompact), false);
    assert.deepEqual(readLink(linkOutputs(9, body, operator.publicKey))?.body, body);
  });
});

describe("data on chain", () => {
  it("M6 pushes of every length read back; what is no whole push is refused", () => {
    for (const size of [0, 1, 75, 76, 255, 256, 65_535, 65_536]) {
      const fields = [new Uint8Array(size).fill(1), Uint8Array.of(0x7c)];
      const script = dataScript(fields);
      assert.deepEqual(readDataScript(script), fields);
      assert.equal(readDataScript(script.slice(0, -2)), undefined);
    }
    for (const script of ["", "6a", "00", "006a4c", "006a4d01", "006a4e01000000", "006a51", "76a9"])
      assert.equal(readDataScript(script), script === "006a" ? [] : undefined, script);
    assert.deepEqual(readDataScript("006a"), []);
  });
});
