/**
 * One round against the chain (E8, E9, E11, M1-M3). Owns: what the journal says each player gets, what the chain says
 * each player got, every difference. Does not own: what players remember (prove-players.ts), waiting, output.
 * The settlement is found from the chain alone: it is whatever spent the deposits. Nothing is asked of the server.
 */
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript, twoKeyScript } from "@meme-rounds/shared-schema/lock";
import { computeOutcome, droppedOutpoints, outpointOf } from "@meme-rounds/shared-schema/payout";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import type { ChainView, SeenTx } from "./chain-view.ts";
import { type Fate, followDeposit, type RoundGround } from "./fates.ts";

/** One thing that is not as it must be. */
export interface Mismatch {
  rule: string;
  what: string;
  roundId?: string;
  playKey?: string;
  txids?: string[];
}

export interface RoundProof {
  roundId: string;
  outcome: "result" | "void";
  /** By outpoint. */
  deposits: Map<string, { playKey: string; sats: number; fate: Fate }>;
  /** Every transaction that pays this round out. */
  txids: string[];
  /** Blocks on top of the shallowest of them, itself included; 0 while one is unmined. */
  depth: number;
  /** sat that the chain paid each play key for this round. */
  paid: Map<string, number>;
  /** sat, as are all below. */
  fee: number;
  seatFees: number;
  carryIn: number;
  carryOut: number;
  minerFee: number;
  /** What the operator's own coins gained by this round; negative when its float paid. */
  operatorNet: number;
  /** Outpoints of other rounds' carries that it spent. */
  carriesSpent: string[];
  /** Outpoint of its own carry. */
  carryMade?: string;
  mismatches: Mismatch[];
}

interface Money {
  collected: number;
  carryIn: number;
  carryOut: number;
  operatorIn: number;
  change: number;
  minerFee: number;
}

/** How many of a kind a mismatch names. */
const NAMED = 5;

const sum = (items: readonly { sats: number }[]): number =>
  items.reduce((total, { sats }) => total + sats, 0);

/** What the pure function gives each play key, sat. */
function dueOf(state: RoundState): Map<string, number> {
  const outcome = computeOutcome(state);
  const due = new Map<string, number>();
  if (outcome.kind === "void") for (const { playKey, sats } of outcome.returned) due.set(playKey, sats);
  else
    for (const { playKey, won, returned } of outcome.result.payouts)
      if (won + returned > 0) due.set(playKey, won + returned);
  return due;
}

/** Compares a finished round with the chain. */
export async function proveRound(state: RoundState, ground: RoundGround): Promise<RoundProof> {
  return await new RoundProver(state, ground).prove();
}

class RoundProver {
  private readonly state: RoundState;
  private readonly chain: ChainView;
  private readonly ground: RoundGround;
  private readonly proof: RoundProof;
  private readonly money: Money = {
    collected: 0,
    carryIn: 0,
    carryOut: 0,
    operatorIn: 0,
    change: 0,
    minerFee: 0,
  };
  private readonly txs = new Map<string, SeenTx>();
  private readonly lockScript: string;
  private readonly operatorScript: string;

  constructor(state: RoundState, ground: RoundGround) {
    this.state = state;
    this.ground = ground;
    this.chain = ground.chain;
    const { operatorKey, auditorKey, roundId } = state.open;
    this.lockScript = twoKeyScript(operatorKey, auditorKey);
    this.operatorScript = p2pkhScript(operatorKey);
    const outcome = computeOutcome(state);
    this.proof = {
      roundId,
      outcome: outcome.kind,
      deposits: new Map(),
      txids: [],
      depth: 0,
      paid: new Map(),
      fee: outcome.kind === "result" ? outcome.result.fee : 0,
      seatFees: outcome.kind === "result" ? outcome.result.seatFees : 0,
      carryIn: 0,
      carryOut: 0,
      minerFee: 0,
      operatorNet: 0,
      carriesSpent: [],
      mismatches: [],
    };
  }

