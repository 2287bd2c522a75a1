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

  it("M2: operator and auditor together settle it; neither can alone", async () => {
    const tx = spendOf(await deposit());
    const [operator, auditor] = [signed(tx, "operator"), signed(tx, "auditor")];
    assert.equal(await outcomeOf(tx, settleUnlock(operator, operator)), "SCRIPT");
    assert.equal(await outcomeOf(tx, settleUnlock(auditor, auditor)), "SCRIPT");
    assert.equal(await outcomeOf(tx, settleUnlock(operator, auditor)), "seen");
  });

  it("M2, M9: the player alone takes it back after the deadline, not before, and nobody else does", async () => {
    const input = await deposit();
    const early = refundUnlock(spendOf(input, DEADLINE - 1), 0, owner);
    const refund = refundUnlock(spendOf(input, DEADLINE), 0, owner);
    assert.equal(await outcomeOf(refund.tx, refund.unlocking), "NON_FINAL");
    await net.call("/dev/clock?seconds=86500");
    await net.call("/dev/mine?blocks=11");
    assert.equal(await outcomeOf(early.tx, early.unlocking), "SCRIPT");
    const thief = { secret: keys.secretOf("operator"), publicKey: keys.publicKeyOf("operator") };
    const stolen = refundUnlock(spendOf(input, DEADLINE), 0, thief);
    assert.equal(await outcomeOf(stolen.tx, stolen.unlocking), "SCRIPT");
    assert.equal(await outcomeOf(refund.tx, refund.unlocking), "seen");
  });
});
