/**
 * Money on one core: a payout, a small and a large settlement, deposits. Floors: one pass over the boosts; signatures
 * and script interpretation alone.
 */
import { LockingScript, Transaction } from "@bsv/sdk";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { entryIdOf, escrowScript } from "@meme-rounds/shared-schema/escrow";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { deadlineOf } from "@meme-rounds/shared-schema/rules";
import {
  outpointOf,
  type SettlementBasis,
  sumOf,
  transactionOf,
} from "@meme-rounds/shared-schema/settlement";
import { checkSettlement } from "@meme-rounds/shared-schema/settlement-check";
import { planSettlement } from "@meme-rounds/shared-schema/settlement-plan";
import { FINAL_SEQUENCE, type PlainTx, preimages, rawTxBytes } from "@meme-rounds/shared-schema/sighash";
import { p2pkhUnlock, signPreimage } from "@meme-rounds/shared-schema/unlock";
import { verifyInputScripts } from "../../../server/src/chain/index.ts";
import { createDigestSigner } from "../../../server/src/infra/ecdsa.ts";
import { auditorSignatures, collectSignatures, signSettlement } from "../../../server/src/payment/index.ts";
import { readSent } from "../../../server/src/payment/transaction.ts";
import { makePlayers, memeIdOf, nextVoucher, openWithDeposits, type Player } from "./crowd.ts";
import { type Figure, medianMs } from "./measure.ts";

const BACKERS = 10_000;
const DEPOSITS = 100;
/** Deposits that are validated for a figure. */
const VALIDATED = 300;
const COINS = 200;
const COIN_SATS = 100_000;
const MAX_SAT_PER_KB = 500;
const sign = createDigestSigner();

function keys() {
  const [operator, auditor] = makePlayers(2);
  if (!operator || !auditor) throw new Error("no keys");
  return { operator, auditor };
}
type Signers = ReturnType<typeof keys>;

/** A settled state: every player has boosted one meme once. */
function finished(players: readonly Player[], memes: number, signers: Signers): RoundState {
  const round = openWithDeposits(players, memes, {
    operator: signers.operator.playKey,
    auditor: signers.auditor.playKey,
  });
  for (const [index, player] of players.entries()) {
    const memeId = memeIdOf((index + 1) % memes);
    const voucher = nextVoucher(round.state, player, "boost", memeId, 100 + (index % 900));
    round.add({ kind: "boost", body: { voucher: voucher.bytes } }, { sig: voucher.sig });
  }
  round.add({ kind: "phase", body: { to: "blind" } });
  round.add({ kind: "phase", body: { to: "settling" } });
  round.add({ kind: "freeze", body: { dropped: [], voidMemes: [] } });
  return round.state;
}

function basisOf(state: RoundState): SettlementBasis {
  const outcome = computeOutcome(state);
  if (outcome.kind !== "result") throw new Error("the bench round was voided");
  return {
    open: state.open,
    deposits: [...state.players.values()].flatMap(({ playKey, deposits }) =>
      deposits.map((one) => ({ ...one, playKey })),
    ),
    outcome: { kind: "result", result: outcome.result },
    carryCoins: [],
  };
}

/** CPU seconds of this process since `from`. */
function cpuSince(from: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1e6;
}

/** Everything that is computed between a journal and the bytes to send: the operator's part, and the auditor's. */
function settle(basis: SettlementBasis, signers: Signers, feeSatPerKb: number, isMined: boolean) {
  const operator = { secret: signers.operator.secret, sign };
  const auditor = { secret: signers.auditor.secret, sign };
  const script = p2pkhScript(signers.operator.playKey);
  const operatorCoins = Array.from({ length: COINS }, (_, vout) => ({
    txid: memeIdOf(0),
    vout,
    sats: COIN_SATS,
    script,
  }));
  const mined = new Set(isMined ? basis.deposits.map(outpointOf) : []);
  const start = process.cpuUsage();
  const planned = planSettlement({ ...basis, operatorCoins, feeSatPerKb, mined });
  if (!planned.ok) throw new Error(planned.code);
  const { plan } = planned;
  const planning = cpuSince(start);
  const given = { publicKey: signers.operator.playKey, collectSignatures: collectSignatures(plan, operator) };
  const checked = checkSettlement(plan, { ...basis, maxSatPerKb: MAX_SAT_PER_KB });
  if (!checked.ok) throw new Error(checked.reason);
  const { signatures } = auditorSignatures(plan, given, auditor);
  const cosigned = cpuSince(start);
  const keysOf = { round: operator, forScript: () => operator };
  const signed = signSettlement(plan, keysOf, { publicKey: signers.auditor.playKey, signatures });
  const bytes = signed.reduce((sum, { rawHex }) => sum + rawHex.length / 2, 0);
  const fee = plan.txs.reduce((sum, { minerFee }) => sum + minerFee, 0);
  return { plan, bytes, fee, planning, cosigning: cosigned - planning, whole: cpuSince(start) };
}

/** `count` deposits of one P2PKH input each, and what they spend. */
function deposits(state: RoundState, players: readonly Player[], count: number) {
  const { network, roundId, operatorKey, auditorKey, rules, closesAt } = state.open;
  const about = {
    entryId: entryIdOf(network, roundId),
    operatorKey,
    auditorKey,
    deadline: deadlineOf(rules, closesAt),
  };
  return players.slice(0, count).map(({ secret, playKey }, at) => {
    const own = p2pkhScript(playKey);
    const escrow = escrowScript({ ...about, playKey });
    const source = { txid: memeIdOf(at), vout: 0, sats: 52_000, script: own };
    const outputs = [
      { sats: 50_000, script: escrow },
      { sats: 1_900, script: own },
    ];
    const inputs = [{ ...source, sequence: FINAL_SEQUENCE }];
    const tx: PlainTx = { version: 1, inputs, outputs, locktime: 0 };
    const signature = signPreimage(preimages(tx)(0), secret, sign);
    const rawHex = toHex(rawTxBytes(tx, [p2pkhUnlock({ signature, publicKey: playKey })]));
    return { rawHex, source, about: { ...about, playKey } };
  });
}
type Deposit = ReturnType<typeof deposits>[number];