  private wrong(rule: string, what: string, more: { playKey?: string; txids?: string[] } = {}): void {
    this.proof.mismatches.push({ rule, what, roundId: this.proof.roundId, ...more });
  }

  async prove(): Promise<RoundProof> {
    const { proof, money } = this;
    await this.followDeposits();
    await this.followPots();
    proof.txids = [...this.txs.keys()];
    for (const tx of this.txs.values()) await this.readTx(tx);
    // A round that nothing settles is said once, not once more for each of its players.
    if (this.txs.size > 0) {
      this.comparePayouts();
      this.compareSums();
    }
    const heights = [...this.txs.values()].map(({ height }) => height);
    const isMined = heights.every((height) => height !== undefined);
    proof.depth =
      heights.length === 0 || !isMined ? 0 : this.ground.tip - Math.max(...heights.map(Number)) + 1;
    proof.carryIn = money.carryIn;
    proof.carryOut = money.carryOut;
    proof.minerFee = money.minerFee;
    proof.operatorNet = money.change - money.operatorIn;
    return proof;
  }

  /** Where every deposit of the journal is now; whatever spent one by the settle path settles the round. */
  private async followDeposits(): Promise<void> {
    const { open, players } = this.state;
    const dropped = droppedOutpoints(this.state);
    for (const { playKey, deposits } of players.values())
      for (const deposit of deposits) {
        const outpoint = outpointOf(deposit);
        const isDropped = dropped.has(outpoint);
        const told = { ...deposit, playKey, isDropped };
        const { fate, isAsTold, settledBy } = await followDeposit(open, told, this.ground);
        this.proof.deposits.set(outpoint, { playKey, sats: deposit.sats, fate });
        if (!isAsTold)
          this.wrong("M1", `the deposit ${outpoint} is not on the chain as the journal says`, { playKey });
        if (settledBy === undefined) continue;
        this.txs.set(settledBy.txid, settledBy);
        if (isDropped)
          this.wrong("M1", `the dropped deposit ${outpoint} was collected`, {
            playKey,
            txids: [settledBy.txid],
          });
      }
    const unsettled = [...this.proof.deposits].flatMap(([outpoint, { fate }]) =>
      fate === "open" ? [outpoint] : [],
    );
    if (unsettled.length === 0) return;
    const named = unsettled.slice(0, NAMED).join(" ");
    this.wrong("M3", `${unsettled.length} of ${this.proof.deposits.size} deposits are not settled: ${named}`);
  }

  /** A transaction whose outputs are all locked to both keys makes pots: what spends them pays the players. */
  private async followPots(): Promise<void> {
    for (const tx of [...this.txs.values()]) {
      if (!this.isCollect(tx)) continue;
      for (const [vout] of tx.outputs.entries()) {
        const spender = await this.chain.spentBy(tx.txid, vout);
        const by = spender === undefined ? undefined : await this.chain.tx(spender);
        if (by === undefined) this.wrong("M3", `the pot ${tx.txid}:${vout} pays nobody yet`);
        else this.txs.set(by.txid, by);
      }
    }
  }

  private isCollect = (tx: SeenTx): boolean => tx.outputs.every(({ script }) => script === this.lockScript);

  private async readTx(tx: SeenTx): Promise<void> {
    const { money, proof } = this;
    let inputs = 0;
    for (const { txid, vout } of tx.inputs) {
      const outpoint = `${txid}:${vout}`;
      const deposit = proof.deposits.get(outpoint);
      const source = deposit ? undefined : await this.sourceOf(tx, txid, vout);
      inputs += deposit?.sats ?? source?.sats ?? 0;
      if (deposit) money.collected += deposit.sats;
      else if (source?.script === this.lockScript) {
        if (this.txs.has(txid)) continue; // a pot: inside the round
        money.carryIn += source.sats;
        proof.carriesSpent.push(outpoint);
      } else if (source !== undefined && /^76a914[0-9a-f]{40}88ac$/.test(source.script))
        money.operatorIn += source.sats;
      else
        this.wrong("M4", `the settlement spends ${outpoint}, which is not of this round`, {
          txids: [tx.txid],
        });
    }
    money.minerFee += inputs - sum(tx.outputs);
    if (!this.isCollect(tx)) this.readOutputs(tx);
  }

