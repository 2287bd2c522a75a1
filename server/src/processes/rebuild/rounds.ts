/**
 * A finished round as the chain alone tells it (M6). Owns: reading and verifying its journal's file, finding its
 * settlement by who spent the deposits, and what can be said of a voided round, which has no file. Pure but for the
 * chain's answers. Does not own: where it is put (restore.ts).
 */

import { fromHex, toHex } from "@meme-rounds/shared-schema/bytes";
import type { VerifyCompact } from "@meme-rounds/shared-schema/crypto";
import { hash160 } from "@meme-rounds/shared-schema/hash";
import type { LinkBody } from "@meme-rounds/shared-schema/ledger-link";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { unpackJournal } from "@meme-rounds/shared-schema/mrj1-file";
import { verifyCompactJournal } from "@meme-rounds/shared-schema/mrj1-verify";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import type { Entry } from "@meme-rounds/shared-schema/records";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { amountsDue, type CarryCoin, outpointOf } from "@meme-rounds/shared-schema/settlement";
import { pushesOf, type RawTransaction, readRawTx } from "@meme-rounds/shared-schema/tx-read";
import type { ChainPort } from "../../chain/index.ts";
import { depositCoinsOf } from "../../payment/settlement/basis.ts";
import type { ArchivedRound } from "../../round/directory.ts";
import { archivedOf } from "../../round/snapshot.ts";

type Chain = Pick<ChainPort, "rawTx" | "spentBy">;
export interface Payout {
  playKey: string;
  sats: number;
  txid: string;
  vout: number;
}
export interface RebuiltRound {
  archived: ArchivedRound;
  /** Absent in a voided round. */
  entries?: Entry[];
  /** What the entries add up to. */
  state?: RoundState;
  txids: string[];
  payouts: Payout[];
  carry?: CarryCoin;
  /** Rounds whose carry this one consumed. */
  consumed: string[];
}
/** A round that does not verify: named, and left out. */
export class RoundDamaged extends Error {}

const POT = /^76a914[0-9a-f]{40}88ad76a914[0-9a-f]{40}88ac$/;
const byText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** A closed round. Throws RoundDamaged when its file is not what its link says, or does not verify. */
export async function closedRound(
  body: LinkBody,
  file: { roundId: string; file: Uint8Array } | undefined,
  deps: { chain: Chain; verify: VerifyCompact },
): Promise<RebuiltRound> {
  const { roundId, journalHash } = body;
  if (file?.roundId !== roundId) throw new RoundDamaged(`${roundId}: its journal's file is not on the chain`);
  const entries = await unpackJournal(file.file).catch((cause: unknown): never => {
    throw new RoundDamaged(`${roundId}: its journal's file cannot be read`, { cause });
  });
  if (entries.at(-1)?.hash !== journalHash)
    throw new RoundDamaged(`${roundId}: the file does not hold the journal its link names`);
  const verified = verifyCompactJournal(entries, deps.verify);
  if (!verified.ok) throw new RoundDamaged(`${roundId}: record ${verified.seq}: ${verified.reason}`);
  const { state } = verified;
  const txs = await settlementOf(state, deps.chain);
  const outcome = computeOutcome(state);
  const due = amountsDue(outcome);
  const { auditorKey } = state.open;
  const carryOut = outcome.kind === "result" ? outcome.result.carryOut : 0;
  const carry = carryCoin(roundId, txs, carryOut, auditorKey);
  return {
    archived: archivedOf(state),
    entries,
    state,
    txids: txs.map(({ txid }) => txid),
    payouts: due.flatMap(({ playKey, sats }) => payoutIn(txs, playKey, sats)),
    ...(carry === undefined ? {} : { carry }),
    consumed: state.open.carryFrom.map((from) => from.roundId),
  };
}

function payoutIn(txs: readonly RawTransaction[], playKey: string, sats: number): Payout[] {
  const script = p2pkhScript(playKey);
  for (const tx of txs) {
    const vout = tx.outputs.findIndex((output) => output.script === script && output.sats === sats);
    if (vout >= 0) return [{ playKey, sats, txid: tx.txid, vout }];
  }
  return [];
}