function interpret({ rawHex, source }: Deposit): void {
  const lockingScript = LockingScript.fromHex(source.script);
  const spent = { satoshis: source.sats, lockingScript };
  const verdict = verifyInputScripts(Transaction.fromHex(rawHex), () => spent);
  if (!verdict.ok) throw new Error(verdict.reason);
}

/** What the payment service computes about a deposit; what it asks the network is left out. */
function validate(one: Deposit): void {
  const sent = readSent(one.rawHex);
  if (sent?.tx.outputs[0]?.script !== escrowScript(one.about)) throw new Error("not the round's escrow");
  if (sumOf([one.source]) < sumOf(sent.tx.outputs)) throw new Error("it spends more than it has");
  interpret(one);
}

function benchLarge(state: RoundState, signers: Signers): { figures: Figure[]; perDeposit: number } {
  const basis = basisOf(state);
  const warm = settle(basis, signers, 100, true);
  const figures: Figure[] = [];
  let perDeposit = warm.whole / BACKERS;
  const preimageOf = preimages(
    transactionOf(warm.plan.txs[0] ?? { kind: "direct", inputs: [], outputs: [], minerFee: 0 }),
  );
  const start = process.cpuUsage();
  for (let at = 0; at < BACKERS; at++)
    for (const { secret } of [signers.auditor, signers.operator])
      signPreimage(preimageOf(at % 100), secret, sign);
  const floor = { name: `${2 * BACKERS} signatures alone`, value: cpuSince(start) };
  for (const [isMined, how] of [
    [true, "all mined"],
    [false, "none mined"],
  ] as const) {
    const name = `${BACKERS} players settled, ${how}`;
    const [low, high] = [settle(basis, signers, 1, isMined), settle(basis, signers, 100, isMined)];
    perDeposit = Math.max(low.whole, high.whole) / BACKERS;
    figures.push(
      { name: `${name}: plan`, value: high.planning, unit: "CPU s" },
      { name: `${name}: check and co-sign`, value: high.cosigning, unit: "CPU s" },
      { name: `${name}: plan, co-sign, sign`, value: high.whole, unit: "CPU s", floor },
      { name: `${name}: transactions`, value: high.plan.txs.length, unit: "" },
      { name: `${name}: bytes`, value: high.bytes, unit: "bytes" },
      { name: `${name}: fee at 1 sat/KB`, value: low.fee, unit: "sat" },
      { name: `${name}: fee at 100 sat/KB`, value: high.fee, unit: "sat" },
    );
  }
  return { figures, perDeposit };
}

/** `perDeposit`: CPU seconds of a deposit's part in its settlement. */
function benchDeposits(state: RoundState, players: readonly Player[], perDeposit: number): Figure[] {
  const all = deposits(state, players, VALIDATED);
  for (const one of all.slice(0, 50)) validate(one);
  const secondsEach = (work: (one: Deposit) => void): number => {
    const start = process.cpuUsage();
    for (const one of all) work(one);
    return cpuSince(start) / all.length;
  };
  // By turns, the best of each: neither is to gain by what the machine does meanwhile.
  const turns = Array.from({ length: 3 }, () => [secondsEach(interpret), secondsEach(validate)] as const);
  const bare = Math.min(...turns.map(([one]) => one));
  const whole = Math.min(...turns.map(([, one]) => one));
  const [first] = players;
  if (!first) throw new Error("no players");
  const preimage = new Uint8Array(182);
  const twoSignatures = secondsEach(() => {
    signPreimage(preimage, first.secret, sign);
    signPreimage(preimage, first.secret, sign);
  });
  return [
    {
      name: "deposits validated, one core",
      value: 1 / whole,
      unit: "a second",
      floor: { name: "interpretation alone", value: 1 / bare },
    },
    {
      name: "deposits validated and settled, one core",
      value: 60 / (whole + perDeposit),
      unit: "a minute",
      floor: { name: "bare interpretation and two signatures", value: 60 / (bare + twoSignatures) },
    },
  ];
}

export async function benchMoney(): Promise<Figure[]> {
  const signers = keys();
  const players = makePlayers(BACKERS);
  const crowd = finished(players, 100, signers);
  const payout = await medianMs(5, () => computeOutcome(crowd));
  const pass = await medianMs(5, () => {
    let total = 0n;
    for (const meme of crowd.memes.values())
      for (const backer of meme.backers.values()) total += backer.score;
    return total;
  });

  const small = basisOf(finished(players.slice(0, DEPOSITS), 10, signers));
  const { plan, bytes } = settle(small, signers, 100, true);
  const settlement = await medianMs(5, () => settle(small, signers, 100, true));
  const [only] = plan.txs;
  if (!only) throw new Error("no transaction");
  const preimageOf = preimages(transactionOf(only));
  const all = Array.from({ length: DEPOSITS }, (_, at) => preimageOf(at));
  const signaturesAlone = await medianMs(5, () => {
    for (const { secret } of [signers.auditor, signers.operator])
      for (const preimage of all) signPreimage(preimage, secret, sign);
  });
  const large = benchLarge(crowd, signers);
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
    ...large.figures,
    ...benchDeposits(crowd, players, large.perDeposit),
  ];
}
