/** Payout of 10,000 backers and settlement of 100 deposits. Floors: one pass over the boosts; signatures alone. */

import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import { outpointOf, type SettlementPlan, transactionOf } from "@meme-rounds/shared-schema/settlement";
import { planSettlement } from "@meme-rounds/shared-schema/settlement-plan";
import { preimages } from "@meme-rounds/shared-schema/sighash";
import { signPreimage } from "@meme-rounds/shared-schema/unlock";
import { createDigestSigner } from "../../../server/src/infra/ecdsa.ts";
import { auditorSignatures, collectSignatures, signSettlement } from "../../../server/src/payment/index.ts";
import { makePlayers, memeIdOf, nextVoucher, openWithDeposits, type Player } from "./crowd.ts";
import { type Figure, medianMs } from "./measure.ts";

const BACKERS = 10_000;
const DEPOSITS = 100;

function only({ txs }: SettlementPlan): SettlementPlan["txs"][number] {
  const [tx] = txs;
  if (!tx || txs.length > 1) throw new Error("not one transaction");
  return tx;
}

function keys() {
  const [operator, auditor] = makePlayers(2);
  if (!operator || !auditor) throw new Error("no keys");
  return { operator, auditor };
}

/** A settled state: every player has boosted one meme once. */
function finished(players: readonly Player[], memes: number, signers: ReturnType<typeof keys>) {
  const round = openWithDeposits(players, memes, {
    operator: signers.operator.playKey,
    auditor: signers.auditor.playKey,
  });
  for (const [index, player] of players.entries()) {
    const voucher = nextVoucher(
      round.state,
      player,
      "boost",
      memeIdOf((index + 1) % memes),
      100 + (index % 900),
    );
    round.add({ kind: "boost", body: { voucher: voucher.bytes } }, { sig: voucher.sig });
  }
  round.add({ kind: "phase", body: { to: "blind" } });
  round.add({ kind: "phase", body: { to: "settling" } });
  round.add({ kind: "freeze", body: { dropped: [], voidMemes: [] } });
  return round.state;
}

export async function benchMoney(): Promise<Figure[]> {
  const signers = keys();
  const signer = createDigestSigner();
  const crowd = finished(makePlayers(BACKERS), 100, signers);
  const payout = await medianMs(5, () => computeOutcome(crowd));
  const pass = await medianMs(5, () => {
    let total = 0n;
    for (const meme of crowd.memes.values())
      for (const backer of meme.backers.values()) total += backer.score;
    return total;
  });

  const small = finished(makePlayers(DEPOSITS), 10, signers);
  const outcome = computeOutcome(small);
  if (outcome.kind !== "result") throw new Error("the bench round was voided");
  const coin = {
    txid: memeIdOf(0),
    vout: 0,
    sats: 1_000_000,
    script: p2pkhScript(signers.operator.playKey),
  };
  const operator = { secret: signers.operator.secret, sign: signer };
  const auditor = { secret: signers.auditor.secret, sign: signer };
  const settle = () => {
    const planned = planSettlement({
      open: small.open,
      deposits: [...small.players.values()].flatMap(({ playKey, deposits }) =>
        deposits.map((one) => ({ ...one, playKey })),
      ),
      outcome: { kind: "result", result: outcome.result },
      carryCoins: [],
      operatorCoins: [coin],
      feeSatPerKb: 100,
      mined: new Set([...small.players.values()].flatMap(({ deposits }) => deposits.map(outpointOf))),
    });
    if (!planned.ok) throw new Error(planned.code);
    const { signatures } = auditorSignatures(
      planned.plan,
      { publicKey: signers.operator.playKey, collectSignatures: collectSignatures(planned.plan, operator) },
      auditor,
    );
    const signed = signSettlement(
      planned.plan,
      { round: operator, forScript: () => operator },
      { publicKey: signers.auditor.playKey, signatures },
    );
    return { plan: planned.plan, bytes: signed.reduce((sum, { rawHex }) => sum + rawHex.length / 2, 0) };
  };
  const { plan, bytes } = settle();
  const settlement = await medianMs(5, settle);
  const preimageOf = preimages(transactionOf(only(plan)));
  const all = Array.from({ length: DEPOSITS }, (_, at) => preimageOf(at));
  const signaturesAlone = await medianMs(5, () => {
    for (const { secret } of [signers.auditor, signers.operator])
      for (const preimage of all) signPreimage(preimage, secret, signer);
  });
  return [
    {
      name: `payout of ${BACKERS} backers`,
      value: payout,
      unit: "ms",
      floor: { name: "one pass over their scores", value: pass },
    },
    {
      name: `settlement of ${DEPOSITS} deposits: plan, co-sign, sign`,
      value: settlement,
      unit: "ms",
      floor: { name: "its 200 signatures alone", value: signaturesAlone },
    },
    { name: `settlement of ${DEPOSITS} deposits`, value: bytes, unit: "bytes" },
  ];
}
