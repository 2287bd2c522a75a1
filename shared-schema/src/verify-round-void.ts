/**
 * Checks of a voided round (M10, E10). Its journal is not published (R6), so they start from the money: what the settlement
 * spends, what came back to whom, and that this is all the ledger's link speaks of. Pure.
 */
import { fromHex, toHex } from "./bytes.ts";
import { entryIdOf, parseEscrow } from "./escrow.ts";
import { hash160 } from "./hash.ts";
import { payoutHashOf } from "./ledger-link.ts";
import { outpointOf } from "./payout.ts";
import { pushesOf, type RawTransaction } from "./tx-read.ts";
import {
  type CheckId,
  type Finding,
  type Known,
  must,
  plural,
  type RoundEvidence,
  short,
} from "./verify-round-parts.ts";
import { onceMined } from "./verify-round-settlement.ts";

interface VoidDeposit {
  txid: string;
  /** sat. */
  sats: number;
  /** hash160 of the player's key. */
  playHash: string;
  /** The player's key, where the deposit's own inputs show it. */
  playKey?: string;
}

const NOT_THERE = "the chain shows no settlement of this round yet";

/** The key behind a hash, as it stands in the unlocking scripts of a transaction. */
function keyIn(tx: RawTransaction, playHash: string): string | undefined {
  return tx.inputs
    .map(({ unlocking }) => pushesOf(unlocking)?.at(-1) ?? "")
    .find((key) => /^0[23][0-9a-f]{64}$/.test(key) && toHex(hash160(fromHex(key))) === playHash);
}

/** What the settlement takes out of escrows. Throws Wrong on one that is not of this round. */
function depositsOf({ settlement, sources, network, roundId }: RoundEvidence): VoidDeposit[] {
  const entryId = entryIdOf(network, roundId);
  return settlement.flatMap(({ tx }) =>
    tx.inputs.flatMap(({ txid, vout, unlocking }) => {
      if (pushesOf(unlocking)?.length !== 5) return [];
      const source = sources.get(txid);
      const output = source?.outputs[vout];
      must(source !== undefined && output !== undefined, `the deposit ${short(txid)} is not on the chain`);
      const escrow = parseEscrow(output.script);
      must(escrow?.entryId === entryId, `${short(txid)} is not a deposit of this round`);
      const playKey = keyIn(source, escrow.playHash);
      return [{ txid, sats: output.sats, playHash: escrow.playHash, ...(playKey ? { playKey } : {}) }];
    }),
  );
}

const sumBy = (deposits: readonly VoidDeposit[], name: (one: VoidDeposit) => string): Map<string, number> => {
  const sums = new Map<string, number>();
  for (const one of deposits) sums.set(name(one), (sums.get(name(one)) ?? 0) + one.sats);
  return sums;
};
const total = (items: readonly { sats: number }[]): number => items.reduce((sum, { sats }) => sum + sats, 0);

const checkDeposits = (evidence: RoundEvidence): Finding => {
  if (evidence.settlement.length === 0) return { ok: "skipped", reason: NOT_THERE };
  const deposits = depositsOf(evidence);
  must(deposits.length > 0, "what is said to be the settlement spends no deposit");
  return {
    ok: true,
    numbers: { deposits: deposits.length, sat: total(deposits) },
    details: ["Each is locked to this round, looked at in its own transaction."],
  };
};

/** The link's fingerprint is of exactly these deposits: none was left out of the settlement. */
const checkPayouts = (evidence: RoundEvidence, { link }: Known): Finding => {
  const deposits = depositsOf(evidence);
  const unseen = deposits.filter(({ playKey }) => playKey === undefined).length;
  if (unseen > 0)
    return { ok: "skipped", reason: `whose they are cannot be seen of ${plural(unseen, "deposit")}` };
  const returned = [...sumBy(deposits, ({ playKey = "" }) => playKey)].map(([playKey, sats]) => ({
    playKey,
    sats,
  }));
  const hash = payoutHashOf({ kind: "void", returned });
  must(hash === link?.body.payoutHash, "the deposits that came back are not those the ledger speaks of");
  return { ok: true, numbers: { players: returned.length, sat: total(returned) } };
};

/** Every player gets back what it put in, in one output, to the satoshi (E10). */
const checkOutputs = (evidence: RoundEvidence): Finding => {
  const { settlement } = evidence;
  const due = sumBy(depositsOf(evidence), ({ playHash }) => playHash);
  const players = due.size;
  const spentHere = new Set(settlement.flatMap(({ tx }) => tx.inputs.map(outpointOf)));
  for (const { tx } of settlement)
    for (const [vout, { sats, script }] of tx.outputs.entries()) {
      const hash = /^76a914([0-9a-f]{40})88ac$/.exec(script)?.[1];
      if (hash === undefined) {
        must(spentHere.has(`${tx.txid}:${vout}`), `${sats} sat of the settlement go to nobody who played`);
        continue;
      }
      const sum = due.get(hash);
      // An output to another key is the operator's change: its own coin pays the miner (E10).
      if (sum === undefined) continue;
      must(sum === sats, `a player put in ${sum} sat and got ${sats} back`);
      due.delete(hash);
    }
  must(due.size === 0, `${plural(due.size, "player")} got nothing back`);
  return onceMined(evidence, {
    ok: true,
    numbers: { transactions: settlement.length, players },
    txids: settlement.map(({ tx }) => tx.txid),
  });
};

/** Instead of the usual checks, and what they hang on. */
export const VOID_CHECKS: Partial<
  Record<CheckId, { needs: CheckId[]; check: (evidence: RoundEvidence, known: Known) => Finding }>
> = {
  deposits: { needs: ["link"], check: checkDeposits },
  payouts: { needs: ["deposits"], check: checkPayouts },
  outputs: { needs: ["deposits"], check: checkOutputs },
};
