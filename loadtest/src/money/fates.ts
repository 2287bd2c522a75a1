/**
 * Where a deposit is in the end (M1, M2, M3). Owns: following one deposit on the chain. Does not own: what the round makes
 * of it (prove-round.ts).
 */
import { entryIdOf, escrowScript } from "@meme-rounds/shared-schema/escrow";
import type { BodyOf } from "@meme-rounds/shared-schema/records";
import { deadlineOf } from "@meme-rounds/shared-schema/rules";
import type { ChainView, SeenTx } from "./chain-view.ts";

/** `lost`: counted, and killed by a mined rival. `dropped`: did not count. `open`: not settled, or not to be found. */
export type Fate = "collected" | "dropped" | "lost" | "refunded" | "open";

/** What the proof stands on. */
export interface RoundGround {
  chain: ChainView;
  /** Height to count depth from. */
  tip: number;
  /** Outpoints that a deposit's transaction spends, as its player noted them. */
  coinsOf(txid: string): readonly { txid: string; vout: number }[];
}

/** A deposit of a journal. */
export interface JournalDeposit {
  txid: string;
  vout: number;
  /** sat. */
  sats: number;
  playKey: string;
  isDropped: boolean;
}

export interface Followed {
  fate: Fate;
  /** The output on the chain is the escrow that the journal tells of; true as well where there is none. */
  isAsTold: boolean;
  /** What settles the round, when it was collected; a dropped one may have been collected as well. */
  settledBy?: SeenTx;
}

/** Follows one deposit of a round. Throws when the chain contradicts itself. */
export async function followDeposit(
  open: BodyOf<"open">,
  deposit: JournalDeposit,
  ground: RoundGround,
): Promise<Followed> {
  const { chain } = ground;
  const { txid, vout, isDropped } = deposit;
  const tx = await chain.tx(txid);
  if (tx === undefined) {
    if (isDropped) return { fate: "dropped", isAsTold: true };
    return { fate: (await isKilled(txid, ground)) ? "lost" : "open", isAsTold: true };
  }
  const isAsTold = isEscrow(open, deposit, tx);
  const spender = await chain.spentBy(txid, vout);
  if (spender === undefined) return { fate: isDropped ? "dropped" : "open", isAsTold };
  const by = await chain.tx(spender);
  const input = by?.inputs.find((one) => one.txid === txid && one.vout === vout);
  if (by === undefined || input === undefined) throw new Error(`the chain contradicts itself on ${spender}`);
  // OP_1 on top chooses the path that needs the operator and the auditor.
  return input.unlocking.endsWith("51")
    ? { fate: "collected", isAsTold, settledBy: by }
    : { fate: "refunded", isAsTold };
}

function isEscrow(open: BodyOf<"open">, { playKey, vout, sats }: JournalDeposit, tx: SeenTx): boolean {
  const script = escrowScript({
    entryId: entryIdOf(open.network, open.roundId),
    operatorKey: open.operatorKey,
    auditorKey: open.auditorKey,
    playKey,
    deadline: deadlineOf(open.rules, open.closesAt),
  });
  return tx.outputs[vout]?.script === script && tx.outputs[vout]?.sats === sats;
}

/** M3: only another spend of one of its coins, or of its unmined parents' coins, in a block makes a deposit lost. */
async function isKilled(depositTxid: string, ground: RoundGround): Promise<boolean> {
  const { chain, coinsOf } = ground;
  for (const { txid, vout } of coinsOf(depositTxid)) {
    if ((await chain.tx(txid)) === undefined) {
      if (await isKilled(txid, ground)) return true;
      continue;
    }
    const rival = await chain.spentBy(txid, vout);
    if (rival === undefined || rival === depositTxid) continue;
    if ((await chain.tx(rival))?.height !== undefined) return true;
  }
  return false;
}