function carryCoin(
  roundId: string,
  txs: readonly RawTransaction[],
  sats: number,
  auditorKey: string,
): CarryCoin | undefined {
  const payers = txs.filter(({ outputs }) => outputs.some(({ script }) => !POT.test(script)));
  for (const tx of payers) {
    const vout = tx.outputs.findIndex((output) => POT.test(output.script) && output.sats === sats);
    const script = tx.outputs[vout]?.script;
    if (sats > 0 && script !== undefined) return { roundId, txid: tx.txid, vout, sats, script, auditorKey };
  }
  return undefined;
}

/** Who spent the deposits and, from pots, paid the players; collects before payouts. */
async function settlementOf(state: RoundState, chain: Chain): Promise<RawTransaction[]> {
  const first = new Map<string, RawTransaction>();
  const spent = new Set<string>();
  const fetch = async (txid: string): Promise<RawTransaction | undefined> => {
    const raw = await chain.rawTx(txid);
    return raw === undefined ? undefined : readRawTx(raw);
  };
  for (const coin of depositCoinsOf(state)) {
    if (spent.has(outpointOf(coin))) continue;
    const by = await chain.spentBy(coin.txid, coin.vout);
    const tx = by === undefined ? undefined : await fetch(by);
    if (tx === undefined) continue;
    first.set(tx.txid, tx);
    for (const input of tx.inputs) spent.add(outpointOf(input));
  }
  const later = new Map<string, RawTransaction>();
  for (const tx of first.values()) {
    if (!tx.outputs.every(({ script }) => POT.test(script))) continue;
    for (const vout of tx.outputs.keys()) {
      const by = await chain.spentBy(tx.txid, vout);
      const payer = by === undefined || later.has(by) ? undefined : await fetch(by);
      if (payer !== undefined) later.set(payer.txid, payer);
    }
  }
  return [...first.values(), ...later.values()];
}

/**
 * A voided round (R6: its journal stays closed): what its link says and what came back. Memes, pot and jackpot are not
 * on the chain. `roundMs` is the length its neighbours had.
 */
export async function voidedRound(
  body: Extract<LinkBody, { outcome: "voided" }>,
  settlements: readonly RawTransaction[],
  deps: { roundMs: number; chain: Chain },
): Promise<RebuiltRound> {
  const { arena, roundId, journalHash, reason } = body;
  const opensAt = Number(roundId.slice(roundId.lastIndexOf("-") + 1)) * 1_000;
  const payouts: Payout[] = [];
  for (const tx of settlements) {
    const keys = await playKeysOf(tx, deps.chain);
    for (const [vout, { script, sats }] of tx.outputs.entries()) {
      const playKey = keys.get(script);
      if (playKey !== undefined) payouts.push({ playKey, sats, txid: tx.txid, vout });
    }
  }
  payouts.sort((a, b) => byText(a.playKey, b.playKey));
  return {
    archived: {
      roundId,
      arena,
      opensAt,
      closesAt: opensAt + deps.roundMs,
      outcome: "voided",
      reason,
      pot: 0,
      players: payouts.length,
      memes: 0,
      journalHash,
      memesRanked: [],
      payouts: payouts.map(({ playKey, sats }) => ({ playKey, won: 0, returned: sats })),
      fee: 0,
      seatFees: 0,
      carryIn: 0,
      carryOut: 0,
    },
    txids: settlements.map(({ txid }) => txid),
    payouts,
    consumed: [],
  };
}

/** Deposits are paid from the play key: its script -> the key, out of the deposits that a settlement spends. */
async function playKeysOf(settlement: RawTransaction, chain: Chain): Promise<Map<string, string>> {
  const keys = new Map<string, string>();
  for (const { txid, unlocking } of settlement.inputs) {
    if (pushesOf(unlocking)?.length !== 5) continue;
    const raw = await chain.rawTx(txid);
    const deposit = raw === undefined ? undefined : readRawTx(raw);
    for (const input of deposit?.inputs ?? []) {
      const key = pushesOf(input.unlocking)?.at(-1);
      if (key !== undefined && /^0[23][0-9a-f]{64}$/.test(key))
        keys.set(`76a914${toHex(hash160(fromHex(key)))}88ac`, key);
    }
  }
  return keys;
}
