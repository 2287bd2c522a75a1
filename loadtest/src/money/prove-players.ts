/**
 * What players remember against journals and chain (R9, E8, E9). Owns: receipts, each player's own deposits, each
 * player's address as a whole. Does not own: a round's settlement (prove-round.ts). What players know comes from their
 * own notes only: nothing here was told by the server afterwards.
 */
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { isGenuineReceipt } from "@meme-rounds/shared-schema/receipt";
import type { Entry } from "@meme-rounds/shared-schema/records";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import type { ChainView } from "./chain-view.ts";
import type { Mismatch, RoundProof } from "./prove-round.ts";

/** R9: an accepted command, with what was sent. */
export interface KeptReceipt {
  roundId: string;
  seq: number;
  at: number;
  hash: string;
  sig: string;
  kind: "deposit" | "enter" | "boost";
  /** txid of a deposit, bytes of a voucher. */
  sent: string;
}

export interface KeptDeposit {
  roundId: string;
  txid: string;
  sats: number;
  /** The coins its transaction spends. */
  coins: readonly { txid: string; vout: number }[];
  /** What the server said: a code, `accepted`, or nothing. */
  answer: string;
}

/** What one player has noted down. */
export interface PlayerNotes {
  playKey: string;
  receipts: readonly KeptReceipt[];
  deposits: readonly KeptDeposit[];
  /** Transactions of its own making or asking, deposits aside: funding, attempts to spend a deposit's coin again. */
  otherTxids: readonly string[];
  /** What transactions spend whose outputs it deposited: settlements, as they were at that time. */
  ancestors: readonly { txid: string; coins: readonly { txid: string; vout: number }[] }[];
  /** Has never tried to spend a coin twice. */
  isHonest: boolean;
}

export interface ProvenRound {
  state: RoundState;
  entries: readonly Entry[];
  proof: RoundProof;
}

export interface PlayersProof {
  receipts: number;
  /** Deposits on the chain that no journal counts and nobody has spent: their players can take them back. */
  refundable: { outpoint: string; sats: number; roundId: string; playKey: string; answer: string }[];
  /** Counted nowhere though their players never spent a coin twice: pushed out of the chain before the freeze. */
  honestDropped: number;
  /** Deposits that never reached the chain, or were pushed out of it. */
  gone: number;
  mismatches: Mismatch[];
}

function holds({ record }: Entry, receipt: KeptReceipt): boolean {
  if (record.seq !== receipt.seq || record.at !== receipt.at || record.kind !== receipt.kind) return false;
  if (record.kind === "deposit") return record.body.txid === receipt.sent;
  return (record.kind === "enter" || record.kind === "boost") && record.body.voucher === receipt.sent;
}

function checkReceipt(receipt: KeptReceipt, round: ProvenRound | undefined): string | undefined {
  if (round === undefined) return "there is no journal of its round";
  const { open, roundTag } = round.state;
  const { seq, at, hash, sig } = receipt;
  if (!isGenuineReceipt(roundTag, { seq, at, hash, sig }, open.receiptKey))
    return "its signature is not genuine";
  const entry = round.entries[seq - 1];
  if (entry === undefined || entry.hash !== hash) return `record ${seq} is another one or missing`;
  return holds(entry, receipt) ? undefined : `record ${seq} does not say what was sent`;
}

/** Every player's notes against the rounds; `rounds` by roundId. */
export async function provePlayers(
  players: readonly PlayerNotes[],
  rounds: ReadonlyMap<string, ProvenRound>,
  chain: ChainView,
): Promise<PlayersProof> {
  const out: PlayersProof = { receipts: 0, refundable: [], honestDropped: 0, gone: 0, mismatches: [] };
  const settlements = new Map<string, string>();
  for (const [roundId, { proof }] of rounds)
    for (const txid of proof.txids) {
      const other = settlements.get(txid);
      if (other !== undefined)
        out.mismatches.push({
          rule: "M3",
          what: `one transaction settles ${other} too`,
          roundId,
          txids: [txid],
        });
      settlements.set(txid, roundId);
    }
  for (const notes of players) {
    for (const receipt of notes.receipts) {
      out.receipts += 1;
      const why = checkReceipt(receipt, rounds.get(receipt.roundId));
      const { roundId, kind } = receipt;
      if (why !== undefined)
        out.mismatches.push({
          rule: "R9",
          what: `a ${kind}'s receipt is not honoured: ${why}`,
          roundId,
          playKey: notes.playKey,
        });
    }
    for (const deposit of notes.deposits) await checkDeposit(notes, deposit, rounds, chain, out);
    await checkAddress(notes, rounds, settlements, chain, out);
  }
  return out;
}

async function checkDeposit(
  { playKey, isHonest }: PlayerNotes,
  { roundId, txid, sats, answer }: KeptDeposit,
  rounds: ReadonlyMap<string, ProvenRound>,
  chain: ChainView,
  out: PlayersProof,
): Promise<void> {
  const outpoint = `${txid}:0`;
  const journalled = rounds.get(roundId)?.proof.deposits.get(outpoint);
  if (journalled !== undefined && (journalled.playKey !== playKey || journalled.sats !== sats))
    out.mismatches.push({ rule: "M1", what: `the journal has ${outpoint} wrong`, roundId, playKey });
  if (journalled !== undefined && journalled.fate !== "dropped") return;
  if (journalled !== undefined && isHonest) out.honestDropped += 1;
  if ((await chain.tx(txid)) === undefined) {
    out.gone += 1;
    return;
  }
  const spender = await chain.spentBy(txid, 0);
  if (spender === undefined) out.refundable.push({ outpoint, sats, roundId, playKey, answer });
  else
    out.mismatches.push({
      rule: "M2",
      what: `the deposit ${outpoint}, which counts nowhere (${answer}), was spent`,
      roundId,
      playKey,
      txids: [spender],
    });
}

/** Nothing touches a player's address but its own doing and settlements; those paid exactly what each round's proof says. */
async function checkAddress(
  notes: PlayerNotes,
  rounds: ReadonlyMap<string, ProvenRound>,
  settlements: ReadonlyMap<string, string>,
  chain: ChainView,
  out: PlayersProof,
): Promise<void> {
  const { playKey } = notes;
  const own = new Set([...notes.otherTxids, ...notes.deposits.map(({ txid }) => txid)]);
  const script = p2pkhScript(playKey);
  const received = new Map<string, number>();
  for (const txid of await chain.history(addressOf(playKey, "devchain"))) {
    const roundId = settlements.get(txid);
    if (roundId === undefined) {
      if (!own.has(txid))
        out.mismatches.push({
          rule: "E9",
          what: "something unknown touches a player's coins",
          playKey,
          txids: [txid],
        });
      continue;
    }
    const tx = await chain.tx(txid);
    for (const output of tx?.outputs ?? [])
      if (output.script === script) received.set(roundId, (received.get(roundId) ?? 0) + output.sats);
  }
  for (const [roundId, { proof }] of rounds) {
    const paid = proof.paid.get(playKey) ?? 0;
    if ((received.get(roundId) ?? 0) !== paid)
      out.mismatches.push({
        rule: "E9",
        what: `the player's address received ${received.get(roundId) ?? 0} sat, the settlement shows ${paid}`,
        roundId,
        playKey,
      });
  }
}