  private async sourceOf(by: SeenTx, txid: string, vout: number): Promise<{ sats: number; script: string }> {
    const output = (await this.chain.tx(txid))?.outputs[vout];
    if (output === undefined) throw new Error(`the chain does not know what ${by.txid} spends`);
    return output;
  }

  private readOutputs(tx: SeenTx): void {
    const { money, proof, state } = this;
    const byScript = new Map([...state.players.keys()].map((playKey) => [p2pkhScript(playKey), playKey]));
    for (const [vout, { sats, script }] of tx.outputs.entries()) {
      const playKey = byScript.get(script);
      const txids = [tx.txid];
      if (playKey !== undefined) {
        if (proof.paid.has(playKey)) this.wrong("E9", "a player is paid twice", { playKey, txids });
        proof.paid.set(playKey, (proof.paid.get(playKey) ?? 0) + sats);
      } else if (script === this.lockScript) {
        if (proof.carryMade !== undefined) this.wrong("E8", "the round makes two carries", { txids });
        proof.carryMade = `${tx.txid}:${vout}`;
        money.carryOut += sats;
      } else if (script === this.operatorScript) money.change += sats;
      else this.wrong("M4", `output ${vout} of ${sats} sat goes to somebody unknown`, { txids });
    }
  }

  private lostOf(playKey: string): number {
    return [...this.proof.deposits.values()].reduce(
      (total, one) => total + (one.playKey === playKey && one.fate === "lost" ? one.sats : 0),
      0,
    );
  }

  /** E9, M1: every player to the satoshi; who lost a deposit after the freeze bears that loss first. */
  private comparePayouts(): void {
    const due = dueOf(this.state);
    for (const playKey of new Set([...due.keys(), ...this.proof.paid.keys()])) {
      const owed = due.get(playKey) ?? 0;
      const paid = this.proof.paid.get(playKey) ?? 0;
      const lost = this.lostOf(playKey);
      if (paid === Math.max(0, owed - lost) || (lost > 0 && paid === owed)) continue;
      const address = addressOf(playKey, this.state.open.network);
      this.wrong("E9", `${address} is due ${owed} sat (${lost} lost) and was paid ${paid}`, {
        playKey,
        txids: this.proof.txids,
      });
    }
  }

  /** E8: what came in went out; carries as record 1 and the result say. */
  private compareSums(): void {
    const { money, proof, state } = this;
    const outcome = computeOutcome(state);
    const carryIn = outcome.kind === "result" ? state.carryIn : 0;
    const carryOut = outcome.kind === "result" ? outcome.result.carryOut : 0;
    if (money.carryIn !== carryIn)
      this.wrong("E11", `record 1 names ${carryIn} sat of carries, the settlement spends ${money.carryIn}`);
    if (money.carryOut !== carryOut)
      this.wrong("E8", `the carry is ${carryOut} sat, the settlement makes one of ${money.carryOut}`);
    const due = sum([...dueOf(state).values()].map((sats) => ({ sats })));
    const paid = sum([...proof.paid.values()].map((sats) => ({ sats })));
    const lost = sum([...proof.deposits.values()].filter(({ fate }) => fate === "lost"));
    // What the operator keeps of the round: its fees, less what it advanced for deposits that were lost.
    const kept = proof.fee + proof.seatFees - lost + (due - paid);
    const net = money.change - money.operatorIn + money.minerFee;
    if (net !== kept)
      this.wrong("E8", `the operator should keep ${kept} sat before miner fees and keeps ${net}`, {
        txids: proof.txids,
      });
  }
}
