/** The escrow of M2 on a chain that runs its script: both paths, and what must not open it. */
import assert from "node:assert/strict";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { entryIdOf, escrowScript } from "@meme-rounds/shared-schema/escrow";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import {
  extendedTxBytes,
  FINAL_SEQUENCE,
  type PlainTx,
  preimages,
  rawTxBytes,
  type TxInput,
  txidOf,
} from "@meme-rounds/shared-schema/sighash";
import { p2pkhUnlock, refundUnlock, settleUnlock, signPreimage } from "@meme-rounds/shared-schema/unlock";
import { generateKeys } from "../../src/chain/index.ts";
import { Keystore } from "../../src/chain/keystore.ts";
import { keyOf, type Net, START_MS, startNet } from "./support.ts";

const DEADLINE = START_MS / 1000 + 86_400;
const DEPOSIT = 10_000;

describe("escrow on the devchain", () => {
  const player = keyOf(31);
  const secret = Uint8Array.from(player.toArray("be", 32));
  const playKey = player.toPublicKey().toString();
  const owner = { secret, publicKey: playKey };
  const keys = new Keystore(generateKeys(["operator", "auditor"]));
  const terms = {
    entryId: entryIdOf("devchain", "main-1800000000"),
    operatorKey: keys.publicKeyOf("operator"),
    auditorKey: keys.publicKeyOf("auditor"),
    playKey,
    deadline: DEADLINE,
  };
  let net: Net;
  beforeEach(async () => {
    net = await startNet();
  });
  afterEach(() => net.close());

  const send = (tx: PlainTx, unlocking: string[]) =>
    net.port.broadcast({
      rawHex: toHex(rawTxBytes(tx, unlocking)),
      efHex: toHex(extendedTxBytes(tx, unlocking)),
    });

  /** Pays a deposit into the escrow and returns the input that would spend it. */
  async function deposit(): Promise<TxInput> {
    const coin = await net.fund(player, 20_000);
    const sats = 20_000;
    const from = {
      txid: coin.id("hex"),
      vout: 0,
      sequence: FINAL_SEQUENCE,
      sats,
      script: p2pkhScript(playKey),
    };
    const script = escrowScript(terms);
    const tx: PlainTx = { version: 1, inputs: [from], outputs: [{ sats: DEPOSIT, script }], locktime: 0 };
    const unlocking = p2pkhUnlock({ signature: signPreimage(preimages(tx)(0), secret), publicKey: playKey });
    const paid = await send(tx, [unlocking]);
    assert.equal(paid.outcome, "seen");
    assert.equal((await net.port.utxosOfScript(script)).filter(({ txid }) => txid === paid.txid).length, 1);
    return { txid: paid.txid, vout: 0, sequence: FINAL_SEQUENCE, sats: DEPOSIT, script };
  }

  const spendOf = (input: TxInput, locktime = 0): PlainTx => ({
    version: 1,
    inputs: [input],
    outputs: [{ sats: DEPOSIT - 100, script: p2pkhScript(playKey) }],
    locktime,
  });

  const signed = (tx: PlainTx, name: "operator" | "auditor") => ({
    signature: signPreimage(preimages(tx)(0), keys.secretOf(name)),
    publicKey: keys.publicKeyOf(name),
  });

  const outcomeOf = async (tx: PlainTx, unlocking: string): Promise<string> => {
    const result = await send(tx, [unlocking]);
    return result.outcome === "rejected" ? result.code : result.outcome;
  };

  const owners = { player, stranger: keyOf(32) };
  const signedBy = (tx: PlainTx, who: "operator" | "auditor" | keyof typeof owners) => {
    if (who === "operator" || who === "auditor") return signed(tx, who);
    const key = Uint8Array.from(owners[who].toArray("be", 32));
    return {
      signature: signPreimage(preimages(tx)(0), key),
      publicKey: owners[who].toPublicKey().toString(),
    };
  };
  const refundOf = (tx: PlainTx): [PlainTx, string] => {
    const made = refundUnlock(tx, 0, owner);
    return [made.tx, made.unlocking];
  };
  /** After the deadline, by the chain's median time past. */
  const passDeadline = async (): Promise<void> => {
    await net.call("/dev/clock?seconds=86500");
    await net.call("/dev/mine?blocks=11");
    assert.ok((await net.port.tip()).mtp > DEADLINE);
  };

  it("M2: operator and auditor together settle it; no other two keys do", async () => {
    const tx = spendOf(await deposit());
    for (const [first, second] of [
      ["operator", "operator"],
      ["auditor", "auditor"],
      ["auditor", "operator"],
      ["operator", "stranger"],
      ["stranger", "auditor"],
      ["operator", "player"],
      ["player", "auditor"],
      ["player", "player"],
    ] as const) {
      const unlocking = settleUnlock(signedBy(tx, first), signedBy(tx, second));
      assert.equal(await outcomeOf(tx, unlocking), "SCRIPT", `${first} and ${second}`);
    }
    assert.equal(await outcomeOf(tx, settleUnlock(signed(tx, "operator"), signed(tx, "auditor"))), "seen");
  });

  it("M2, M9: before the deadline the network refuses a refund for being early, or the script does", async () => {
    const input = await deposit();
    assert.equal(await outcomeOf(...refundOf(spendOf(input, DEADLINE))), "NON_FINAL");
    assert.equal(await outcomeOf(...refundOf(spendOf(input, DEADLINE - 1))), "NON_FINAL");
    await net.call("/dev/mine?blocks=2");
    // Lock times that have passed, or that never count, get as far as the script.
    assert.equal(await outcomeOf(...refundOf(spendOf(input, 0))), "SCRIPT");
    assert.equal(await outcomeOf(...refundOf(spendOf(input, 1))), "SCRIPT");
    assert.equal(await outcomeOf(...refundOf(spendOf(input, START_MS / 1000 - 86_400))), "SCRIPT");
    const final = spendOf(input, DEADLINE);
    const preimage = preimages(final)(0);
    const length = toHex(Uint8Array.of(preimage.length & 0xff, preimage.length >> 8));
    const unlocking = `${p2pkhUnlock(signedBy(final, "player"))}4d${length}${toHex(preimage)}00`;
    assert.equal(await outcomeOf(final, unlocking), "SCRIPT");
  });

  it("M2, M9: after it the player takes it back alone, in no other way, and nobody else does", async () => {
    const input = await deposit();
    await passDeadline();
    const [refund, unlocking] = refundOf(spendOf(input, DEADLINE));
    const refused: Record<string, [PlainTx, string]> = {
      "a second before": refundOf(spendOf(input, DEADLINE - 1)),
      "lock time 0": refundOf(spendOf(input, 0)),
      "a block height": refundOf(spendOf(input, 10)),
      "a final sequence": [{ ...refund, inputs: [{ ...input, sequence: FINAL_SEQUENCE }] }, unlocking],
      "a changed output": [
        { ...refund, outputs: [{ sats: DEPOSIT - 101, script: p2pkhScript(playKey) }] },
        unlocking,
      ],
      "another payee": [
        { ...refund, outputs: [{ sats: DEPOSIT - 100, script: p2pkhScript(keys.publicKeyOf("operator")) }] },
        unlocking,
      ],
      "a stripped lock time": [{ ...refund, locktime: 0 }, unlocking],
      "version 2 of what was signed": [{ ...refund, version: 2 }, unlocking],
      "version 2, early": refundOf({ ...spendOf(input, DEADLINE - 1), version: 2 }),
    };
    for (const who of ["operator", "auditor"] as const) {
      const thief = { secret: keys.secretOf(who), publicKey: keys.publicKeyOf(who) };
      const stolen = refundUnlock(spendOf(input, DEADLINE), 0, thief);
      refused[`the ${who}'s key`] = [stolen.tx, stolen.unlocking];
    }
    for (const [name, [tx, script]] of Object.entries(refused))
      assert.equal(await outcomeOf(tx, script), "SCRIPT", name);
    assert.equal(await outcomeOf(refund, unlocking), "seen");
    net.chain.mine();
    assert.equal((await net.port.status(txidOf(rawTxBytes(refund, [unlocking])))).state, "mined");
  });

  it("M2: the preimage of another input of the same transaction opens nothing", async () => {
    const [first, second] = [await deposit(), await deposit()];
    await passDeadline();
    const both: PlainTx = { ...spendOf(first, DEADLINE), inputs: [first, second] };
    const one = refundUnlock(both, 0, owner);
    const two = refundUnlock(one.tx, 1, owner);
    const again = refundUnlock(two.tx, 0, owner);
    const crossed = await send(again.tx, [two.unlocking, again.unlocking]);
    assert.equal(crossed.outcome === "rejected" && crossed.code, "SCRIPT");
  });

  it("M2: a height, a fraction or nothing as deadline makes no escrow", () => {
    for (const deadline of [0, 900_000, 499_999_999, DEADLINE + 0.5, 2 ** 32])
      assert.throws(() => escrowScript({ ...terms, deadline }), RangeError);
  });

  it("M3: somebody who passes a settlement on can change its txid, and nothing that it pays", async () => {
    const tx = spendOf(await deposit());
    const unlocking = settleUnlock(signed(tx, "operator"), signed(tx, "auditor"));
    const twin = `${unlocking.slice(0, -2)}52`;
    assert.equal(await outcomeOf(tx, twin), "seen");
    assert.equal(await outcomeOf(tx, unlocking), "conflict");
    net.chain.mine();
    assert.equal(
      await net.port.spentBy(tx.inputs[0]?.txid ?? "", 0),
      txidOf(rawTxBytes(tx, [twin])),
      "whoever waits for the settlement has to follow what it spends, not its txid alone",
    );
  });
});
