/** Payout of 10,000 backers and settlement of 100 deposits. Floors: one pass over the boosts; signatures alone. */
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { transactionOf } from "@meme-rounds/shared-schema/settlement";
import { planSettlement } from "@meme-rounds/shared-schema/settlement-plan";
import { preimages } from "@meme-rounds/shared-schema/sighash";
import { signPreimage } from "@meme-rounds/shared-schema/unlock";
import { auditorSignatures, signSettlement } from "../../../server/src/payment/index.ts";
import { makePlayers, memeIdOf, nextVoucher, openWithDeposits, type Player } from "./crowd.ts";
import { type Figure, medianMs } from "./measure.ts";

const BACKERS = 10_000;
const DEPOSITS = 100;

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
  const settle = () => {
    const planned = planSettlement({
      open: small.open,
      deposits: [...small.players.values()].flatMap(({ playKey, deposits }) =>
        deposits.map((one) => ({ ...one, playKey })),
      ),
      outcome: { kind: "result", result: outcome.result },
      carryCoins: [],
      operatorCoins: [],
      feeSatPerKb: 100,
    });
    if (!planned.ok) throw new Error(planned.code);
    const signatures = auditorSignatures(planned.plan, signers.auditor.secret);
    const signed = signSettlement(planned.plan, signers.operator.secret, {
      publicKey: signers.auditor.playKey,
      signatures,
    });
    return { plan: planned.plan, bytes: signed.rawHex.length / 2 };
  };
  const { plan, bytes } = settle();
  const settlement = await medianMs(5, settle);
  const preimageOf = preimages(transactionOf(plan));
  const all = Array.from({ length: DEPOSITS }, (_, at) => preimageOf(at));
  const signaturesAlone = await medianMs(5, () => {
    for (const { secret } of [signers.auditor, signers.operator])
      for (const preimage of all) signPreimage(preimage, secret);
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
